package settings

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/forge"
)

// RepositoryPrefix begins the variables that name a team's repository: LOANOPS_REPOSITORY_<NAME>_URL, and beside it _KIND, _API, _TOKEN_FILE, _SECRET_FILE, _BRANCH
// and _POLL.
const RepositoryPrefix = "LOANOPS_REPOSITORY_"

const (
	// defaultBranch is the one that is delivered where none is named.
	defaultBranch = "main"
	// leastPoll keeps a forge from being asked all the time.
	leastPoll = 10 * time.Second
	// leastSecret is the fewest characters of a webhook's secret: whoever guesses it starts runs.
	leastSecret = 8
)

var repositoryName = regexp.MustCompile(`^[A-Z0-9][A-Z0-9_]{0,39}$`)

// Repositories are the teams' repositories, sorted by name, which is in lower case. An empty URL is none, and what is wrong is fault.Invalid and names the variable. Tokens
// and secrets are not read yet: one that cannot be read says nothing of the other repositories, and a program that needs none does without.
func (s Settings) Repositories() ([]forge.Repository, error) {
	var repositories []forge.Repository
	for _, name := range s.named(RepositoryPrefix) {
		r, err := s.repository(name)
		if err != nil {
			return nil, err
		}
		repositories = append(repositories, r)
	}
	return repositories, nil
}

// Repository is the one of a name, or that lies in a folder, by whichever way that is named: of several the first by name.
func (s Settings) Repository(name string) (forge.Repository, error) {
	all, err := s.Repositories()
	if err != nil {
		return forge.Repository{}, err
	}
	folder := filepath.IsAbs(name)
	for _, r := range all {
		if r.Name == name || folder && r.InFolder() && r.Origin() == forge.Folder(name) {
			return r, nil
		}
	}
	if folder {
		return forge.Repository{}, fault.New(fault.NotFound, "no repository of the settings lies in %s", name)
	}
	return forge.Repository{}, fault.New(fault.NotFound, "there is no repository %q: set %s%s%s", name, RepositoryPrefix, strings.ToUpper(name), urlSuffix)
}

func (s Settings) repository(name string) (forge.Repository, error) {
	variable := func(suffix string) string { return RepositoryPrefix + name + suffix }
	value := func(suffix string) string { return s.Environment[variable(suffix)] }
	if !repositoryName.MatchString(name) {
		return forge.Repository{}, fault.New(fault.Invalid, "%s: the name between %s and %s is at most 40 capital letters, digits and underscores", variable(urlSuffix), RepositoryPrefix, urlSuffix)
	}
	r := forge.Repository{
		Name: strings.ToLower(name), Kind: forge.Bare, URL: value(urlSuffix), API: value("_API"), Branch: defaultBranch,
		Token: s.held(variable("_TOKEN_FILE"), 0), Secret: s.held(variable(secretSuffix), leastSecret),
	}
	if kind := value("_KIND"); kind != "" {
		r.Kind = forge.Kind(kind)
	}
	if branch := value("_BRANCH"); branch != "" {
		r.Branch = branch
	}
	if poll := value("_POLL"); poll != "" {
		var err error
		if r.Poll, err = time.ParseDuration(poll); err != nil || r.Poll < leastPoll {
			return r, fault.New(fault.Invalid, "%s: how often the branch is looked at, such as 1m, is wanted; at least %s", variable("_POLL"), leastPoll)
		}
	}
	switch {
	case !slices.Contains(forge.Kinds(), r.Kind):
		return r, fault.New(fault.Invalid, "%s: one of github, gitlab, gitea and bare is wanted", variable("_KIND"))
	case r.API != "" && !isWeb(r.API):
		return r, fault.New(fault.Invalid, "%s: a URL such as https://host/api/v4 is wanted, without a password", variable("_API"))
	case isWeb(r.URL):
		return r, nil
	case !filepath.IsAbs(r.URL) || r.Kind != forge.Bare:
		return r, fault.New(fault.Invalid, "%s: a URL such as https://host/team/loans.git is wanted, without a password, or for a bare repository an absolute folder", variable(urlSuffix))
	case !s.belowDataDirs(r.URL):
		return r, fault.New(fault.Invalid, "%s: %s does not lie in a folder of LOANOPS_DATA_DIRS", variable(urlSuffix), r.URL)
	}
	return r, nil
}

// IsSecret says that a variable names what verifies the webhooks of a repository: whoever has that can write a delivery.
func IsSecret(variable string) bool {
	return strings.HasPrefix(variable, RepositoryPrefix) && strings.HasSuffix(variable, secretSuffix)
}

// isWeb says that a text is a URL of http or https, without a password.
func isWeb(text string) bool {
	at, err := url.Parse(text)
	return err == nil && (at.Scheme == "http" || at.Scheme == "https") && at.Host != "" && at.User == nil && at.RawQuery == "" && at.Fragment == ""
}

// belowDataDirs says that a folder that an operator named lies where files may be read. A link in it is the operator's too.
func (s Settings) belowDataDirs(folder string) bool {
	return slices.ContainsFunc(filepath.SplitList(s.DataDirs), func(dir string) bool {
		relative, err := filepath.Rel(dir, folder)
		return err == nil && filepath.IsLocal(relative)
	})
}

// held is what a file holds that a variable names, empty where it names none.
func (s Settings) held(variable string, least int) func() (string, error) {
	file := s.Environment[variable]
	return func() (string, error) {
		if file == "" {
			return "", nil
		}
		content, err := os.ReadFile(file)
		text := strings.TrimSpace(string(content))
		if err != nil || len(text) < least || strings.ContainsAny(text, "\r\n") {
			return "", fault.New(fault.Invalid, "%s names no file that can be read and holds one line of at least %d characters", variable, least)
		}
		return text, nil
	}
}
