package hooks

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"golang.org/x/time/rate"

	"github.com/loanops/loanops/api/respond"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/forge"
	"github.com/loanops/loanops/internal/git"
	"github.com/loanops/loanops/internal/problem"
	"github.com/loanops/loanops/internal/sha256hex"
)

// MaxAge is how old what a delivery tells may be. It is less than the time for which Temporal remembers a run under its ID (30 days), so a delivery that was forgotten is
// too old.
const MaxAge = 7 * 24 * time.Hour

// The limits of the receiver. Who sends is known only after a body was read: these hold for anybody.
const (
	// MaxBody bounds a delivery, in bytes. What forges send of a push with its twenty newest commits has some ten thousand.
	MaxBody = 1 << 20
	// ahead is how far a forge's clock may be before this machine's.
	ahead = time.Hour
	// startTimeout bounds a start.
	startTimeout = 15 * time.Second
	// maxActor bounds a name that is logged and shown.
	maxActor = 100
	// readTimeout bounds how long a delivery may be on its way, its body with it.
	readTimeout = 10 * time.Second
	// perSecond and burst bound what one sender begins, and so, with readTimeout, how many of its bodies are read at once: 300 of at most 1 MiB.
	perSecond, burst = 20, 100
	// maxSenders are the senders that are told apart. When there are more, what all of them have sent is forgotten.
	maxSenders = 10_000
	// maxReading bounds how many bodies are read at once: one sender has half of them at most.
	maxReading = 600
	// atOnce bounds how many whole deliveries are verified and started at once.
	atOnce = 32
)

// Receiver takes deliveries at POST /hooks/{repository}.
//
// A delivery counts once. What was delivered is remembered by whoever starts: under Event.ID, which is made of the body's digest, a run is started once, and
// Start says fault.Conflict where it is known. The forge's own delivery ID does not do for that, since no forge signs it: whoever sends a delivery again could change it.
// Runs are remembered for a time only, so a delivery whose newest time is older than MaxAge is refused. No forge signs when it sent; the times are those in the body: of GitHub,
// when the repository was last pushed to and when a pull request was last changed; of GitLab and Gitea, of a merge request the same and of a push when its newest commit was made (Gitea
// says when the repository was changed as well, which may be before the push). Pushing a commit that is older than MaxAge thus is refused there, and started by hand. GitLab signs
// nothing: it sends its token, so whoever can read a delivery can write one, and the age of its push of a branch without a new commit is not known; send over https.
type Receiver struct {
	// Repositories are those of the settings. One that is bare, or without a secret, takes no deliveries.
	Repositories []forge.Repository
	// Start has a commit tested. It is fault.Conflict where the event was started before. It answers soon: forges wait for ten seconds.
	Start func(context.Context, Event) error
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// answer is what a forge shows of a delivery.
type answer struct {
	Status string `json:"status"` // started, ignored
	Reason string `json:"reason,omitempty"`
	ID     string `json:"id,omitempty"`
}

// Handler serves the receiver's resources.
func (r Receiver) Handler() http.Handler {
	if r.Now == nil {
		r.Now = time.Now
	}
	e := echo.New()
	e.HTTPErrorHandler = respond.Error
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true}))
	var senders senders
	reading, slots := make(chan struct{}, maxReading), make(chan struct{}, atOnce)
	e.POST("/hooks/:repository", func(c echo.Context) error {
		if !senders.allow(c.Request().RemoteAddr) {
			return problem.New(http.StatusTooManyRequests, "too many deliveries at once from this address; send it again later")
		}
		return r.receive(c, reading, slots)
	})
	e.GET("/healthz", func(c echo.Context) error { return c.JSON(http.StatusOK, map[string]string{"status": "ok"}) })
	return e
}

// Server serves a handler of deliveries within limits of time and size.
func Server(handler http.Handler) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: readTimeout, WriteTimeout: 40 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 32 << 10,
	}
}

// senders holds each sender back for itself: who sends too much must not stop the deliveries of others.
type senders struct {
	mutex sync.Mutex
	known map[string]*rate.Limiter
}

