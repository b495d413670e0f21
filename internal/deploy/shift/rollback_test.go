package shift_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/deploy/deploytest/agenttest"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/serving/servingtest"
)

// records is the part of a registry that a rollback uses, in memory.
type records struct {
	*servingtest.Records
	t        *testing.T
	versions map[int]registry.ModelVersion
	// between happens once, after what serves was read.
	between func()
}

func (r *records) Version(_ context.Context, name string, version int) (registry.ModelVersion, error) {
	v, ok := r.versions[version]
	if !ok {
		return registry.ModelVersion{}, fault.New(fault.NotFound, "%s has no version %d", name, version)
	}
	return v, nil
}

func (r *records) newest() serving.Record {
	return r.Newest(agenttest.Pipeline, serving.Production)
}

func (r *records) history() []serving.Record {
	return r.History(agenttest.Pipeline, serving.Production)
}

func (r *records) ServingHistory(ctx context.Context, pipeline, environment string) ([]serving.Record, error) {
	history, err := r.Records.ServingHistory(ctx, pipeline, environment)
	if between := r.between; between != nil {
		r.between = nil
		between()
	}
	return history, err
}

// write appends what a transition makes of the newest record, as a delivery does.
func (r *records) write(next serving.Record, err error) {
	r.t.Helper()
	require.NoError(r.t, err)
	operation := "delivery-" + string(next.Change) + "-" + time.Duration(next.Generation).String()
	_, err = r.TakeGeneration(r.t.Context(), next.By(serving.Author{Writer: "delivery", Actor: "ada", Reason: "a delivery", Operation: operation}))
	require.NoError(r.t, err)
}

// track is a version under the policy of the stand-in's specs.
func track(version int) serving.Track {
	return serving.Track{Version: version, Policy: deploytest.Policy.Digest()}
}

// empty is a record on which nothing was written.
func empty() *servingtest.Records {
	return &servingtest.Records{Models: map[string]int{agenttest.Pipeline: 9}}
}

// delivered is the record after so many deliveries, from version 1 on.
func delivered(t *testing.T, versions int) *records {
	t.Helper()
	r := &records{Records: empty(), t: t, versions: map[int]registry.ModelVersion{}}
	for version := range versions {
		if version == 0 {
			r.write(r.newest().Prepare(track(1), ""))
		} else {
			r.write(r.newest().Canary(track(version+1), 50, ""))
		}
		r.write(r.newest().Promote())
	}
	return r
}

// promoted is production after two deliveries: version 1 in blue is previous, version 2 in green is champion.
func promoted(t *testing.T) (*bench, *records) {
	t.Helper()
	b, reg := newBench(t), delivered(t, 2)
	b.teach(reg.newest().Generation)
	for version, slot := range map[int]string{1: contract.Blue, 2: contract.Green} {
		reg.versions[version] = b.run(slot, version, "", reg.newest().Generation)
	}
	b.route(0, 100, reg.newest().Generation)
	return b, reg
}

// canaried is production while version 2 in green, the champion, is held against version 3 in blue.
func canaried(t *testing.T) (*bench, *records) {
	t.Helper()
	b, reg := promoted(t)
	reg.write(reg.newest().Canary(track(3), 30, ""))
	reg.versions[3] = b.run(contract.Blue, 3, "", reg.newest().Generation)
	b.route(30, 70, reg.newest().Generation)
	return b, reg
}

// asked is a rollback under an operation of its own.
type asked struct {
	operation string
	version   int
}

func (a asked) to(target shift.Target) shift.Request {
	return shift.Request{Model: agenttest.Pipeline, Target: target, Author: serving.Author{
		Writer: "operator", Actor: "operator", Reason: "it declines everyone", Operation: a.operation,
	}}
}

