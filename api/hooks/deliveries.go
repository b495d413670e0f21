package hooks

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-playground/webhooks/v6/gitea"
	"github.com/go-playground/webhooks/v6/github"
	"github.com/go-playground/webhooks/v6/gitlab"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/forge"
	"github.com/loanops/loanops/internal/git"
)

// ignored is why a delivery that is in order starts nothing.
type ignored struct{ reason string }

func (i *ignored) Error() string { return i.reason }

func ignore(format string, args ...any) error { return &ignored{fmt.Sprintf(format, args...)} }

// delivery is what a forge sent: its body is a reader over bytes that were read within a limit.
type delivery struct {
	request *http.Request
	body    []byte
	latest  time.Time // what is told to be later is the time of a wrong clock
}

// parsers read the deliveries of each kind of forge, after they verified them. The library looks at the signature only of events that it was asked for: it is
// asked for whichever comes. GitHub and Gitea sign the body (HMAC-SHA256), GitLab sends the secret itself, which is compared in constant time.
var parsers = map[forge.Kind]func(d delivery, secret string) (Event, error){
	forge.GitHub: fromGitHub, forge.GitLab: fromGitLab, forge.Gitea: fromGitea,
}

var errUnverified = fault.New(fault.Unauthorized, "the signature or token of the delivery is missing, or is not that of this repository's secret")

// wrong is what an error of the library means. It holds nothing of the body.
func wrong(err error, event string) error {
	switch {
	case errors.Is(err, github.ErrMissingHubSignatureHeader), errors.Is(err, github.ErrHMACVerificationFailed), errors.Is(err, gitlab.ErrGitLabTokenVerificationFailed),
		errors.Is(err, gitea.ErrMissingGiteaSignatureHeader), errors.Is(err, gitea.ErrHMACVerificationFailed):
		return errUnverified
	case errors.Is(err, github.ErrMissingGithubEventHeader), errors.Is(err, gitlab.ErrMissingGitLabEventHeader), errors.Is(err, gitea.ErrMissingGiteaEventHeader):
		return fault.New(fault.Invalid, "the header that names the event is missing: is this repository's kind that of the forge?")
	}
	return fault.New(fault.Invalid, "the body is not that of a %s event in JSON (is the content type of the webhook application/json?)", event)
}

func fromGitHub(d delivery, secret string) (Event, error) {
	hook, err := github.New(github.Options.Secret(secret))
	if err != nil {
		return Event{}, fault.Wrap(fault.Internal, err, "webhooks of GitHub")
	}
	name := d.request.Header.Get("X-GitHub-Event")
	payload, err := hook.Parse(d.request, github.Event(name))
	delivered := d.request.Header.Get("X-GitHub-Delivery")
	switch p := payload.(type) {
	case github.PushPayload:
		if err == nil {
			return push(p.Ref, p.After, Event{Actor: p.Pusher.Name, Delivery: delivered, At: d.newest(time.Unix(p.Repository.PushedAt, 0))})
		}
	case github.PullRequestPayload:
		if err == nil {
			r := p.PullRequest
			return d.mergeRequest(p.Action, []string{"opened", "reopened", "synchronize", "ready_for_review"}, "edited", Event{
				Ref: "refs/pull/" + strconv.FormatInt(p.Number, 10) + "/head", Commit: r.Head.Sha, Branch: r.Head.Ref, Against: r.Base.Ref,
				Fork: r.Head.Repo.FullName != r.Base.Repo.FullName, Actor: p.Sender.Login, Delivery: delivered, At: d.newest(r.UpdatedAt),
			})
		}
	}
	return other(err, name, "push", "pull_request")
}

func fromGitLab(d delivery, secret string) (Event, error) {
	hook, err := gitlab.New(gitlab.Options.Secret(secret))
	if err != nil {
		return Event{}, fault.Wrap(fault.Internal, err, "webhooks of GitLab")
	}
	name := d.request.Header.Get("X-Gitlab-Event")
	payload, err := hook.Parse(d.request, gitlab.Event(name))
	delivered := d.request.Header.Get("X-Gitlab-Event-Uuid")
	switch p := payload.(type) {
	case gitlab.PushEventPayload:
		if err == nil {
			times := make([]time.Time, len(p.Commits))
			for i, c := range p.Commits {
				times[i] = c.Timestamp.Time
			}
			return push(p.Ref, p.After, Event{Actor: p.UserUsername, Delivery: delivered, At: d.newest(times...)})
		}
	case gitlab.MergeRequestEventPayload:
		if err == nil {
			r := p.ObjectAttributes
			return d.mergeRequest(r.Action, []string{"open", "reopen"}, "update", Event{
				Ref: "refs/merge-requests/" + strconv.FormatInt(r.IID, 10) + "/head", Commit: r.LastCommit.ID, Branch: r.SourceBranch, Against: r.TargetBranch,
				Fork: r.SourceProjectID != r.TargetProjectID, Actor: p.User.UserName, Delivery: delivered, At: d.newest(r.UpdatedAt.Time),
			})
		}
	}
	return other(err, name, string(gitlab.PushEvents), string(gitlab.MergeRequestEvents))
}

