package git

import (
	"context"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/loanops/loanops/internal/fault"
)

// anyUser is the name beside a token: GitLab wants this one, GitHub and Gitea take any.
const anyUser = "oauth2"

// Auth is as whom a forge is asked: HTTP basic authentication, over which the three forges take their tokens.
type Auth struct {
	// Token is a secret; without it nobody is named.
	Token string
}

// remote is a repository over HTTP: what it offers, and what was brought of it.
type remote struct {
	session transport.UploadPackSession
	offers  *capability.List
	tips    map[plumbing.Hash]bool
	budget  *budget
	dir     string
	whole   map[plumbing.Hash]bool // commits that are here with their whole history
}

// Clone asks a repository at an http or https URL for its references, and brings, into an empty folder, what is asked of it later and no more: of a commit alone its
// files, for a merge the histories of both sides. The answers have at most MaxFetch bytes together, inflate to at most maxInflated, and end with the context. A redirect to
// another host is not followed.
func Clone(ctx context.Context, at string, auth Auth, dir string) (*Repository, error) {
	if err := checkURL(at); err != nil {
		return nil, err
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		return nil, fault.New(fault.Invalid, "what is brought of %s goes into an empty folder", at)
	}
	r, refs, err := ask(ctx, at, auth)
	if err != nil {
		return nil, err
	}
	r.dir = dir
	storage := stored(dir)
	if err := storage.Init(); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the folder for %s", at)
	}
	return &Repository{name: at, objects: storage, refs: refs, remote: r}, nil
}

// RemoteHash is what a branch points to at an http or https URL. Nothing but the references is fetched.
func RemoteHash(ctx context.Context, at string, auth Auth, ref string) (string, error) {
	_, refs, err := ask(ctx, at, auth)
	if err != nil {
		return "", err
	}
	hash, err := (&Repository{name: at, refs: refs}).named(ref)
	switch {
	case err != nil:
		return "", err
	case hash.IsZero():
		return "", fault.New(fault.NotFound, "%s has no %s", at, ref)
	}
	return hash.String(), nil
}

// ask connects to a repository and lists its references.
func ask(ctx context.Context, at string, auth Auth) (*remote, storer.ReferenceStorer, error) {
	if err := checkURL(at); err != nil {
		return nil, nil, err
	}
	endpoint, err := transport.NewEndpoint(at)
	if err != nil {
		return nil, nil, fault.New(fault.Invalid, "%s is no URL of a repository", at)
	}
	budget := &budget{left: MaxFetch}
	session, err := githttp.NewClientWithOptions(client(budget), nil).NewUploadPackSession(endpoint, auth.method())
	if err != nil {
		return nil, nil, fault.Wrap(fault.Internal, err, "asking %s", at)
	}
	offered, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return nil, nil, told(err, at, budget)
	}
	refs, err := offered.AllReferences()
	if err != nil {
		return nil, nil, fault.New(fault.Invalid, "%s names references that git does not have", at)
	}
	r := &remote{session: session, offers: offered.Capabilities, tips: map[plumbing.Hash]bool{}, budget: budget, whole: map[plumbing.Hash]bool{}}
	for _, to := range refs {
		if to.Type() == plumbing.HashReference {
			r.tips[to.Hash()] = true
		}
	}
	return r, refs, nil
}

func checkURL(at string) error {
	to, err := url.Parse(at)
	if err != nil || to.Scheme != "http" && to.Scheme != "https" || to.Host == "" || to.User != nil || to.RawQuery != "" || to.Fragment != "" {
		return fault.New(fault.Invalid, "a repository's URL such as https://host/team/repository.git is wanted, without a password")
	}
	return nil
}

func (a Auth) method() transport.AuthMethod {
	if a.Token == "" {
		return nil
	}
	return &githttp.BasicAuth{Username: anyUser, Password: a.Token}
}

// bring fetches what the references name, unless it is here already.
func (r *Repository) bring(ctx context.Context, history bool, refs []string) error {
	var wants []plumbing.Hash
	for _, ref := range refs {
		if isShortHash(ref) {
			if named, err := r.named(ref); err != nil {
				return err
			} else if named.IsZero() { // which commit it is, and whether it is the only one, only all of them tell
				return r.bringEverything(ctx)
			}
		}
		hash, err := r.resolve(ref)
		switch {
		case err != nil:
			return err
		case !r.remote.gives(hash):
			return r.bringEverything(ctx)
		}
		wants = append(wants, hash)
	}
	if history {
		wants = slices.DeleteFunc(wants, func(h plumbing.Hash) bool { return r.remote.whole[h] })
		return r.fetch(ctx, wants, 0)
	}
	wants = slices.DeleteFunc(wants, func(h plumbing.Hash) bool { return r.objects.HasEncodedObject(h) == nil })
	return r.fetch(ctx, wants, 1)
}

// gives says that the server lets a client ask for an object by its hash.
func (r *remote) gives(hash plumbing.Hash) bool {
	return r.tips[hash] || r.offers.Supports(capability.AllowReachableSHA1InWant)
}

// bringEverything fetches all branches and tags with their histories.
func (r *Repository) bringEverything(ctx context.Context) error {
	var wants []plumbing.Hash
	refs, err := r.refs.IterReferences()
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the references of %s", r.name)
	}
	err = refs.ForEach(func(to *plumbing.Reference) error {
		if (to.Name().IsBranch() || to.Name().IsTag()) && !r.remote.whole[to.Hash()] && to.Type() == plumbing.HashReference {
			wants = append(wants, to.Hash())
		}
		return nil
	})
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the references of %s", r.name)
	}
	return r.fetch(ctx, wants, 0)
}

// fetch asks for objects with a depth of history, zero for all of it.
func (r *Repository) fetch(ctx context.Context, wants []plumbing.Hash, depth int) error {
	if len(wants) == 0 {
		return nil
	}
	slices.SortFunc(wants, func(a, b plumbing.Hash) int { return strings.Compare(a.String(), b.String()) })
	request := packp.NewUploadPackRequestFromCapabilities(r.remote.offers)
	request.Wants = slices.Compact(wants)
	asked := []capability.Capability{capability.NoProgress}
	if depth > 0 && r.remote.offers.Supports(capability.Shallow) {
		request.Depth = packp.DepthCommits(depth)
		asked = append(asked, capability.Shallow)
	}
	for _, of := range asked {
		if r.remote.offers.Supports(of) {
			if err := request.Capabilities.Set(of); err != nil {
				return fault.Wrap(fault.Internal, err, "asking %s", r.name)
			}
		}
	}
	answer, err := r.remote.session.UploadPack(ctx, request)
	if err != nil {
		return told(err, r.name, r.remote.budget)
	}
	defer func() { _ = answer.Close() }() // it was only read
	if err := r.take(demultiplexed(request.Capabilities, answer)); err != nil {
		return err
	}
	if depth == 0 {
		for _, want := range wants {
			r.remote.whole[want] = true
		}
	}
	return nil
}

// demultiplexed is the pack in an answer, which can hold progress and errors beside it.
func demultiplexed(of *capability.List, answer *packp.UploadPackResponse) io.Reader {
	switch {
	case of.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, answer)
	case of.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, answer)
	}
	return answer
}