// rollBack is a rollback that is tried once: it chooses its target first.
func rollBack(t *testing.T, reg *records, agent shift.Agent, a asked) (shift.Result, error) {
	t.Helper()
	target, err := shift.Choose(t.Context(), reg, agent, agenttest.Pipeline, shift.Wanted{Version: a.version})
	if err != nil {
		return shift.Result{}, err
	}
	return shift.RollBack(t.Context(), reg, agent, a.to(target))
}

func TestRollBackRecordsAndMovesTraffic(t *testing.T) {
	t.Parallel()
	for name, version := range map[string]int{"to the previous champion": 0, "to a named one": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, reg := promoted(t)
			done, err := rollBack(t, reg, b.Rollback, asked{"rollback-1", version})
			require.NoError(t, err)
			require.Equal(t, shift.Result{Record: reg.newest(), From: 2, To: 1}, done)
			require.Equal(t, "from version 2 to 1: it declines everyone", done.String())
			require.EqualValues(t, 5, done.Record.Generation)
			require.Equal(t, serving.RolledBack, done.Record.Change)
			require.Equal(t, map[string]int{serving.ChampionAlias: 1}, done.Record.Aliases(), "what was left is no place to go back to")
			require.Equal(t, map[string]int{"blue": 100, "green": 0}, b.Actual().Route.Weights)
			require.Equal(t, "rollback", b.Actual().Route.Writer)
			require.Empty(t, shift.OutOfSync(reg.newest(), b.Actual()))
		})
	}
}

// Whoever is not sure whether a rollback happened asks for it again: that completes it and never toggles.
func TestARepeatedRollBackCompletesWithoutARow(t *testing.T) {
	t.Parallel()
	b, reg := promoted(t)
	_, err := rollBack(t, reg, b.Rollback, asked{"rollback-1", 0})
	require.NoError(t, err)
	rows := len(reg.history())
	for name, request := range map[string]asked{
		"the same operation":                      asked{"rollback-1", 0},
		"another operation without a version":     asked{"rollback-2", 0},
		"another operation that names the target": asked{"rollback-3", 1},
	} {
		for range 2 {
			b.route(0, 100, reg.newest().Generation) // as if the first one had not reached the agent
			again, err := rollBack(t, reg, b.Rollback, request)
			require.NoError(t, err, name)
			require.Equal(t, shift.Result{Record: reg.newest(), To: 1}, again, name)
			require.Contains(t, again.String(), "version 1 is champion since generation 5", name)
			require.Len(t, reg.history(), rows, name)
			require.Equal(t, 100, b.Actual().Weight(contract.Blue), name)
		}
	}
	// Going forward again is a decision: it needs the version.
	forward, err := rollBack(t, reg, b.Rollback, asked{"rollback-4", 2})
	require.NoError(t, err)
	require.Equal(t, 2, forward.To)
	require.Len(t, reg.history(), rows+1)
	require.Equal(t, 100, b.Actual().Weight(contract.Green))
}

func TestARollBackWithTheWrongTokenStandsInTheRecord(t *testing.T) {
	t.Parallel()
	b, reg := promoted(t)
	done, err := rollBack(t, reg, contract.NewAgentClient(b.URL, "no such token"), asked{"rollback-1", 0})
	require.Equal(t, fault.Unauthorized, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "version 1 of loan-eligibility has all traffic (generation 5)")
	require.ErrorContains(t, err, "repeat the rollback")
	require.Equal(t, reg.newest(), done.Record)
	require.Equal(t, map[string]int{serving.ChampionAlias: 1}, reg.newest().Aliases())
	require.Equal(t, 100, b.Actual().Weight(contract.Green))

	_, err = rollBack(t, reg, b.Rollback, asked{"rollback-2", 0})
	require.NoError(t, err)
	require.Len(t, reg.history(), 5)
	require.Equal(t, 100, b.Actual().Weight(contract.Blue))
}

