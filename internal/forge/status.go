package forge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/fault"
)

// State is what became of a commit.
type State string

// The states. Failure is that of a commit that is not good, Error that of a run that could not tell.
const (
	Pending State = "pending"
	Success State = "success"
	Failure State = "failure"
	Error   State = "error"
)

// About tells the platform's statuses of a commit from each other, and from those of others: a commit that is green alone may be red when merged, and the one does not paint
// over the other. What it was merged into is not told apart: of merges of one commit into two targets the later is shown.
type About string

// What a status is about.
const (
	OfPush  About = "loanops/push"
	OfMerge About = "loanops/merge"
)

// Status is what became of a commit, alone or as merged.
type Status struct {
	About  About
	Commit string // full hash
	State  State
	// Description is one line for people. What is longer than the forge takes is cut off.
	Description string
	// Target is where a person sees the run, a URL; empty for nowhere.
	Target string
	// Page is the run as a page in HTML, for a bare repository in a folder, where it lies beside the rest. Forges take none.
	Page []byte
}

// MaxPage bounds a status' page, in bytes: each commit of a repository may leave two there.
const MaxPage = 1 << 20

const (
	// postTimeout bounds one try.
	postTimeout = 20 * time.Second
	// mostAnswer bounds how much of a forge's answer is looked at.
	mostAnswer = 64 << 10
)

// The limits of a description, in characters: GitHub refuses longer ones than 140, GitLab longer ones than 255; Gitea has none that is documented.
var mostDescription = map[Kind]int{GitHub: 140, GitLab: 255, Gitea: 255, Bare: 1000}

// Post tells a repository what became of a commit: a forge by its API, a bare one by a note and files. What another try may mend is fault.Unavailable: no answer, 5xx, 408 and
// 429. Any other answer but 2xx is permanent, and what the forge writes beside it is not repeated. A bare repository behind HTTP takes none, and is told nothing.
func Post(ctx context.Context, r Repository, s Status) error {
	s.Description = cut(s.Description, mostDescription[r.Kind])
	if r.Kind == Bare {
		return note(ctx, r, s)
	}
	request, err := newStatus(r, s)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	return send(request.WithContext(ctx), r)
}

// cut shortens a text to a number of characters.
func cut(text string, most int) string {
	runes := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " "))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most-1]) + "…"
}

// gitHubStatus is the body that GitHub takes, and Gitea after it:
// https://docs.github.com/en/rest/commits/statuses#create-a-commit-status, https://docs.gitea.com/api (repoCreateStatus).
type gitHubStatus struct {
	State       State  `json:"state"`
	TargetURL   string `json:"target_url,omitempty"`
	Description string `json:"description"`
	Context     string `json:"context"`
}

// gitLabStatus is the body that GitLab takes: https://docs.gitlab.com/api/commits/#set-commit-pipeline-status.
type gitLabStatus struct {
	State       string `json:"state"`
	TargetURL   string `json:"target_url,omitempty"`
	Description string `json:"description"`
	Name        string `json:"name"`
}

// gitLabStates are GitLab's words. It knows one for what is red.
var gitLabStates = map[State]string{Pending: "pending", Success: "success", Failure: "failed", Error: "failed"}

// newStatus is the request that a forge takes.
func newStatus(r Repository, s Status) (*http.Request, error) {
	api, err := r.api()
	if err != nil {
		return nil, err
	}
	project, err := r.project(api)
	if err != nil {
		return nil, err
	}
	token, err := r.Token()
	switch {
	case err != nil:
		return nil, fault.New(fault.Unavailable, "the repository %q cannot be told now: %s", r.Name, err)
	case token == "":
		return nil, fault.New(fault.Unauthorized, "the repository %q takes a status from nobody without a token", r.Name)
	}
	var at string
	var body any = gitHubStatus{State: s.State, TargetURL: s.Target, Description: s.Description, Context: string(s.About)}
	header := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "User-Agent": {"loanops"}}
	switch r.Kind {
	case GitHub:
		at = api + "/repos/" + escaped(project) + "/statuses/" + url.PathEscape(s.Commit)
		header.Set("Accept", "application/vnd.github+json")
		header.Set("X-GitHub-Api-Version", "2022-11-28")
		header.Set("Authorization", "Bearer "+token)
	case Gitea:
		at = api + "/repos/" + escaped(project) + "/statuses/" + url.PathEscape(s.Commit)
		header.Set("Authorization", "token "+token)
	case GitLab:
		at = api + "/projects/" + url.PathEscape(project) + "/statuses/" + url.PathEscape(s.Commit)
		header.Set("Private-Token", token)
		body = gitLabStatus{State: gitLabStates[s.State], TargetURL: s.Target, Description: s.Description, Name: string(s.About)}
	case Bare:
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "a status")
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, at, bytes.NewReader(encoded))
	if err != nil {
		return nil, fault.New(fault.Invalid, "the URL of the API of the repository %q is none", r.Name)
	}
	request.Header = header
	return request, nil
}

// escaped is owner/name in a path.
func escaped(project string) string {
	owner, name, _ := strings.Cut(project, "/")
	return url.PathEscape(owner) + "/" + url.PathEscape(name)
}

// client follows no redirects: it would carry a token to wherever they lead.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func send(request *http.Request, r Repository) error {
	answer, err := client.Do(request)
	if err != nil {
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err // without the URL
		}
		return fault.Wrap(fault.Unavailable, err, "the forge of the repository %q does not answer", r.Name)
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, mostAnswer)) // what is cut off is not looked at
	switch status := answer.StatusCode; {
	case status >= 200 && status < 300:
		return nil
	case r.Kind == GitLab && status == http.StatusBadRequest && bytes.Contains(said, []byte("Cannot transition status")):
		return nil // GitLab says so where a commit has the state already
	case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
		return fault.New(fault.Unavailable, "the forge of the repository %q answers HTTP %d", r.Name, status)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fault.New(fault.Unauthorized, "the forge of the repository %q answers HTTP %d: its token may not set the status of a commit", r.Name, status)
	case status == http.StatusNotFound:
		return fault.New(fault.NotFound, "the forge of the repository %q answers HTTP 404: it has no such repository or commit, or its token may not see it", r.Name)
	default:
		return fault.New(fault.Refused, "the forge of the repository %q answers HTTP %d to the status of a commit", r.Name, status)
	}
}
