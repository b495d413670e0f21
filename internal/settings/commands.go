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
	Allow         = "allow"
	AllowSameUser = "allow-same-user"
)

var (
	environmentName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,99}$`)
	// kept are the variables that no command has of the worker: the beginnings are those of the platform's credentials, the rest is the sandbox's to set.
	keptPrefixes = []string{"LOANOPS_", "AWS_", "TEMPORAL_"}
	keptNames    = []string{"HOME", "TMPDIR", "LANG", "CI", "PWD", "PATH"}
)

// CommandsAllowed checks LOANOPS_CI_COMMANDS and LOANOPS_CI_NETWORK: whether commands of repositories may be run, whether as the worker's own user too, and
// whether in the machine's network.
func (s Settings) CommandsAllowed() (allowed, sameUser, network bool, err error) {
	if !slices.Contains([]string{"", Allow, AllowSameUser}, s.CICommands) {
		return false, false, false, fault.New(fault.Invalid, "LOANOPS_CI_COMMANDS is %q; nothing, %s or %s is wanted", s.CICommands, Allow, AllowSameUser)
	}
	if !slices.Contains([]string{"", Allow}, s.CINetwork) {
		return false, false, false, fault.New(fault.Invalid, "LOANOPS_CI_NETWORK is %q; nothing or %s is wanted", s.CINetwork, Allow)
	}
	return s.CICommands != "", s.CICommands == AllowSameUser, s.CINetwork == Allow, nil
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