func TestRollBackEndsACanary(t *testing.T) {
	t.Parallel()
	for name, version := range map[string]int{"without a version": 0, "naming the champion": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, reg := canaried(t)
			done, err := rollBack(t, reg, b.Rollback, asked{"rollback-1", version})
			require.NoError(t, err)
			require.Equal(t, "from version 3 to 2: it declines everyone", done.String())
			require.Equal(t, map[string]int{serving.ChampionAlias: 2, serving.PreviousAlias: 1}, reg.newest().Aliases())
			require.Equal(t, map[string]int{"blue": 0, "green": 100}, b.Actual().Route.Weights)

			again, err := rollBack(t, reg, b.Rollback, asked{"rollback-2", version})
			require.NoError(t, err)
			require.Equal(t, 2, again.To, "a repetition does not go on to the previous one")
			require.Len(t, reg.history(), 6)
		})
	}
}

// A delivery may put right what a rollback left undone, before the rollback is repeated.
func TestARollBackIsRepeatedAfterItWasRestored(t *testing.T) {
	t.Parallel()
	b, reg := canaried(t)
	_, err := rollBack(t, reg, contract.NewAgentClient(b.URL, "no such token"), asked{"rollback-1", 0})
	require.Equal(t, fault.Unauthorized, fault.CodeOf(err), "%v", err)
	reg.write(reg.newest().Restore(), nil)
	rows := len(reg.history())

	again, err := rollBack(t, reg, b.Rollback, asked{"rollback-2", 0})
	require.NoError(t, err)
	require.Equal(t, 2, again.To, "a repetition does not go on to the previous one")
	require.Len(t, reg.history(), rows)
	require.Equal(t, map[string]int{"blue": 0, "green": 100}, b.Actual().Route.Weights)
}

func TestRollBackRefuses(t *testing.T) {
	t.Parallel()
	b, reg := promoted(t)
	versions := reg.versions
	other := track(1)
	other.Policy = strings.Repeat("cd", 32)
	for _, test := range []struct {
		name    string
		version int
		prepare func()
		code    fault.Code
		says    string
	}{
		{"champion with all traffic", 2, func() {}, fault.Refused, "version 2 of loan-eligibility is champion and has all traffic already"},
		{"not running", 3, func() { reg.versions[3] = registry.ModelVersion{Version: 3} }, fault.Refused,
			"blue: version 1, ready; green: version 2, ready); deliver it: loanops cd start loan-eligibility --version 3"},
		{"no previous", 0, func() { reg.Records = delivered(t, 1).Records }, fault.NotFound, "no previous version to go back to"},
		{"no champion", 0, func() { reg.Records = empty() }, fault.NotFound, "no champion yet"},
		{"no champion, a version named", 1, func() { reg.Records = empty() }, fault.NotFound, "no champion yet"},
		{"another meaning", 0, func() {
			other := versions[1]
			other.Meaning = pipeline.MeaningApproval
			reg.versions[1] = other
		}, fault.Refused, "with label meaning default, but version 1 of loan-eligibility has approval"},
		{"another bundle", 0, func() { reg.versions[1] = registry.ModelVersion{Version: 1, Digest: "abc"} }, fault.Refused, "version 1 of loan-eligibility is abc"},
		{"unknown to the registry", 0, func() { delete(reg.versions, 1) }, fault.NotFound, "no version 1"},
		{"the version under another policy", 0, func() {
			reg.Records = empty()
			reg.write(reg.newest().Prepare(other, ""))
			reg.write(reg.newest().Promote())
			reg.write(reg.newest().Canary(track(2), 50, ""))
			reg.write(reg.newest().Promote())
		}, fault.Refused, "version 1 of loan-eligibility does not run"},
		{"the challenger", 1, func() {
			reg.Records = empty()
			reg.write(reg.newest().Prepare(track(2), ""))
			reg.write(reg.newest().Promote())
			reg.write(reg.newest().Canary(track(1), 50, ""))
		}, fault.Refused, "version 1 of loan-eligibility is the challenger of a canary"},
		{"a challenger that was champion once", 1, func() { reg.write(reg.newest().Canary(track(1), 50, "")) }, fault.Refused, "a rollback does not promote"},
		{"never champion", 1, func() {
			reg.Records = empty()
			reg.write(reg.newest().Prepare(track(2), ""))
			reg.write(reg.newest().Promote())
			reg.write(reg.newest().Canary(track(1), 50, ""))
			reg.write(reg.newest().Abort(), nil)
		}, fault.Refused, "never was champion"},
		{"drilled", 0, func() { b.run(contract.Blue, 1, "delay=1ms", 4) }, fault.Refused, "runs under the drill delay=1ms in slot blue"},
		{"given up", 0, func() { b.run(contract.Blue, 1, "", 4); b.KillForGood(contract.Blue) }, fault.Refused, "version 1 of loan-eligibility is failed"},
	} {
		// One after another: they share an agent.
		t.Run(test.name, func(t *testing.T) {
			reg.Records, reg.versions = delivered(t, 2).Records, map[int]registry.ModelVersion{1: versions[1], 2: versions[2]}
			test.prepare()
			rows := len(reg.history())
			_, err := rollBack(t, reg, b.Rollback, asked{"rollback-1", test.version})
			require.Equal(t, test.code, fault.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, test.says)
			require.Len(t, reg.history(), rows)
			require.Equal(t, 100, b.Actual().Weight(contract.Green))
		})
	}
}

