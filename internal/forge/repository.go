// Package forge knows where teams' repositories are: on a forge (GitHub, GitLab, Gitea), or bare in a folder. It opens them, and tells them what
// became of a commit.
package forge

import (
	"context"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/git"
)

// Kind is what a repository lies on.
type Kind string

// The kinds. Bare is a repository without a forge: in a folder, or behind a plain HTTP server.
const (
	Bare   Kind = "bare"
	GitHub Kind = "github"
	GitLab Kind = "gitlab"
	Gitea  Kind = "gitea"
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{Bare, GitHub, GitLab, Gitea} }

// Repository is a team's, by the name that an operator gave it.
type Repository struct {
	Name string
	Kind Kind
	// URL is an http or https URL to clone from, or a folder of this machine.
	URL string
	// API is the base URL of the forge's API; empty for that of the kind.
	API string
	// Branch is the one that is delivered.
	Branch string
	// Poll is how often the branch is looked at; zero for never.
	Poll time.Duration
	// Token is as whom the forge is asked, empty for nobody. It is read each time, for it may be changed at any time.
	Token func() (string, error)
	// Secret is what the forge signs its webhooks with, empty where none are taken.
	Secret func() (string, error)
}

// InFolder says that the repository lies in a folder of this machine.
func (r Repository) InFolder() bool { return filepath.IsAbs(r.URL) }

// Origin is what a repository is known by, whatever the settings call it: its URL, or its folder by the way that leads through no links.
func (r Repository) Origin() string {
	if !r.InFolder() {
		return r.URL
	}
	return Folder(r.URL)
}

// Folder is a folder without links on the way to it, as far as it is there: by whichever way it is named, it is one repository.
func Folder(path string) string {
	if at, err := filepath.EvalSymlinks(path); err == nil {
		return at
	}
	return filepath.Clean(path)
}

// Open opens the repository. What is fetched of it goes into an empty folder.
func Open(ctx context.Context, r Repository, dir string) (*git.Repository, error) {
	if r.InFolder() {
		return git.Open(r.URL)
	}
	auth, err := r.auth()
	if err != nil {
		return nil, err
	}
	return git.Clone(ctx, r.URL, auth, dir)
}

// Head is the newest commit of the repository's branch.
func Head(ctx context.Context, r Repository) (hash string, err error) {
	ref := git.BranchRef(r.Branch)
	if r.InFolder() {
		opened, err := git.Open(r.URL)
		if err != nil {
			return "", err
		}
		return opened.Hash(ref)
	}
	auth, err := r.auth()
	if err != nil {
		return "", err
	}
	return git.RemoteHash(ctx, r.URL, auth, ref)
}

func (r Repository) auth() (git.Auth, error) {
	token, err := r.Token()
	if err != nil { // it was right when the program started: somebody is changing it, or will
		return git.Auth{}, fault.New(fault.Unavailable, "the repository %q cannot be asked now: %s", r.Name, err)
	}
	return git.Auth{Token: token}, nil
}

// apiSuffix is how the API's path ends on a forge's own host.
var apiSuffix = map[Kind]string{GitHub: "/api/v3", GitLab: "/api/v4", Gitea: "/api/v1"}

// api is the base URL of the forge's API, without a slash at the end.
func (r Repository) api() (string, error) {
	if r.API != "" {
		return strings.TrimSuffix(r.API, "/"), nil
	}
	at, err := url.Parse(r.URL)
	if err != nil || at.Host == "" {
		return "", fault.New(fault.Invalid, "the repository %q lies on no forge", r.Name)
	}
	if r.Kind == GitHub && at.Host == "github.com" {
		return "https://api.github.com", nil
	}
	return at.Scheme + "://" + at.Host + apiSuffix[r.Kind], nil
}

// project is the repository's path on the forge, as in team/loans. A forge that lies below a path of its host has that path in the URL of its API too.
func (r Repository) project(api string) (string, error) {
	at, err := url.Parse(r.URL)
	if err != nil {
		return "", fault.New(fault.Invalid, "the repository %q has no URL", r.Name)
	}
	path := strings.TrimSuffix(strings.Trim(at.Path, "/"), ".git")
	if base, err := url.Parse(api); err == nil && base.Host == at.Host {
		below := strings.Trim(strings.TrimSuffix(base.Path, apiSuffix[r.Kind]), "/")
		if below != "" {
			path = strings.TrimPrefix(path, below+"/")
		}
	}
	if parts := strings.Split(path, "/"); len(parts) < 2 || r.Kind != GitLab && len(parts) != 2 {
		return "", fault.New(fault.Invalid, "the URL of the repository %q does not end in an owner and a name, as in https://host/team/loans.git", r.Name)
	}
	return path, nil
}
