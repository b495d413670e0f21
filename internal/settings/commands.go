package settings

import (
	"regexp"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// CIPrefix begins the variables about commands of repositories.
const CIPrefix = "LOANOPS_CI_"

// The values of LOANOPS_CI_COMMANDS and LOANOPS_CI_NETWORK that allow something.
const (
	allow         = "allow"
	allowSameUser = "allow-same-user"
)

// CommandRights are what commands of repositories may do on a worker.
type CommandRights struct {
	// Run lets them run at all.
	Run bool
	// SameUser lets them run as the worker's own user where it has no others to give.
	SameUser bool
	// Network leaves them in the machine's network.
	Network bool
}

var (
	environmentName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,99}$`)
	// kept are the variables that no command has of the worker: the beginnings are those of the platform's credentials, the rest is the sandbox's to set.
	keptPrefixes = []string{"LOANOPS_", "AWS_", "TEMPORAL_"}
	keptNames    = []string{"HOME", "TMPDIR", "LANG", "CI", "PWD", "PATH"}
)

// CommandRights are those that LOANOPS_CI_COMMANDS and LOANOPS_CI_NETWORK give.
func (s Settings) CommandRights() (CommandRights, error) {
	if !slices.Contains([]string{"", allow, allowSameUser}, s.CICommands) {
		return CommandRights{}, fault.New(fault.Invalid, "LOANOPS_CI_COMMANDS is %q; nothing, %s or %s is wanted", s.CICommands, allow, allowSameUser)
	}
	if !slices.Contains([]string{"", allow}, s.CINetwork) {
		return CommandRights{}, fault.New(fault.Invalid, "LOANOPS_CI_NETWORK is %q; nothing or %s is wanted", s.CINetwork, allow)
	}
	return CommandRights{Run: s.CICommands != "", SameUser: s.CICommands == allowSameUser, Network: s.CINetwork == allow}, nil
}

// CommandEnvironment is PATH, and what LOANOPS_CI_ENVIRONMENT names, as NAME=value.
func (s Settings) CommandEnvironment() ([]string, error) {
	environment := []string{"PATH=" + s.Environment["PATH"]}
	for _, name := range commandNames(s.CIEnvironment) {
		value, set := s.Environment[name]
		switch {
		case !environmentName.MatchString(name):
			return nil, fault.New(fault.Invalid, "LOANOPS_CI_ENVIRONMENT: %q is no name of a variable; names with commas between them are wanted, such as GOMODCACHE,GOPROXY", name)
		case slices.Contains(keptNames, name):
			return nil, fault.New(fault.Invalid, "LOANOPS_CI_ENVIRONMENT: every command has %s already", name)
		case slices.ContainsFunc(keptPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) }):
			return nil, fault.New(fault.Invalid, "LOANOPS_CI_ENVIRONMENT: %s is the platform's; no command of a repository gets its settings and credentials", name)
		case !set:
			return nil, fault.New(fault.Invalid, "LOANOPS_CI_ENVIRONMENT: the worker has no variable %s to give", name)
		}
		environment = append(environment, name+"="+value)
	}
	return environment, nil
}

// ForCommands are the variables of an environment that a worker needs for commands of repositories, as NAME=value.
func (e Environment) ForCommands() []string {
	names := commandNames(e[CIPrefix+"ENVIRONMENT"])
	return slices.DeleteFunc(e.Environ(), func(line string) bool {
		name, _, _ := strings.Cut(line, "=")
		return !strings.HasPrefix(name, CIPrefix) && !slices.Contains(names, name)
	})
}

func commandNames(list string) (names []string) {
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}