// The champion whose traffic is out of sync gets it back by its name, and nothing is recorded: nothing was decided anew.
func TestRollBackToTheChampionPutsItsTrafficRight(t *testing.T) {
	t.Parallel()
	b, reg := promoted(t)
	b.route(100, 0, 4)
	done, err := rollBack(t, reg, b.Rollback, asked{"rollback-1", 2})
	require.NoError(t, err)
	require.Equal(t, 2, done.To)
	require.Len(t, reg.history(), 4)
	require.Equal(t, 100, b.Actual().Weight(contract.Green))
}

func TestRollBackNeedsTheAgentBeforeItWrites(t *testing.T) {
	t.Parallel()
	b, reg := promoted(t)
	b.Stop()
	_, err := rollBack(t, reg, b.Rollback, asked{"rollback-1", 0})
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)
	require.Len(t, reg.history(), 4)
}

func TestARollBackWhileSomebodyElseWritesIsTriedAgain(t *testing.T) {
	t.Parallel()
	b, reg := promoted(t)
	rows := len(reg.history())
	target, err := shift.Choose(t.Context(), reg, b.Rollback, agenttest.Pipeline, shift.Wanted{})
	require.NoError(t, err)
	reg.between = func() { reg.write(reg.newest().Restore(), nil) }
	request := asked{"rollback-1", 0}.to(target)
	_, err = shift.RollBack(t.Context(), reg, b.Rollback, request)
	require.Equal(t, fault.Conflict, fault.CodeOf(err), "somebody wrote in between, and is named: %v", err)
	require.ErrorContains(t, err, "restore by delivery")
	require.Len(t, reg.history(), rows+1)
	require.Equal(t, 100, b.Actual().Weight(contract.Green))

	_, err = shift.RollBack(t.Context(), reg, b.Rollback, request)
	require.NoError(t, err, "another try reads anew")
	require.EqualValues(t, 6, b.Actual().Generation)
}

