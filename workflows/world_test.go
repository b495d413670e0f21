package workflows

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/serving/servingtest"
	"github.com/loanops/loanops/pipelines"
)

// world is a registry, an agent and a Terraform in memory, in which at every call to one of them anything may happen: the call fails
// before its effect or after it, the agent loses its state, a killed Terraform's provider still writes, or another person acts.
type world struct {
	registry.Registry // the rest is not called

	mu      sync.Mutex
	rng     *rand.Rand
	spec    registry.PipelineSpec
	records servingtest.Records
	agents  map[string]*target
	orphans []func() error            // writes of Terraforms that were killed
	locks   map[string]terraform.Lock // that they left behind, by environment

	// trouble is how many more things may go wrong; others act at a call, see disturb.
	trouble int
	others  []func()
	busy    bool // another one is acting
	runs    int
	losses  int // of the agent's state
	left    int // locks that were left behind
	wrong   []string
	log     []string
}

const model = "loan-eligibility"

func newWorld(seed uint64) *world {
	yaml, err := pipelines.FS.ReadFile(model + ".yaml")
	if err != nil {
		panic(err)
	}
	spec, err := pipeline.Parse(model+".yaml", yaml)
	if err != nil {
		panic(err)
	}
	return &world{
		rng: rand.New(rand.NewPCG(seed, 0)), spec: registry.NewPipelineSpec(spec, yaml), records: servingtest.Records{Models: map[string]int{model: 3}},
		locks:  map[string]terraform.Lock{},
		agents: map[string]*target{serving.Staging: newTarget(), serving.Production: newTarget()},
	}
}

func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, fmt.Sprintf(format, args...))
}

func (w *world) complain(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
	w.log = append(w.log, "WRONG: "+w.wrong[len(w.wrong)-1])
}

func (w *world) chance(of, in int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rng.IntN(in) < of
}

// call is one call to a registry or an agent: what happens before it, its effect, what happens after it.
func (w *world) call(name string, effect func() error) error {
	w.disturb()
	if w.fails() {
		w.note("%s: fails", name)
		return fault.New(fault.Unavailable, "%s does not answer", name)
	}
	w.mu.Lock()
	err := effect()
	w.mu.Unlock()
	if name != "" && err != nil {
		w.note("%s: %v", name, err)
	}
	w.disturb()
	if err == nil && w.fails() {
		w.note("%s: done, reply lost", name)
		return fault.New(fault.Unavailable, "the reply of %s was lost", name)
	}
	return err
}

func (w *world) fails() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.trouble == 0 || w.rng.IntN(12) > 0 {
		return false
	}
	w.trouble--
	return true
}

// disturb lets somebody else act, now and then.
func (w *world) disturb() {
	w.mu.Lock()
	if w.trouble == 0 || w.busy || w.rng.IntN(10) > 0 {
		w.mu.Unlock()
		return
	}
	w.trouble--
	w.busy = true
	what := w.rng.IntN(4 + 2*len(w.others))
	var act func()
	switch {
	case what == 0:
		act = func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.log = append(w.log, "the agent loses its state")
			w.agents[serving.Production] = newTarget()
			w.losses++
		}
	case what < 4 && len(w.orphans) > 0:
		act = w.orphan
	case what >= 4:
		act = w.others[(what-4)/2]
	}
	w.mu.Unlock()
	if act != nil {
		act()
	}
	w.mu.Lock()
	w.busy = false
	w.mu.Unlock()
}

// orphan is one more write of a Terraform that was killed.
func (w *world) orphan() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.orphans) == 0 {
		return
	}
	write := w.orphans[0]
	w.orphans = w.orphans[1:]
	w.log = append(w.log, fmt.Sprintf("an orphan writes: %v", write()))
}

func (w *world) newest(environment string) serving.Record {
	return w.records.Newest(model, environment)
}

// record is that of a generation.
func (w *world) record(environment string, generation int64) serving.Record {
	return w.records.History(model, environment)[generation-1]
}

// The registry.

func (w *world) Serving(ctx context.Context, pipeline, environment string) (record serving.Record, err error) {
	err = w.call("reading what serves", func() error { record, err = w.records.Serving(ctx, pipeline, environment); return err })
	return record, err
}

func (w *world) ServingHistory(ctx context.Context, pipeline, environment string) (history []serving.Record, err error) {
	err = w.call("reading the history", func() error { history, err = w.records.ServingHistory(ctx, pipeline, environment); return err })
	return history, err
}

