// Package agent is the local deployment target: it owns the predictors of every environment on this machine, as processes or as containers (see package
// runtime), starts crashed ones again, and tells the gateways where traffic goes. It follows the serving record: a write carries the
// record's generation, an older one than the newest that was told is refused, and as long as none was told every one is.
package agent

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

// Config is what an agent needs.
type Config struct {
	// Address to listen on: 127.0.0.1:0 chooses a port; beyond loopback only with a GatewayToken. Ignored when Listener is set.
	Address string
	// Listener replaces Address.
	Listener net.Listener
	// Dir keeps state.json, bundles/ and logs/, and what the runtime has there. One agent uses it at a time.
	Dir string
	// Runtime runs the predictors. It is closed in the end.
	Runtime runtime.Runtime
	// ProviderToken and RollbackToken are the writers' secrets; both at least 16 characters and different.
	ProviderToken, RollbackToken string
	// GatewayToken is the secret of those who only read, another one of at least 16 characters. Where it is set every read needs it or a
	// writer's; without it whoever reaches the agent reads, which is why it then listens on loopback only.
	GatewayToken string
	// Fetch brings a bundle to this machine and returns its path; the agent verifies the digest itself.
	Fetch func(ctx context.Context, uri, sha256 string) (path string, err error)
	// Ready is called with the base URL once the agent answers. May be nil.
	Ready func(url string)
	// Log defaults to slog.Default().
	Log *slog.Logger
}

// minToken is the shortest accepted token.
const minToken = 16

func (c *Config) validate() error {
	switch {
	case c.Dir == "":
		return fault.New(fault.Invalid, "agent: the folder of the state is needed")
	case len(c.ProviderToken) < minToken || len(c.RollbackToken) < minToken:
		return fault.New(fault.Invalid, "agent: both tokens must have at least %d characters", minToken)
	case c.GatewayToken != "" && len(c.GatewayToken) < minToken:
		return fault.New(fault.Invalid, "agent: the gateways' token must have at least %d characters", minToken)
	case c.ProviderToken == c.RollbackToken, c.GatewayToken == c.ProviderToken, c.GatewayToken == c.RollbackToken:
		return fault.New(fault.Invalid, "agent: the tokens of the provider, the rollback and the gateways must differ")
	case c.Fetch == nil || c.Runtime == nil:
		return fault.New(fault.Invalid, "agent: nothing to fetch bundles with, or to run predictors with")
	}
	return nil
}

// agent is the running server's memory.
type agent struct {
	cfg       Config
	log       *slog.Logger
	bundles   bundles
	statePath string
	held      *flock.Flock // the folder's lock
	now       func() time.Time

	acknowledgeWait, settleLimit time.Duration
	measuring                    chan struct{} // holds one

	work sync.WaitGroup // jobs

	mu      sync.Mutex
	closing bool
	tracks  map[key]*track
	routes  map[pair]contract.Route
	fences  map[pair]serving.Fence // of every pipeline whose generation is known
	orphans orphans                // predictors that run for pipelines of which nothing is known yet
	// untold are pipelines of which predictors run that an agent before this one started, while this one has not been told their route: it lost its folder. Until
	// it is, gateways keep theirs, which leads to them.
	untold map[pair]bool
	// leaving are predictors of those that something else took the place of: they end when the route is told.
	leaving   map[pair][]*predictor
	kills     map[key]contract.Kill         // of what is in a slot, the last
	revision  int64                         // of the last change anywhere
	revisions map[string]int64              // of the last change, by environment
	changed   map[string]chan struct{}      // closed at the next event, by environment
	gateways  map[string]map[string]gateway // by environment and ID
}