// A delivery that gives traffic back to a champion that is down records that all the same: nobody else would, and the version that failed its bake would
// stay champion. An agent that was given up starts again.
func TestTrafficIsGivenBackToAChampionThatIsDown(t *testing.T) {
	t.Parallel()
	b, reg := promoted(t)
	target, err := shift.Choose(t.Context(), reg, b.Rollback, agenttest.Pipeline, shift.Wanted{})
	require.NoError(t, err)
	b.KillForGood(contract.Blue)
	person := asked{"rollback-1", 0}.to(target)
	_, err = shift.RollBack(t.Context(), reg, b.Rollback, person)
	require.Equal(t, fault.Refused, fault.CodeOf(err), "a person is told")
	delivery := asked{"delivery-1", 0}.to(target)
	delivery.After = reg.newest().Generation
	_, err = shift.RollBack(t.Context(), reg, b.Rollback, delivery)
	require.Equal(t, fault.Refused, fault.CodeOf(err), "that it knows what serves makes nobody go on with what is down")
	delivery.Down = true
	done, err := shift.RollBack(t.Context(), reg, b.Rollback, delivery)
	require.NoError(t, err)
	require.Equal(t, 1, done.Record.Champion.Version)
	require.Equal(t, 100, b.Actual().Weight(contract.Blue), "it was started again")
}

// A request that follows on a generation is overtaken by what anybody else wrote since, and by nothing else.
func TestARollBackFollowsOnWhatItsAskerKnows(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		since func(*records)
		code  fault.Code
	}{
		"nothing since":            {func(*records) {}, ""},
		"a renewal for a lock":     {func(reg *records) { renew(t, reg) }, ""},
		"a canary":                 {func(reg *records) { reg.write(reg.newest().Canary(track(3), 10, "")) }, fault.Overtaken},
		"a rollback to the target": {func(reg *records) { reg.write(reg.newest().RollBack(track(1))) }, fault.Overtaken},
	} {
		agent, reg := promotedInMemory(t)
		target, err := shift.Choose(t.Context(), reg, agent, agenttest.Pipeline, shift.Wanted{})
		require.NoError(t, err)
		request := asked{"rollback-1", 0}.to(target)
		request.After = reg.newest().Generation
		test.since(reg)
		rows := len(reg.history())
		if test.code != "" {
			_, err = shift.RollBack(t.Context(), reg, agent, request)
			require.Equal(t, test.code, fault.CodeOf(err), "%s: %v", name, err)
			require.ErrorContains(t, err, "overtaken in production of loan-eligibility by generation 5", name)
			require.Len(t, reg.history(), rows, name)
			require.Zero(t, agent.shifts, name)
			continue
		}
		for range 2 { // again, as after a lost reply
			_, err = shift.RollBack(t.Context(), reg, agent, request)
			require.NoError(t, err, name)
			require.Len(t, reg.history(), rows+1, name)
			require.True(t, reg.newest().DoneBy("rollback-1"), name)
		}
		renew(t, reg)
		_, err = shift.RollBack(t.Context(), reg, agent, request)
		require.NoError(t, err, "%s: its own was renewed", name)
		require.Len(t, reg.history(), rows+2, name)
		request.After = reg.newest().Generation + 1
		request.Operation = "rollback-2"
		_, err = shift.RollBack(t.Context(), reg, agent, request)
		require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%s: a record that went back: %v", name, err)
	}
}

func renew(t *testing.T, reg *records) {
	t.Helper()
	_, err := reg.TakeGeneration(t.Context(), reg.newest().Renew("lock"))
	require.NoError(t, err)
}

// Asked to end a canary, it goes to the champion of that canary, whatever becomes of the canary between two tries.
func TestARollBackKeepsItsTarget(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		between func(*records)
		rows    int
	}{
		"the canary went on":           {func(*records) {}, 1},
		"the delivery aborted":         {func(reg *records) { reg.write(reg.newest().Abort(), nil) }, 0},
		"the delivery was promoted":    {func(reg *records) { reg.write(reg.newest().Promote()) }, 1},
		"another person was there":     {func(reg *records) { reg.write(reg.newest().RollBack(track(2))) }, 0},
		"another person went further":  {func(reg *records) { reg.write(reg.newest().RollBack(track(1))) }, 1},
		"it was put right by somebody": {func(reg *records) { reg.write(reg.newest().RollBack(track(2))); reg.write(reg.newest().Restore(), nil) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, reg := canaried(t)
			target, err := shift.Choose(t.Context(), reg, b.Rollback, agenttest.Pipeline, shift.Wanted{})
			require.NoError(t, err)
			require.Equal(t, shift.Target{Track: track(2), Digest: reg.versions[2].Digest}, target)
			test.between(reg)
			rows := len(reg.history())
			done, err := shift.RollBack(t.Context(), reg, b.Rollback, asked{"rollback-1", 0}.to(target))
			require.NoError(t, err)
			require.Equal(t, 2, done.To)
			require.Len(t, reg.history(), rows+test.rows)
			require.True(t, serving.Is(reg.newest().Champion, &target.Track))
			require.Equal(t, 100, b.Actual().Weight(contract.Green))
		})
	}
}