func (w *world) TakeGeneration(ctx context.Context, next serving.Record) (taken serving.Record, err error) {
	err = w.call("taking a generation", func() error {
		before := w.newest(next.Environment)
		if taken, err = w.records.TakeGeneration(ctx, next); err != nil {
			return err
		}
		if taken.Generation > before.Generation { // else it repeats an operation
			w.log = append(w.log, fmt.Sprintf("%s: %s, champion %v, challenger %v at %d %%", taken.Environment, taken, taken.Champion, taken.Challenger, taken.Weight))
		}
		return nil
	})
	return taken, err
}

func (w *world) Pipeline(context.Context, string) (registry.PipelineSpec, error) { return w.spec, nil }

func (w *world) PipelineAt(context.Context, string, string) (registry.PipelineSpec, error) {
	return w.spec, nil
}

func (w *world) Version(_ context.Context, _ string, version int) (registry.ModelVersion, error) {
	digest := fmt.Sprintf("%064d", version)
	return registry.ModelVersion{Name: model, Version: version, Digest: digest, Bundle: artifact.Ref{URI: "s3://b/" + digest, SHA256: digest}}, nil
}

// target is the agent of one environment, without processes.
type target struct {
	fence  serving.Fence
	tracks map[string]contract.TrackSpec
	route  *contract.Route
}

func newTarget() *target { return &target{tracks: map[string]contract.TrackSpec{}} }

// agent speaks to the target that an environment has at the time of each call.
type agent struct{ w *world }

func (a agent) Actual(_ context.Context, environment, _ string) (actual contract.Actual, err error) {
	err = a.w.call("reading what runs", func() error { actual = a.w.actual(environment); return nil })
	return actual, err
}

func (w *world) actual(environment string) contract.Actual {
	t := w.agents[environment]
	actual := contract.Actual{Tracks: map[string]contract.Track{}, Generation: t.fence.Newest}
	for slot, spec := range t.tracks {
		actual.Tracks[slot] = contract.Track{Slot: slot, Spec: spec, State: contract.TrackReady, URL: "http://" + slot}
	}
	if t.route != nil {
		route := *t.route
		actual.Route = &route
	}
	return actual
}

func (a agent) Teach(_ context.Context, environment, _ string, generation int64) error {
	return a.w.call("teaching the agent", func() error { return a.w.agents[environment].fence.Teach(generation) })
}

func (a agent) Rollback(_ context.Context, environment, _ string, weights map[string]int, generation int64) (contract.Route, error) {
	err := a.w.call("shifting traffic", func() error { return a.w.putRoute(environment, weights, generation) })
	return contract.Route{}, err
}

// admit asks the target's fence, as every write does.
func (w *world) admit(t *target, generation int64) error {
	before := t.fence.Newest
	if err := t.fence.Admit(generation); err != nil {
		return err
	}
	if before == 0 {
		w.complain("an agent that knows no generation accepted %d", generation)
	}
	if t.fence.Newest < before {
		w.complain("an accepted generation went down from %d to %d", before, generation)
	}
	return nil
}

// putRoute is a write that every writer makes; what it does must be what its generation's record says.
func (w *world) putRoute(environment string, weights map[string]int, generation int64) error {
	t := w.agents[environment]
	if err := w.admit(t, generation); err != nil {
		return err
	}
	sum := 0
	for slot, weight := range weights {
		sum += weight
		if _, runs := t.tracks[slot]; weight > 0 && !runs {
			return fault.New(fault.Conflict, "nothing runs in %s", slot)
		}
	}
	if sum != 100 {
		w.complain("weights sum to %d", sum)
	}
	t.route = &contract.Route{Weights: weights, Generation: generation}
	record := w.record(environment, generation)
	for slot, weight := range weights {
		if track := t.tracks[slot].Identity(); weight > 0 && record.Share(track) != weight {
			w.complain("version %d gets %d %% under generation %d, whose record says %d %%", track.Version, weight, generation, record.Share(track))
		}
	}
	return nil
}

func (w *world) putTrack(environment, slot string, spec contract.TrackSpec, generation int64) error {
	t := w.agents[environment]
	if err := w.admit(t, generation); err != nil {
		return err
	}
	record := w.record(environment, generation)
	held, runs := t.tracks[slot]
	identity := spec.Identity()
	if runs && t.route != nil && t.route.Weights[slot] > 0 && held.Identity() != identity && !serving.Is(record.Champion, &identity) {
		w.complain("version %d inherits %d %% of version %d's traffic", identity.Version, t.route.Weights[slot], held.Identity().Version)
	}
	t.tracks[slot] = spec
	return nil
}

func (w *world) deleteTrack(environment, slot string, generation int64) error {
	t := w.agents[environment]
	if err := w.admit(t, generation); err != nil {
		return err
	}
	if t.route != nil && t.route.Weights[slot] > 0 {
		return fault.New(fault.Conflict, "%s has traffic", slot)
	}
	delete(t.tracks, slot)
	return nil
}