// Run serves until ctx ends, then stops the predictors and returns nil. What ran when the agent was stopped or killed is
// started again.
func Run(ctx context.Context, cfg Config) error {
	a, err := open(cfg)
	if err != nil {
		return err
	}
	defer a.release()
	listener := cfg.Listener
	if listener == nil {
		if listener, err = new(net.ListenConfig).Listen(ctx, "tcp", cfg.Address); err != nil {
			return fault.Wrap(fault.Unavailable, err, "agent cannot listen")
		}
	}
	defer listener.Close()
	if address, ok := listener.Addr().(*net.TCPAddr); cfg.GatewayToken == "" && (!ok || !address.IP.IsLoopback()) {
		return fault.New(fault.Invalid, "agent: others reach %s, so reads need a token: set LOANOPS_GATEWAY_TOKEN_FILE to a file with one for the gateways, or listen on loopback (127.0.0.1)", listener.Addr())
	}
	if err := a.restore(ctx); err != nil {
		return err // what an agent before left serving serves on: whoever starts this one again may do better
	}
	defer a.close()
	// Long polls and waiting writes end with the requests' context.
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	server := &http.Server{
		Handler:           a.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if cfg.Ready != nil {
		cfg.Ready("http://" + listener.Addr().String())
	}
	select {
	case err := <-served:
		return fault.Wrap(fault.Internal, err, "agent's server")
	case <-ctx.Done():
	}
	cancel()
	deadline, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer stop()
	if err := server.Shutdown(deadline); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(fault.Internal, err, "stopping the agent's server")
	}
	return nil
}

// open makes an agent that has not started anything.
func open(cfg Config) (*agent, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "agent's folder %q", cfg.Dir)
	}
	cfg.Dir = dir
	a := &agent{
		cfg: cfg, log: cfg.Log, now: time.Now,
		bundles:         bundles{dir: filepath.Join(dir, "bundles"), fetch: cfg.Fetch},
		statePath:       filepath.Join(dir, "state.json"),
		acknowledgeWait: acknowledgeLimit, settleLimit: settleLimit, measuring: make(chan struct{}, 1),
		tracks: map[key]*track{}, routes: map[pair]contract.Route{}, fences: map[pair]serving.Fence{}, untold: map[pair]bool{}, leaving: map[pair][]*predictor{}, revisions: map[string]int64{},
		changed: map[string]chan struct{}{}, gateways: map[string]map[string]gateway{}, kills: map[key]contract.Kill{},
	}
	cfg.Runtime.Keep(a.images)
	if err := a.lock(); err != nil {
		return nil, err
	}
	for _, sub := range []string{a.bundles.dir, filepath.Join(dir, "logs")} {
		if err := os.MkdirAll(sub, 0o700); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "agent's folder")
		}
	}
	return a, nil
}

// lock makes this agent the folder's only one. The kernel frees the lock when the process dies.
func (a *agent) lock() error {
	if err := os.MkdirAll(a.cfg.Dir, 0o700); err != nil {
		return fault.Wrap(fault.Internal, err, "agent's folder")
	}
	a.held = flock.New(filepath.Join(a.cfg.Dir, "lock"))
	free, err := a.held.TryLock()
	if err != nil {
		return fault.Wrap(fault.Internal, err, "agent's lock")
	}
	if !free {
		return fault.New(fault.Conflict, "another agent uses %s", a.cfg.Dir)
	}
	return nil
}

// restore makes run what the saved state names: what runs already, because the agent before was killed and its predictors were not, goes on, and the rest is
// started. It does not wait: these are starting when the agent answers. The revision grows, as predictors may have new addresses.
func (a *agent) restore(ctx context.Context) error {
	saved, err := load(a.statePath)
	if err != nil {
		return err
	}
	found, err := a.cfg.Runtime.Orphans(ctx)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var ended []runtime.Orphan
	a.orphans, ended = orphansOf(found)
	for k := range a.orphans {
		a.untold[k.pair()] = true
	}
	a.revision = saved.Revision
	for environment, pipelines := range saved.Environments {
		for pipeline, p := range pipelines {
			where := pair{environment, pipeline}
			if a.orphans.newer(where, p.Generation) {
				a.log.Warn("the saved state is older than what runs, as a backup's is: gateways keep their routes until this is delivered again", "environment", environment, "pipeline", pipeline, "generation", p.Generation)
				continue
			}
			if p.Route != nil {
				a.routes[where] = *p.Route
			}
			if !p.Untold {
				delete(a.untold, where)
			}
			if p.Generation > 0 {
				a.fences[where] = serving.Fence{Newest: p.Generation}
			}
			for slot, spec := range p.Tracks {
				k := key{environment, pipeline, slot}
				if kill, has := p.Kills[slot]; has {
					a.kills[k] = kill
				}
				for _, one := range ended {
					killed, is := errors.AsType[*runtime.OutOfMemory](one.Instance.Err())
					if is && keyOfOwner(one.Owner) == k && one.Identity.Decides == runtime.DecidesOf(spec) {
						a.kills[k] = contract.Kill{LimitMiB: killed.LimitMiB, Generation: p.Generation}
					}
				}
				a.recover(ctx, k, spec, p.Generation)
			}
		}
	}
	for environment := range saved.Environments { // none before all are known: what is saved is all that is
		if _, err := a.commit(environment); err != nil {
			return err
		}
	}
	for where := range a.fences {
		if !a.untold[where] {
			a.dismiss(where)
		}
	}
	for _, one := range ended { // how is saved by now
		a.follow(keyOfOwner(one.Owner), one)
		a.work.Go(one.Instance.Stop)
	}
	return nil
}