// One version under two policies is two tracks, and a rollback tells them apart.
func TestChooseTellsPoliciesApart(t *testing.T) {
	t.Parallel()
	strict, lenient := track(2), track(2)
	strict.Policy, lenient.Policy = strings.Repeat("5", 64), strings.Repeat("1", 64)
	agent, reg := promotedInMemory(t)
	reg.write(reg.newest().Canary(lenient, 50, ""))
	reg.write(reg.newest().Promote())
	reg.write(reg.newest().Canary(strict, 50, ""))
	reg.write(reg.newest().Promote())
	agent.actual = running(2, 2, shared(0, 100))
	for slot, policy := range map[string]string{contract.Blue: lenient.Policy, contract.Green: strict.Policy} {
		held := agent.actual.Tracks[slot]
		held.Spec.PolicyDigest = policy
		agent.actual.Tracks[slot] = held
	}
	require.NoError(t, agent.fence.Teach(reg.newest().Generation))
	for _, wanted := range []shift.Wanted{{}, {Version: 2}, {Policy: "1"}, {Version: 2, Policy: lenient.Policy}} {
		target, err := shift.Choose(t.Context(), reg, agent, agenttest.Pipeline, wanted)
		require.NoError(t, err, wanted)
		require.Equal(t, lenient, target.Track, wanted)
	}
	for _, test := range []struct {
		wanted shift.Wanted
		says   string
	}{
		{shift.Wanted{Version: 2, Policy: "5"}, "version 2 of loan-eligibility is champion and has all traffic already"},
		{shift.Wanted{Version: 2, Policy: "7"}, "no track of loan-eligibility that runs in production has the version and the policy that are wanted"},
		{shift.Wanted{Version: 1, Policy: "1"}, "`loanops serving history loan-eligibility` shows those that were champion"},
	} {
		_, err := shift.Choose(t.Context(), reg, agent, agenttest.Pipeline, test.wanted)
		require.Equal(t, fault.Refused, fault.CodeOf(err), test.wanted)
		require.ErrorContains(t, err, test.says)
	}
	target, err := shift.Choose(t.Context(), reg, agent, agenttest.Pipeline, shift.Wanted{Version: 2})
	require.NoError(t, err)
	done, err := shift.RollBack(t.Context(), reg, agent, asked{"rollback-1", 2}.to(target))
	require.NoError(t, err)
	require.Equal(t, "version 2 from one policy to another, 111111111111: it declines everyone", done.String())
	require.Equal(t, 100, agent.actual.Route.Weights[contract.Blue])
	again, err := shift.Choose(t.Context(), reg, agent, agenttest.Pipeline, shift.Wanted{Version: 2})
	require.NoError(t, err)
	require.Equal(t, target, again, "a repetition goes no further")
	forward, err := shift.Choose(t.Context(), reg, agent, agenttest.Pipeline, shift.Wanted{Policy: "5"})
	require.NoError(t, err)
	require.Equal(t, strict, forward.Track)
}