// allow asks by the other end of the connection, without its port; of IPv6 by the network, since whoever has an address there has all of it. Headers that name
// another sender are anybody's to write.
func (s *senders) allow(remote string) bool {
	sender := remote
	if at, err := netip.ParseAddrPort(remote); err == nil {
		address := at.Addr().Unmap()
		if sender = address.String(); address.Is6() {
			sender = netip.PrefixFrom(address, 64).Masked().String()
		}
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	limiter, is := s.known[sender]
	if !is {
		if s.known == nil || len(s.known) >= maxSenders {
			s.known = map[string]*rate.Limiter{}
		}
		limiter = rate.NewLimiter(perSecond, burst)
		s.known[sender] = limiter
	}
	return limiter.Allow()
}

func (r Receiver) receive(c echo.Context, reading, slots chan struct{}) error {
	repository, err := r.named(c.Param("repository"))
	if err != nil {
		return err
	}
	secret, err := repository.Secret()
	if err != nil { // it was right when the program started: somebody is changing it
		slog.Error("a delivery cannot be verified", "repository", repository.Name, "error", err.Error())
		return problem.New(http.StatusServiceUnavailable, "the secret of this repository cannot be read now; send it again later")
	}
	if secret == "" {
		return problem.New(http.StatusNotFound, "this repository takes no deliveries: it has no secret by which they are verified")
	}
	tooMany := problem.New(http.StatusServiceUnavailable, "too many deliveries at once; send it again later")
	if !enter(reading) {
		return tooMany
	}
	defer leave(reading)
	d, err := read(c, r.Now().Add(ahead))
	if err != nil {
		return err
	}
	if !enter(slots) { // not before there is a whole body: whoever never ends one holds no place
		return tooMany
	}
	defer leave(slots)
	event, err := parsers[repository.Kind](d, secret)
	var nothing *ignored
	if errors.As(err, &nothing) {
		return c.JSON(http.StatusAccepted, answer{Status: "ignored", Reason: nothing.reason})
	}
	if err != nil {
		slog.Warn("a delivery is refused", "repository", repository.Name, "reason", err.Error())
		return err
	}
	event.Repository, event.Digest = repository.Name, sha256hex.Of(d.body)
	if err := r.check(&event, repository.Kind); err != nil {
		slog.Warn("a delivery is refused", "repository", repository.Name, "reason", err.Error(), "delivery", event.Delivery)
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), startTimeout)
	defer cancel()
	if err := r.Start(ctx, event); err != nil {
		if fault.CodeOf(err) == fault.Conflict {
			return problem.New(http.StatusConflict, "this was delivered before; nothing is started")
		}
		slog.Error("a delivery is not started", "repository", repository.Name, "delivery", event.Delivery, "error", err.Error())
		return err
	}
	slog.Info("a delivery is started", "repository", repository.Name, "kind", event.Kind, "ref", event.Ref, "commit", event.Commit, "delivery", event.Delivery)
	return c.JSON(http.StatusAccepted, answer{Status: "started", ID: event.ID()})
}

// enter takes a place where there is one.
func enter(places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	default:
		return false
	}
}

func leave(places chan struct{}) { <-places }

func (r Receiver) named(name string) (forge.Repository, error) {
	for _, of := range r.Repositories {
		if of.Name == name && of.Kind != forge.Bare {
			return of, nil
		}
	}
	return forge.Repository{}, problem.New(http.StatusNotFound, "there is no repository of this name on a forge; see LOANOPS_REPOSITORY_<NAME>_URL and _KIND")
}

// read takes a body within the limit. One that says that it is longer is not read at all.
func read(c echo.Context, latest time.Time) (delivery, error) {
	request := c.Request()
	tooLong := problem.New(http.StatusRequestEntityTooLarge, "the body is too large; at most 1 MiB is read")
	if request.ContentLength > MaxBody {
		c.Response().Header().Set(echo.HeaderConnection, "close")
		return delivery{}, tooLong
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), request.Body, MaxBody))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return delivery{}, tooLong
	case err != nil:
		return delivery{}, problem.New(http.StatusBadRequest, "the body ends before its end")
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	return delivery{request, body, latest}, nil
}

// check refuses an event that nothing can be done with, and one that is old.
func (r Receiver) check(e *Event, kind forge.Kind) error {
	now := r.Now()
	if e.At.IsZero() && kind == forge.GitLab {
		e.At = now
	}
	e.Actor = git.OneLine(e.Actor, maxActor)
	e.Delivery = git.OneLine(e.Delivery, maxActor)
	switch {
	case !git.IsHash(e.Commit):
		return fault.New(fault.Invalid, "the delivery names no commit by a hash of 40 digits")
	case !git.IsRef(e.Ref), !git.IsRef(git.BranchRef(e.Branch)), e.Kind == MergeRequest && !git.IsRef(git.BranchRef(e.Against)):
		return fault.New(fault.Invalid, "the delivery names a branch that git does not have")
	case e.At.IsZero():
		return fault.New(fault.Invalid, "the delivery says nowhere when it happened, or that it is to happen: is a clock wrong?")
	case now.Sub(e.At) > MaxAge:
		return fault.New(fault.Refused, "the newest that the delivery tells of is of %s: what is older than %d days is not started by a delivery; start it by `loanops ci start`",
			e.At.UTC().Format(time.RFC3339), int(MaxAge.Hours()/24))
	}
	return nil
}
