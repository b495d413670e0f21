package git

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
)

// The limits of what is fetched over HTTP.
const (
	// MaxFetch bounds the bytes of a repository's answers together.
	MaxFetch = 256 << 20
	// maxInflated bounds what they are once they are unpacked: a megabyte of a pack can hold a gigabyte of zeros.
	maxInflated = 2 << 30
	maxObjects  = 500_000
	// answerTimeout bounds how long a server may think before it begins to answer.
	answerTimeout = time.Minute
	maxHops       = 5
)

// budget is how many bytes may still be read of a server.
type budget struct{ left int64 }

func (b *budget) spent() bool { return b.left < 0 }

var errSpent = errors.New("the answers are too long")

// elsewhere is a redirect that is not followed.
type elsewhere struct{ host string }

func (e *elsewhere) Error() string { return "a redirect to " + e.host }

// client asks within a budget. It follows redirects on the host that it was sent to, as forges do from a path to the same path with .git.
func client(within *budget) *http.Client {
	base, _ := http.DefaultTransport.(*http.Transport)
	one := base.Clone()
	one.ResponseHeaderTimeout = answerTimeout
	return &http.Client{
		Transport: &counted{one, within},
		CheckRedirect: func(to *http.Request, via []*http.Request) error {
			if to.URL.Host != via[0].URL.Host || len(via) > maxHops {
				return &elsewhere{to.URL.Host}
			}
			return nil
		},
	}
}

// counted takes what is read of every answer from a budget.
type counted struct {
	http.RoundTripper
	within *budget
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = &countedBody{answer.Body, c.within}
	}
	return answer, err
}

type countedBody struct {
	io.ReadCloser
	within *budget
}

func (b *countedBody) Read(p []byte) (int, error) {
	if b.within.spent() {
		return 0, errSpent
	}
	n, err := b.ReadCloser.Read(p)
	if b.within.left -= int64(n); b.within.spent() {
		return 0, errSpent
	}
	return n, err
}

// told is what an answer's error means. What the server wrote beside its status is not repeated.
func told(err error, at string, within *budget) error {
	var to *elsewhere
	var status *githttp.Err
	var unexpected *plumbing.UnexpectedError // which does not unwrap
	switch {
	case within.spent():
		return fault.New(fault.Invalid, "%s: more than %d MiB would have to be fetched; a pipeline's repository is small: keep data in a store", at, MaxFetch>>20)
	case errors.As(err, &to):
		return fault.New(fault.Invalid, "%s redirects to %q: redirects to another host are not followed; set the URL that is meant", at, to.host)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return fault.New(fault.NotFound, "there is no repository %s, or it is not shown without another token", at)
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return fault.New(fault.NotFound, "the repository %s has no commit yet", at)
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return fault.New(fault.Unauthorized, "%s does not take the token that it was asked with, or wants one", at)
	case strings.Contains(err.Error(), "not our ref"):
		return fault.New(fault.NotFound, "%s has no such commit", at)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.Unavailable, "%s did not answer in time", at)
	case errors.As(err, &unexpected) && errors.As(unexpected.Err, &status):
		return ofStatus(status.StatusCode(), at)
	}
	return fault.New(fault.Unavailable, "%s does not answer as a git repository over HTTP does: %s", at, OneLine(err.Error(), maxSubject))
}

// ofStatus is what an answer's status means. None is fault.Refused: that is what is said of a commit, and a forge's trouble is not the commit's.
func ofStatus(status int, at string) error {
	code := fault.Invalid
	switch {
	case status == http.StatusProxyAuthRequired:
		code = fault.Unauthorized
	case status == http.StatusGone:
		code = fault.NotFound
	case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		code = fault.Unavailable
	}
	return fault.New(code, "%s answers HTTP %d", at, status)
}

// take stores a pack, after a look at how much it would be.
func (r *Repository) take(pack io.Reader) error {
	held, err := os.CreateTemp(r.remote.dir, "pack")
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "the folder for %s", r.name)
	}
	defer os.Remove(held.Name())
	defer held.Close()
	if _, err := io.Copy(held, pack); err != nil {
		return told(err, r.name, r.remote.budget)
	}
	if err := measure(held); err != nil {
		return fault.Wrap(fault.Invalid, err, "%s", r.name)
	}
	if _, err := held.Seek(0, io.SeekStart); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the folder for %s", r.name)
	}
	return fault.Wrap(fault.Invalid, packfile.UpdateObjectStorage(r.objects, held), "what was fetched of %s", r.name)
}

// measure reads through a pack and refuses one that would be too much when its objects are made whole, before any is.
func measure(pack io.ReadSeeker) error {
	if _, err := pack.Seek(0, io.SeekStart); err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading a pack")
	}
	scanner := packfile.NewScanner(pack)
	_, count, err := scanner.Header()
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "the pack")
	}
	if count > maxObjects {
		return fault.New(fault.Invalid, "the pack has %d objects; at most %d are good", count, maxObjects)
	}
	var sum int64
	add := func(size int64) error {
		if size < 0 || size > ci.MaxTreeBytes || sum+size > maxInflated {
			return fault.New(fault.Invalid, "the pack holds more than %d MiB in one object, or %d MiB in all; keep data in a store", ci.MaxTreeBytes>>20, maxInflated>>20)
		}
		sum += size
		return nil
	}
	for range count {
		header, err := scanner.NextObjectHeader()
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "the pack")
		}
		if err := add(header.Length); err != nil {
			return err
		}
		into := io.Discard
		var delta deltaHead
		isDelta := header.Type == plumbing.OFSDeltaObject || header.Type == plumbing.REFDeltaObject
		if isDelta {
			into = &delta
		}
		if _, _, err := scanner.NextObject(into); err != nil {
			return fault.Wrap(fault.Invalid, err, "the pack")
		}
		if !isDelta {
			continue
		}
		size, err := delta.size()
		if err != nil {
			return err
		}
		if err := add(size); err != nil {
			return err
		}
	}
	return nil
}

// deltaHead keeps the first bytes of a delta: the size of what it is applied to, and the size of what comes of it.
type deltaHead struct{ first []byte }

const mostOfHead = 20

func (d *deltaHead) Write(p []byte) (int, error) {
	d.first = append(d.first, p[:min(len(p), mostOfHead-len(d.first))]...)
	return len(p), nil
}

// size is that of what comes of the delta: the second of two numbers of seven bits a byte, least first.
func (d *deltaHead) size() (int64, error) {
	var number int64
	at := 0
	for range 2 {
		number = 0
		for shift := 0; ; shift += 7 {
			if at == len(d.first) || shift > 7*7 {
				return 0, fault.New(fault.Invalid, "the pack has a delta without its sizes")
			}
			b := d.first[at]
			at++
			number |= int64(b&0x7f) << shift
			if b&0x80 == 0 {
				break
			}
		}
	}
	return number, nil
}