// workspace is a Terraform that makes one write after the other, and may be killed between two of them: the others happen later, or never.
type workspace struct {
	w           *world
	environment string
}

func (s workspace) Plan(context.Context, terraform.Desired) (terraform.PlanSummary, error) {
	return terraform.PlanSummary{}, nil
}

// gone says of the holder of a lock that was left behind that it may be at work still, now and then.
func (w *world) gone(context.Context, terraform.Step) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.trouble == 0 || w.rng.IntN(3) > 0, nil
}

func (s workspace) BreakLock(_ context.Context, lock terraform.Lock) error {
	return s.w.call("breaking a lock", func() error {
		if newest := s.w.newest(s.environment); newest.Generation <= lock.Holder.Generation {
			s.w.complain("the lock of generation %d is broken under generation %d", lock.Holder.Generation, newest.Generation)
		}
		if s.w.locks[s.environment].ID == lock.ID {
			delete(s.w.locks, s.environment)
		}
		return nil
	})
}

// leaveLock is what a worker does that is killed with its Terraform.
func (s workspace) leaveLock(generation int64) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.w.left++
	s.w.locks[s.environment] = terraform.Lock{ID: fmt.Sprint("lock ", s.w.left), Holder: &terraform.Holder{Generation: generation}}
}

func (s workspace) Apply(_ context.Context, desired terraform.Desired) error {
	s.w.mu.Lock()
	lock, held := s.w.locks[s.environment]
	s.w.mu.Unlock()
	if held {
		return &terraform.LockedError{Lock: lock}
	}
	var writes []func() error
	target := s.w.agents[s.environment]
	for _, slot := range contract.Slots() {
		if spec, wanted := desired.Tracks[slot]; wanted && target.tracks[slot] != spec {
			writes = append(writes, func() error { return s.w.putTrack(s.environment, slot, spec, desired.Generation) })
		}
	}
	if len(desired.Weights) > 0 {
		writes = append(writes, func() error { return s.w.putRoute(s.environment, desired.Weights, desired.Generation) })
	}
	for _, slot := range contract.Slots() {
		if _, wanted := desired.Tracks[slot]; !wanted {
			writes = append(writes, func() error { return s.w.deleteTrack(s.environment, slot, desired.Generation) })
		}
	}
	for i, write := range writes {
		if err := s.w.call("terraform apply", write); err != nil {
			if s.w.chance(1, 2) {
				s.w.mu.Lock()
				s.w.orphans = append(s.w.orphans, writes[i:]...)
				s.w.mu.Unlock()
			}
			if s.w.chance(1, 2) {
				s.leaveLock(desired.Generation)
			}
			return err
		}
	}
	return nil
}

// rollBack is a person's command. Each time that the person acts it goes one step further: it chooses, then it is tried until it is done.
// An acknowledged one must hold, and go where it was meant to.
func (w *world) rollBack(version int) func() {
	var target *shift.Target
	var request shift.Request
	var meant int // 0: wherever it chooses to go
	return func() {
		if target == nil {
			w.mu.Lock()
			if before := w.newest(serving.Production); version == 0 && before.InCanary() {
				meant = before.Champion.Version
			}
			request = shift.Request{Model: model, Author: serving.Author{
				Writer: "ada", Actor: "ada", Reason: "complaints", Operation: fmt.Sprintf("rollback-%d", len(w.log)),
			}}
			w.mu.Unlock()
			chosen, err := shift.Choose(context.Background(), w, agent{w}, model, shift.Wanted{Version: version})
			w.note("rollback --version %d chooses %v, %v", version, chosen, err)
			if err == nil {
				target, request.Target = &chosen, chosen
			}
			return
		}
		done, err := shift.RollBack(context.Background(), w, agent{w}, request)
		w.note("rollback to %v: %v, %v", request.Target, done, err)
		if err != nil && !fault.Permanent(fault.CodeOf(err)) {
			return // it is tried again
		}
		target = nil
		if err == nil {
			w.checkRollback(done, meant)
		}
		meant = 0
	}
}

func (w *world) checkRollback(done shift.Result, meant int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if meant > 0 && done.To != meant {
		w.complain("asked to end the canary against champion %d, it went to %d", meant, done.To)
	}
	if newest := w.newest(serving.Production); newest.Generation == done.Record.Generation {
		if reason := shift.OutOfSync(newest, w.actual(serving.Production)); reason != "" {
			w.complain("an acknowledged rollback to %d does not hold: %s", done.To, reason)
		}
	}
}