func fromGitea(d delivery, secret string) (Event, error) {
	hook, err := gitea.New(gitea.Options.Secret(secret))
	if err != nil {
		return Event{}, fault.Wrap(fault.Internal, err, "webhooks of Gitea")
	}
	name := d.request.Header.Get("X-Gitea-Event")
	payload, err := hook.Parse(d.request, gitea.Event(name))
	delivered := d.request.Header.Get("X-Gitea-Delivery")
	switch p := payload.(type) {
	case gitea.PushPayload:
		if err == nil {
			var times []time.Time
			for _, c := range append(p.Commits, p.HeadCommit) {
				if c != nil {
					times = append(times, c.Timestamp)
				}
			}
			if p.Repo != nil {
				times = append(times, p.Repo.Updated)
			}
			e := Event{Delivery: delivered, At: d.newest(times...)}
			if p.Pusher != nil {
				e.Actor = p.Pusher.UserName
			}
			return push(p.Ref, p.After, e)
		}
	case gitea.PullRequestPayload:
		if r := p.PullRequest; err == nil && r != nil && r.Head != nil && r.Base != nil && r.Updated != nil {
			e := Event{
				Ref: "refs/pull/" + strconv.FormatInt(p.Index, 10) + "/head", Commit: r.Head.Sha, Branch: r.Head.Ref, Against: r.Base.Ref,
				Fork: r.Head.RepoID != r.Base.RepoID, Delivery: delivered, At: d.newest(*r.Updated),
			}
			if p.Sender != nil {
				e.Actor = p.Sender.UserName
			}
			return d.mergeRequest(string(p.Action), []string{"opened", "reopened", "synchronized"}, "edited", e)
		}
		err = gitea.ErrParsingPayload
	}
	return other(err, name, "push", "pull_request", "pull_request_sync")
}

// other is what becomes of a delivery that gives no event: one that is wrong, or in order and of a kind that starts nothing.
func other(err error, name string, ours ...string) (Event, error) {
	if err != nil {
		if unclear := wrong(err, name); fault.CodeOf(unclear) == fault.Unauthorized || name == "" {
			return Event{}, unclear
		}
		if slices.Contains(ours, name) {
			return Event{}, wrong(err, name)
		}
	}
	return Event{}, ignore("events of the kind %.40q start nothing", name)
}

// push is the event of a pushed reference.
func push(ref, commit string, e Event) (Event, error) {
	branch, isBranch := git.BranchOf(ref)
	switch {
	case !isBranch:
		return e, ignore("what is no branch starts nothing")
	case strings.Trim(commit, "0") == "":
		return e, ignore("a branch that is deleted starts nothing")
	}
	e.Kind, e.Ref, e.Branch, e.Commit = Push, ref, branch, commit
	return e, nil
}

// mergeRequest is the event of a merge request to which one of some actions was done, or which was edited so that something else would be merged.
func (d delivery) mergeRequest(action string, actions []string, edited string, e Event) (Event, error) {
	switch {
	case slices.Contains(actions, action), action == edited && d.merges():
		e.Kind = MergeRequest
		return e, nil
	case action == edited:
		return e, ignore("the merge request has no new commit and no other target")
	}
	return e, ignore("the action %.40q of a merge request starts nothing", action)
}

// merges says that an edited merge request has another target or, of GitLab, which calls that an edit too, another commit. The library does not read all of it.
func (d delivery) merges() bool {
	var p struct {
		Of struct {
			Before string `json:"oldrev"` // of GitLab: the commit before
		} `json:"object_attributes"`
		Changes struct {
			Base   any `json:"base"`          // of GitHub
			Ref    any `json:"ref"`           // of Gitea
			Target any `json:"target_branch"` // of GitLab
			// Merges is all that GitLab tells of another target before 16.10, among other things.
			Merges struct {
				Now string `json:"current"`
			} `json:"merge_status"`
		} `json:"changes"`
	}
	if json.Unmarshal(d.body, &p) != nil {
		return false
	}
	return p.Of.Before != "" || p.Changes.Base != nil || p.Changes.Ref != nil || p.Changes.Target != nil || p.Changes.Merges.Now == "unchecked"
}

// newest is the newest of some times that can be; zero where there is none.
func (d delivery) newest(times ...time.Time) (at time.Time) {
	for _, t := range times {
		if t.Unix() > 0 && t.After(at) && !t.After(d.latest) {
			at = t
		}
	}
	return at
}