// commit notes a change of the environment, saves it, and wakes who waits. The lock is held.
func (a *agent) commit(environment string) (revision int64, err error) {
	a.revision++
	a.revisions[environment] = a.revision
	err = a.snapshot().save(a.statePath)
	a.wake(environment)
	return a.revision, err
}

// snapshot is what is worth saving. The lock is held.
func (a *agent) snapshot() savedState {
	state := savedState{Revision: a.revision, Environments: map[string]map[string]savedPipeline{}}
	change := func(where pair, change func(*savedPipeline)) {
		if state.Environments[where.environment] == nil {
			state.Environments[where.environment] = map[string]savedPipeline{}
		}
		p, ok := state.Environments[where.environment][where.pipeline]
		if !ok {
			p.Tracks = map[string]contract.TrackSpec{}
		}
		change(&p)
		state.Environments[where.environment][where.pipeline] = p
	}
	for k, t := range a.tracks {
		if t.saved != nil {
			change(k.pair(), func(p *savedPipeline) { p.Tracks[k.slot] = *t.saved })
		}
	}
	for where, route := range a.routes {
		change(where, func(p *savedPipeline) { p.Route = &route })
	}
	for k, kill := range a.kills {
		change(k.pair(), func(p *savedPipeline) {
			if p.Kills == nil {
				p.Kills = map[string]contract.Kill{}
			}
			p.Kills[k.slot] = kill
		})
	}
	for where, fence := range a.fences {
		change(where, func(p *savedPipeline) { p.Generation, p.Untold = fence.Newest, a.untold[where] })
	}
	return state
}

// wake ends all waiting for an event of the environment. The lock is held.
func (a *agent) wake(environment string) {
	if changed, ok := a.changed[environment]; ok {
		close(changed)
		delete(a.changed, environment)
	}
}

// changes is closed at the environment's next event. The lock is held.
func (a *agent) changes(environment string) <-chan struct{} {
	changed, ok := a.changed[environment]
	if !ok {
		changed = make(chan struct{})
		a.changed[environment] = changed
	}
	return changed
}

// release gives the folder back, and leaves predictors alone.
func (a *agent) release() { _ = a.held.Close() } // the system does so too when this process ends

// close stops every job and predictor; the saved state stays.
func (a *agent) close() {
	a.mu.Lock()
	a.closing = true
	for _, t := range a.tracks {
		t.job.cancel()
	}
	a.mu.Unlock()
	a.work.Wait() // from here on nobody changes what there is
	var stopped sync.WaitGroup
	for _, p := range a.predictors() {
		stopped.Go(p.end)
	}
	for _, left := range a.leaving {
		for _, p := range left {
			stopped.Go(p.end)
		}
	}
	for _, left := range a.orphans {
		for _, one := range left {
			stopped.Go(one.Instance.Stop)
		}
	}
	stopped.Wait()
	a.cfg.Runtime.Close()
	a.release()
}

// images are those of all tracks: what was ready last, what serves or tries to, and what is being brought.
func (a *agent) images() (all []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range a.tracks {
		if t.saved != nil {
			all = append(all, t.saved.Image)
		}
		if t.current != nil {
			all = append(all, t.current.spec.Image)
		}
		all = append(all, t.job.spec.Image)
	}
	return all
}

// predictors lists those that are current in a slot.
func (a *agent) predictors() []*predictor {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []*predictor
	for _, t := range a.tracks {
		if t.current != nil {
			found = append(found, t.current)
		}
	}
	return found
}