// A digest that two champions' policies begin with names neither: to guess would be to decide by a policy that nobody asked for.
func TestChooseGuessesNoPolicy(t *testing.T) {
	t.Parallel()
	under := func(version int, policy string) serving.Track {
		return serving.Track{Version: version, Policy: strings.Repeat(policy, 32)}
	}
	agent, reg := promotedInMemory(t)
	for _, next := range []serving.Track{under(3, "ab"), under(4, "ac"), under(5, "dd"), under(4, "ac"), under(5, "dd")} {
		reg.write(reg.newest().Canary(next, 50, ""))
		reg.write(reg.newest().Promote())
	}
	agent.actual = running(4, 5, shared(0, 100))
	held := agent.actual.Tracks[contract.Blue]
	held.Spec.PolicyDigest = under(4, "ac").Policy
	agent.actual.Tracks[contract.Blue] = held
	reg.versions[4] = registry.ModelVersion{Version: 4}
	_, err := shift.Choose(t.Context(), reg, agent, agenttest.Pipeline, shift.Wanted{Policy: "a"})
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, `2 policies of loan-eligibility begin with "a"; give more digits`)
	for _, wanted := range []shift.Wanted{{Policy: "ac"}, {Version: 4, Policy: "a"}} {
		target, err := shift.Choose(t.Context(), reg, agent, agenttest.Pipeline, wanted)
		require.NoError(t, err, wanted)
		require.Equal(t, under(4, "ac"), target.Track, wanted)
	}
}

// The reply was lost, and the record moved on before the request came again: what came later holds.
func TestARollBackThatWasOvertakenSince(t *testing.T) {
	t.Parallel()
	for name, since := range map[string]func(reg *records){
		"by a canary":   func(reg *records) { reg.write(reg.newest().Canary(track(2), 10, "")) },
		"by a delivery": func(reg *records) { deliver(reg, 2) },
		"by a delivery whose version does not run yet": func(reg *records) { deliver(reg, 7) },
		"by a rollback to another":                     func(reg *records) { reg.write(reg.newest().RollBack(track(2))) },
	} {
		for version := range 2 {
			agent, reg := promotedInMemory(t)
			_, err := rollBack(t, reg, agent, asked{"rollback-1", version})
			require.NoError(t, err)
			since(reg)
			rows, weights := len(reg.history()), agent.actual.Route.Weights
			if reg.newest().Change == serving.RolledBack && version == 0 {
				continue // back is where it is: the newer one is completed
			}
			_, err = rollBack(t, reg, agent, asked{"rollback-1", version})
			require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%s, --version %d: %v", name, version, err)
			require.ErrorContains(t, err, reg.newest().String(), name)
			require.Len(t, reg.history(), rows, name)
			require.Equal(t, weights, agent.actual.Route.Weights, name)
		}
	}
}

func deliver(reg *records, version int) {
	reg.write(reg.newest().Canary(track(version), 10, ""))
	reg.write(reg.newest().Promote())
}

// run makes a slot serve a version.
func (b *bench) run(slot string, version int, drill string, generation int64) registry.ModelVersion {
	b.t.Helper()
	spec := b.Spec(version, deploytest.Behaviour{})
	spec.Drill = drill
	_, err := b.Provider.PutTrack(b.t.Context(), contract.Production, agenttest.Pipeline, slot, spec, generation)
	require.NoError(b.t, err)
	return registry.ModelVersion{Name: agenttest.Pipeline, Version: version, Digest: spec.Digest, Meaning: pipeline.Meaning(spec.Meaning)}
}

func (b *bench) route(blue, green int, generation int64) {
	b.t.Helper()
	_, err := b.Provider.PutRoute(b.t.Context(), contract.Production, agenttest.Pipeline, map[string]int{"blue": blue, "green": green}, "", generation)
	require.NoError(b.t, err)
}

func (b *bench) teach(generation int64) {
	b.t.Helper()
	require.NoError(b.t, b.Provider.Teach(b.t.Context(), contract.Production, agenttest.Pipeline, generation))
}
