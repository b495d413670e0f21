package activities

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/serving"
)

// A whole life of production. Each change is asked for twice, as after a lost reply: it is one record.
func TestTheLifeOfProduction(t *testing.T) {
	for name, trouble := range map[string]func(*site){
		"without trouble":                           func(*site) {},
		"the registry's replies are lost":           func(s *site) { s.records.lost = 1 },
		"the replies of Terraform and agent are":    func(s *site) { s.lost = 1 },
		"the agent has forgotten what it was told":  func(s *site) { s.targets[serving.Production].fence = serving.Fence{} },
		"the agent was told of a generation before": func(s *site) { s.targets[serving.Production].fence.Newest = max(1, s.newest().Generation) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			e := s.stage()
			// twice asks for a change twice and returns what the second one said.
			twice := func(step func(context.Context, ChangeInput) (ChangeOutput, error), in ChangeInput, environment string) ChangeOutput {
				t.Helper()
				rows := len(s.records.History(product, environment))
				trouble(s)
				if _, err := step(t.Context(), in); err != nil {
					require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)
				}
				s.lost, s.records.lost = 0, 0
				out, err := step(t.Context(), in)
				require.NoError(t, err)
				require.Empty(t, out.Pending)
				require.Len(t, s.records.History(product, environment), rows+1, "one record")
				require.Equal(t, s.records.newest(environment).Generation, out.Generation)
				require.Equal(t, in.Author, s.records.newest(environment).Author)
				if environment == serving.Production {
					s.generation = out.Generation
				}
				return out
			}
			// follow makes Terraform follow the newest record, twice.
			follow := func(step func(context.Context, FollowInput) (FollowOutput, error), champion int) {
				t.Helper()
				trouble(s)
				in := FollowInput{Model: product, Generation: s.generation}
				_, _ = step(t.Context(), in)
				s.lost, s.records.lost = 0, 0
				out, err := step(t.Context(), in)
				require.NoError(t, err)
				require.Equal(t, FollowOutput{Champion: champion}, out)
			}
			// is holds production against what it should be, and against its record.
			is := func(versions, weights map[string]int) {
				t.Helper()
				require.Equal(t, versions, s.versions())
				if weights == nil {
					require.Nil(t, s.weights(), "nothing is routed")
				} else {
					require.Equal(t, weights, s.weights())
				}
				require.Empty(t, shift.OutOfSync(s.newest(), s.production()))
			}

			twice(e.Stage, s.change(1, "stage 1"), serving.Staging)
			require.Equal(t, 1, s.targets[serving.Staging].tracks["blue"].ModelVersion)
			is(map[string]int{}, nil)

			require.Zero(t, twice(e.Prepare, s.change(1, "prepare 1"), serving.Production).Weight)
			is(map[string]int{"blue": 1}, nil)
			require.Equal(t, 100, twice(e.Promote, s.change(1, "promote 1"), serving.Production).Weight)
			require.Nil(t, s.weights(), "a promotion is a record; traffic follows in the next step")
			follow(e.Adopt, 1)
			is(map[string]int{"blue": 1}, map[string]int{"blue": 100})

			twice(e.Stage, s.change(2, "stage 2"), serving.Staging)
			require.Equal(t, map[string]int{"blue": 100}, s.targets[serving.Staging].route.Weights)
			for _, weight := range []int{5, 70} {
				in := s.weigh(2, weight, fmt.Sprintf("weigh 2 with %d", weight))
				require.Equal(t, weight, twice(e.Weigh, in, serving.Production).Weight)
				is(map[string]int{"blue": 1, "green": 2}, map[string]int{"blue": 100 - weight, "green": weight})
			}
			twice(e.Promote, s.change(2, "promote 2"), serving.Production)
			follow(e.Adopt, 2)
			is(map[string]int{"blue": 1, "green": 2}, map[string]int{"blue": 0, "green": 100})

			in := s.weigh(3, 5, "weigh 3")
			in.Drill = "delay=1ms"
			twice(e.Weigh, in, serving.Production)
			is(map[string]int{"blue": 3, "green": 2}, map[string]int{"blue": 5, "green": 95})
			require.Equal(t, "delay=1ms", s.targets[serving.Production].tracks["blue"].Drill)
			require.Zero(t, twice(e.Abort, s.change(3, "abort 3"), serving.Production).Weight)
			is(map[string]int{"blue": 3, "green": 2}, map[string]int{"blue": 0, "green": 100})
			follow(e.Adopt, 2)
			is(map[string]int{"green": 2}, map[string]int{"green": 100})

			twice(e.Weigh, s.weigh(3, 50, "weigh 3 again"), serving.Production)
			twice(e.Promote, s.change(3, "promote 3"), serving.Production)
			follow(e.Adopt, 3)
			chosen, err := e.ChooseRollback(t.Context(), ChooseRollbackInput{Model: product})
			require.NoError(t, err)
			require.Equal(t, shift.Target{Track: s.records.candidate(t, 2).Track, Digest: "c"}, chosen.Target)
			rollback := RollBackInput{Model: product, Target: chosen.Target, Author: serving.Author{Writer: "ada", Actor: "ada", Reason: "complaints", Operation: "rollback"}}
			for range 2 {
				back, err := e.RollBack(t.Context(), rollback)
				require.NoError(t, err)
				require.Equal(t, RollBackOutput{Done: back.Done, Generation: s.newest().Generation}, back)
				s.generation = back.Generation
			}
			is(map[string]int{"blue": 3, "green": 2}, map[string]int{"blue": 0, "green": 100})
			follow(e.Adopt, 2)
			is(map[string]int{"blue": 3, "green": 2}, map[string]int{"blue": 0, "green": 100})
			require.Equal(t, map[string]int{serving.ChampionAlias: 2}, s.newest().Aliases())

			twice(e.Restore, s.change(2, "restore"), serving.Production)
			is(map[string]int{"blue": 3, "green": 2}, map[string]int{"blue": 0, "green": 100})
			require.NoError(t, serving.Verify(s.records.History(product, serving.Production)))
		})
	}
}

// promoted is a site whose champion is version 1.
func promoted(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	e := s.stage()
	s.did(e.Prepare(t.Context(), s.change(1, "prepare 1")))
	out := s.did(e.Promote(t.Context(), s.change(1, "promote 1")))
	_, err := e.Adopt(t.Context(), FollowInput{Model: product, Generation: out.Generation})
	require.NoError(t, err)
	return s
}

// weigh is a canary step.
func (s *site) weigh(version, weight int, operation string) ChangeInput {
	in := s.change(version, operation)
	in.Weight = weight
	return in
}

// Whoever comes after another writer changes nothing and says who it was.
func TestAnotherWritersGenerationOvertakes(t *testing.T) {
	type change = func(*Environments, context.Context, ChangeInput) (ChangeOutput, error)
	for name, step := range map[string]change{
		"prepare": (*Environments).Prepare, "weigh": (*Environments).Weigh, "promote": (*Environments).Promote,
		"abort": (*Environments).Abort, "restore": (*Environments).Restore,
	} {
		for _, ours := range []bool{false, true} {
			s := promoted(t)
			s.did(s.stage().Weigh(t.Context(), s.weigh(2, 10, "weigh")))
			rollback, err := s.newest().RollBack(*s.newest().Champion)
			s.records.write(t, "bob", rollback, err)
			next, err := s.newest().Canary(serving.Track{Version: 3, Policy: "p"}, 10, "")
			s.records.write(t, "eve", next, err)
			rows, weights := len(s.records.History(product, serving.Production)), s.weights()
			in := s.weigh(2, 20, "late")
			in.Ours = ours
			_, err = step(s.stage(), t.Context(), in)
			require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%s: %v", name, err)
			require.ErrorContains(t, err, "overtaken in production of loan-eligibility by generation 5 (canary by eve: complaints)", name)
			require.Len(t, s.records.History(product, serving.Production), rows, name)
			require.Equal(t, weights, s.weights(), name)
		}
	}
	s := promoted(t)
	s.records.write(t, "bob", s.newest().Restore(), nil)
	for name, step := range map[string]func(context.Context, FollowInput) (FollowOutput, error){"shift": s.stage().Shift, "adopt": s.stage().Adopt} {
		_, err := step(t.Context(), FollowInput{Model: product, Generation: s.generation})
		require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%s: %v", name, err)
		require.ErrorContains(t, err, "restore by bob", name)
	}
}

// A run that found no record at all is overtaken by the first row of another one: there is no champion yet that would refuse it.
func TestTheFirstRecordOvertakesWhoKnowsNone(t *testing.T) {
	s := newSite(t)
	in := s.change(1, "prepare 1")
	require.Zero(t, in.After)
	next, err := s.newest().Prepare(serving.Track{Version: 3, Policy: "p"}, "")
	s.records.write(t, "eve", next, err)
	for _, ours := range []bool{false, true} {
		in.Ours = ours
		_, err = s.stage().Prepare(t.Context(), in)
		require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, "generation 1 (prepare by eve: complaints)")
	}
	require.Len(t, s.records.History(product, serving.Production), 1)
	require.Empty(t, s.versions())
}

// A record that is behind what the run knows, as after a database was put back from a copy, is not one that the run goes on with.
func TestARecordThatWentBackIsNotGoneOnWith(t *testing.T) {
	s := promoted(t)
	weights := s.weights()
	in := s.weigh(2, 10, "weigh")
	in.After = s.newest().Generation + 1
	_, err := s.stage().Weigh(t.Context(), in)
	require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%v", err)
	_, err = s.stage().Adopt(t.Context(), FollowInput{Model: product, Generation: in.After})
	require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%v", err)
	require.EqualValues(t, 2, s.newest().Generation)
	require.Equal(t, weights, s.weights())
}

// A change whose reply was lost, and which was overtaken before it came again, is not made again.
func TestARepeatedChangeThatWasOvertakenSince(t *testing.T) {
	s := promoted(t)
	in := s.weigh(2, 10, "weigh")
	out, err := s.stage().Weigh(t.Context(), in)
	require.NoError(t, err)
	s.records.write(t, "bob", s.newest().Abort(), nil)
	require.EqualValues(t, 4, s.newest().Generation)
	_, err = s.stage().Weigh(t.Context(), in)
	require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "abort by bob")
	in.After = s.newest().Generation // even one that claims to know
	_, err = s.stage().Weigh(t.Context(), in)
	require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%v", err)
	require.EqualValues(t, 4, s.newest().Generation)
	require.Less(t, out.Generation, s.newest().Generation)
}

// While Terraform works somebody takes a generation and tells the agent: what Terraform still writes is refused.
func TestATerraformThatComesLateIsRefused(t *testing.T) {
	s := promoted(t)
	in := s.weigh(2, 10, "weigh")
	s.before = func() {
		abort := s.change(2, "abort")
		abort.Ours = true
		out, err := s.stage().Abort(t.Context(), abort)
		require.NoError(t, err, "the run gave the step up and aborts after what it wrote")
		require.EqualValues(t, 4, out.Generation)
		require.Empty(t, out.Pending)
	}
	_, err := s.stage().Weigh(t.Context(), in)
	require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "generation 4 (abort by delivery/run-1: why)")
	require.Equal(t, map[string]int{"blue": 1}, s.versions())
	require.Equal(t, 100, s.production().Weight("blue"))
}

// The step that was given up has not written when the run aborts: it is overtaken when it comes.
func TestAStepThatComesAfterTheAbortIsOvertaken(t *testing.T) {
	s := promoted(t)
	late, abort := s.weigh(2, 10, "weigh"), s.change(2, "abort")
	abort.Ours = true
	_, err := s.stage().Abort(t.Context(), abort)
	require.NoError(t, err)
	_, err = s.stage().Weigh(t.Context(), late)
	require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%v", err)
	require.Nil(t, s.newest().Challenger)
	require.Equal(t, map[string]int{"blue": 1}, s.versions())
}

// Rows of the run itself do not overtake its last change, and overtake every other.
func TestOursAreTheRowsOfTheRunItself(t *testing.T) {
	s := promoted(t)
	_, err := s.stage().Weigh(t.Context(), s.weigh(2, 10, "weigh")) // the run does not hear of it
	require.NoError(t, err)
	abort := s.change(2, "abort")
	_, err = s.stage().Abort(t.Context(), abort)
	require.Equal(t, fault.Overtaken, fault.CodeOf(err), "without Ours: %v", err)
	abort.Ours = true
	stranger := abort
	stranger.Writer = "delivery/run-2"
	_, err = s.stage().Abort(t.Context(), stranger)
	require.Equal(t, fault.Overtaken, fault.CodeOf(err), "they are run 1's: %v", err)
	out, err := s.stage().Abort(t.Context(), abort)
	require.NoError(t, err)
	require.EqualValues(t, 4, out.Generation)
	require.Equal(t, 100, s.production().Weight("blue"))
	require.Zero(t, s.production().Weight("green"))
}

// Between reading the record and taking the next generation somebody took it: that is tried again and is overtaken then.
func TestAGenerationTakenMeanwhile(t *testing.T) {
	s := promoted(t)
	e := s.stage()
	in := s.weigh(2, 10, "weigh")
	_, err := e.take(t.Context(), serving.Production, in, func(newest serving.Record) (serving.Record, error) {
		s.records.write(t, "bob", newest.Restore(), nil)
		return newest.Canary(in.Candidate.Track, 10, "")
	})
	require.Equal(t, fault.Conflict, fault.CodeOf(err), "%v", err)
	_, err = e.Weigh(t.Context(), in)
	require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%v", err)
	require.Nil(t, s.newest().Challenger)
}

func TestPromoteRefusesADrilledChallenger(t *testing.T) {
	s := promoted(t)
	in := s.weigh(2, 50, "weigh")
	in.Drill = "crash_after=20"
	s.did(s.stage().Weigh(t.Context(), in))
	_, err := s.stage().Promote(t.Context(), s.change(2, "promote"))
	require.Equal(t, fault.Refused, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "crash_after=20")
	require.Equal(t, 1, s.newest().Champion.Version)
}

// An abort stands although the agent refuses; what is left to do is in its output, and Adopt does it.
func TestAnAbortWhoseTrafficDoesNotFollowYet(t *testing.T) {
	s := promoted(t)
	s.did(s.stage().Weigh(t.Context(), s.weigh(2, 10, "weigh")))
	s.refuses = fault.New(fault.Unauthorized, "no such token")
	out := s.did(s.stage().Abort(t.Context(), s.change(2, "abort")))
	require.Equal(t, "no such token", out.Pending)
	require.Equal(t, "generation 4: the candidate has 0 %; traffic does not follow yet: no such token", out.Summary())
	require.Nil(t, s.newest().Challenger)
	require.Equal(t, 10, s.production().Weight("green"))
	_, err := s.stage().Shift(t.Context(), FollowInput{Model: product, Generation: out.Generation})
	require.Equal(t, fault.Unauthorized, fault.CodeOf(err))
	_, err = s.stage().Adopt(t.Context(), FollowInput{Model: product, Generation: out.Generation})
	require.NoError(t, err, "Terraform can")
	require.Zero(t, s.production().Weight("green"))
}

// Somebody else's Terraform is at work: traffic does not wait for it. A track that is gone is for Terraform to bring up.
func TestTrafficIsShiftedWithoutTerraform(t *testing.T) {
	s := promoted(t)
	s.did(s.stage().Weigh(t.Context(), s.weigh(2, 10, "weigh")))
	s.refuses, s.applies = fault.New(fault.Unavailable, "the agent is away"), fault.New(fault.Conflict, "another operation is going on")
	out := s.did(s.stage().Abort(t.Context(), s.change(2, "abort")))
	s.refuses = nil
	follow := FollowInput{Model: product, Generation: out.Generation}
	_, err := s.stage().Adopt(t.Context(), follow)
	require.Equal(t, s.applies, err)
	require.Equal(t, 10, s.production().Weight("green"))
	done, err := s.stage().Shift(t.Context(), follow)
	require.NoError(t, err)
	require.Equal(t, FollowOutput{Champion: 1}, done)
	require.Zero(t, s.production().Weight("green"))

	s.targets[serving.Production].tracks = map[string]contract.TrackSpec{}
	_, err = s.stage().Shift(t.Context(), follow)
	require.Equal(t, fault.NotFound, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "only Terraform can bring it up")
}

func TestARollBackWhoseTrafficDoesNotFollowYet(t *testing.T) {
	s := promoted(t)
	s.did(s.stage().Weigh(t.Context(), s.weigh(2, 10, "weigh")))
	s.refuses = fault.New(fault.Unavailable, "the agent is away")
	in := RollBackInput{Model: product, Target: shift.Target{Track: s.records.candidate(t, 1).Track, Digest: "b"}, Author: serving.Author{Writer: "ada", Actor: "ada", Reason: "complaints", Operation: "rollback"}}
	out, err := s.stage().RollBack(t.Context(), in)
	require.NoError(t, err)
	require.Contains(t, out.Pending, "the agent is away")
	require.Equal(t, "from version 2 to 1: complaints", out.Done)
	require.Equal(t, s.newest().Generation, out.Generation)
	in.Target, in.Operation = shift.Target{Track: s.records.candidate(t, 3).Track, Digest: "d"}, "rollback 2"
	_, err = s.stage().RollBack(t.Context(), in)
	require.Equal(t, fault.Refused, fault.CodeOf(err), "nothing was recorded: %v", err)
}

// What follows a rollback follows the newest one: whoever asks for an older one has ended what followed the newer.
func TestFindRollback(t *testing.T) {
	s := promoted(t)
	find := func(generation int64) (FindRollbackOutput, error) {
		return s.stage().FindRollback(t.Context(), FindRollbackInput{Model: product, Generation: generation})
	}
	delivered := s.newest().Generation
	found, err := find(delivered)
	require.NoError(t, err)
	require.Equal(t, FindRollbackOutput{Generation: delivered, Version: 1, Digest: "b"}, found, "the champion's traffic was put right, without a record")
	_, err = find(delivered - 1)
	require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "promote by delivery/run-1")

	for range 2 {
		next, err := s.newest().RollBack(*s.newest().Champion)
		s.records.write(t, "ada", next, err)
	}
	for _, generation := range []int64{delivered, delivered + 1, delivered + 2} {
		found, err := find(generation)
		require.NoError(t, err)
		require.Equal(t, delivered+2, found.Generation)
	}
	s.did(s.stage().Restore(t.Context(), ChangeInput{Candidate: s.records.candidate(t, 2), After: delivered + 2, Author: serving.Author{
		Writer: "delivery/run-2", Actor: "ada", Reason: "lost", Operation: "restore",
	}}))
	found, err = find(delivered + 1)
	require.NoError(t, err, "who restored it may end before it is followed")
	require.Equal(t, delivered+3, found.Generation)
	found, err = find(0)
	require.NoError(t, err, "whichever it is")
	require.Equal(t, delivered+3, found.Generation)
	s.did(s.stage().Weigh(t.Context(), s.weigh(2, 10, "weigh")))
	_, err = find(delivered + 2)
	require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%v", err)
	_, err = (&Environments{Registry: newSite(t).records}).FindRollback(t.Context(), FindRollbackInput{Model: product})
	require.Equal(t, fault.NotFound, fault.CodeOf(err), "%v", err)
}

// Everything that the agent held is gone: restoring records that, and Terraform brings the champion back.
func TestWhatIsLostIsBroughtBack(t *testing.T) {
	s := promoted(t)
	s.targets[serving.Production] = newTarget()
	out := s.did(s.stage().Restore(t.Context(), s.change(2, "restore")))
	require.Contains(t, out.Pending, "version 1 of loan-eligibility shall have 100 % of the traffic in production and does not run there")
	_, err := s.stage().Adopt(t.Context(), FollowInput{Model: product, Generation: out.Generation})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"blue": 100}, s.weights())
	require.Empty(t, shift.OutOfSync(s.newest(), s.production()))
}

func TestRestoreEndsACanaryThatNobodyContinues(t *testing.T) {
	s := promoted(t)
	s.did(s.stage().Weigh(t.Context(), s.weigh(2, 10, "weigh")))
	s.did(s.stage().Restore(t.Context(), s.change(3, "restore")))
	require.Equal(t, serving.Aborted, s.newest().Change)
	require.Equal(t, 100, s.production().Weight("blue"))
}

func TestPlanRecordsNothing(t *testing.T) {
	s := newSite(t)
	granted := capacity.Grant{MemoryMiB: 128, CPUMillis: 500}
	for _, environment := range []string{serving.Staging, serving.Production} {
		out, err := s.stage().Plan(t.Context(), PlanInput{Candidate: s.records.candidate(t, 2), Environment: environment})
		require.NoError(t, err)
		require.Equal(t, PlanOutput{Plan: terraform.PlanSummary{Planned: map[string]capacity.Grant{"blue": granted}}, Planned: granted}, out)
		require.EqualValues(t, 1, s.planned.Generation)
		require.Empty(t, s.records.History(product, environment))
	}
	require.Empty(t, s.planned.Weights, "the first version is asked golden requests before it is routed")
	_, err := promoted(t).stage().Plan(t.Context(), PlanInput{Candidate: s.records.candidate(t, 2), Environment: serving.Production})
	require.Equal(t, fault.Refused, fault.CodeOf(err), "a challenger comes with a share: %v", err)
}

func TestResolve(t *testing.T) {
	s := newSite(t)
	first, err := s.stage().Resolve(t.Context(), ResolveInput{Model: product})
	require.NoError(t, err)
	require.Equal(t, s.records.candidate(t, 3), first.Candidate, "the newest")
	require.Nil(t, first.Champion)
	require.Zero(t, first.Generation)
	require.Equal(t, "version 3; there is no champion yet", first.Summary())

	s = promoted(t)
	named, err := s.stage().Resolve(t.Context(), ResolveInput{Model: product, Version: 2})
	require.NoError(t, err)
	require.Equal(t, s.records.candidate(t, 2), named.Candidate)
	require.Equal(t, "c", named.Digest)
	require.Equal(t, s.generation, named.Generation)
	require.Equal(t, 1, named.Champion.Version)
	require.Empty(t, named.OutOfSync)
	require.Equal(t, "automatic", named.Approval)
	require.InDelta(t, 50, named.TargetRate, 0)
	require.Equal(t, []int{5, 20, 40, 70}, named.Canary.Steps)

	_, err = s.stage().Resolve(t.Context(), ResolveInput{Model: product, Version: 9})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	s.records.versions = nil
	_, err = s.stage().Resolve(t.Context(), ResolveInput{Model: product})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.ErrorContains(t, err, "ct start")
}

func TestResolveSaysWhyProductionIsOutOfSync(t *testing.T) {
	for want, trouble := range map[string]func(*site, *target){
		"version 1 does not run": func(_ *site, at *target) { delete(at.tracks, "blue") },
		"version 1 has 60 % of the traffic instead of 100 %": func(_ *site, at *target) {
			at.route = &contract.Route{Weights: map[string]int{"blue": 60, "green": 40}}
		},
		"the agent has heard of generation 1, the record's is 2": func(_ *site, at *target) { at.fence.Newest = 1 },
		"version 1 runs under the drill delay=1ms": func(_ *site, at *target) {
			spec := at.tracks["blue"]
			spec.Drill = "delay=1ms"
			at.tracks["blue"] = spec
		},
		"version 1 runs as bundle b with label meaning approval instead of bundle b, default": func(_ *site, at *target) {
			spec := at.tracks["blue"]
			spec.Meaning = "approval" // by somebody's own terraform apply
			at.tracks["blue"] = spec
		},
		"the canary of version 3 is continued by nobody": func(s *site, _ *target) {
			s.did(s.stage().Weigh(s.t.Context(), s.weigh(3, 10, "weigh 3")))
		},
	} {
		s := promoted(t)
		trouble(s, s.targets[serving.Production])
		out, err := s.stage().Resolve(t.Context(), ResolveInput{Model: product, Version: 2})
		require.NoError(t, err)
		require.Equal(t, want, out.OutOfSync)
		require.Equal(t, "version 2 against champion 1; production is not as recorded: "+want, out.Summary())
	}
}

// A person started a delivery under an ID of their own: the canary of the other one is left alone.
func TestResolveLeavesARunningCanaryAlone(t *testing.T) {
	s := promoted(t)
	s.did(s.stage().Weigh(t.Context(), s.weigh(3, 10, "weigh 3")))
	s.running = s.newest().Writer
	_, err := s.stage().Resolve(t.Context(), ResolveInput{Model: product, Version: 2})
	require.Equal(t, fault.Refused, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "version 3 of loan-eligibility is in its canary, by delivery/run-1")
}

// The cutoff and the label's meaning were changed since the champion was delivered: it comes back under its own, the challenger under the new ones.
func TestAChampionComesBackUnderItsOwnPolicyAndMeaning(t *testing.T) {
	s := promoted(t)
	before, err := s.records.Pipeline(t.Context(), product)
	require.NoError(t, err)
	after, err := s.records.respec("cutoff: 0.25", "cutoff: 0.4", "memory_mib: 128", "memory_mib: 256", "the purpose of the loan", "what it is for")
	require.NoError(t, err)
	s.records.versions[0].Meaning = pipeline.MeaningApproval // what its label meant; the spec says default
	in := s.weigh(2, 10, "weigh")
	delete(s.targets[serving.Production].tracks, "blue")
	s.did(s.stage().Weigh(t.Context(), in))
	champion, challenger := s.targets[serving.Production].tracks["blue"], s.targets[serving.Production].tracks["green"]
	require.Equal(t, 1, champion.ModelVersion)
	require.Equal(t, "approval", champion.Meaning, "it would decide upside down")
	require.Equal(t, before.Policy.Digest, champion.PolicyDigest)
	require.Equal(t, string(before.Policy.Document), champion.Policy)
	policy := decision.PolicyOf(after)
	require.Equal(t, contract.TrackSpec{
		ModelVersion: 2, PolicyDigest: policy.Digest(), Policy: string(policy.Document()), Digest: "c", BundleURI: "s3://b/c",
		Image: predictorImage, MemoryMiB: 256, CPUMillis: 500, Meaning: "default",
	}, challenger)
	require.Contains(t, challenger.Policy, `"cutoff":0.4,`)
	require.Contains(t, challenger.Policy, `"purpose":"what it is for"`)
}

// The champion keeps running as it runs: new limits arrive with a challenger and are judged with it.
func TestTheChampionKeepsRunningAsItRuns(t *testing.T) {
	s := promoted(t)
	_, err := s.records.respec("memory_mib: 128", "memory_mib: 256")
	require.NoError(t, err)
	s.did(s.stage().Weigh(t.Context(), s.weigh(2, 10, "weigh")))
	require.EqualValues(t, 128, s.targets[serving.Production].tracks["blue"].MemoryMiB)
	require.EqualValues(t, 256, s.targets[serving.Production].tracks["green"].MemoryMiB)
}

// A delivery that gives traffic back follows on the record that it knows: what somebody else has written since stands.
func TestADeliverysRollBackIsFenced(t *testing.T) {
	s := promoted(t)
	s.did(s.stage().Weigh(t.Context(), s.weigh(2, 10, "weigh")))
	s.did(s.stage().Promote(t.Context(), s.change(2, "promote")))
	in := RollBackInput{Model: product, Target: shift.Target{Track: s.records.candidate(t, 1).Track, Digest: "b"}, After: s.generation,
		Author: serving.Author{Writer: "delivery/run-1", Actor: "ada", Reason: "failed: the bake", Operation: "give back"}}
	next, err := s.newest().Canary(s.records.candidate(t, 3).Track, 0, "")
	s.records.write(t, "somebody", next, err)
	_, err = s.stage().RollBack(t.Context(), in)
	require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%v", err)
	require.Equal(t, 3, s.newest().Challenger.Version, "the canary since goes on")
	in.After = s.newest().Generation
	_, err = s.stage().RollBack(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, 1, s.newest().Champion.Version)
	_, err = s.stage().RollBack(t.Context(), in)
	require.NoError(t, err, "a repetition after a lost reply")
}

// raced is a registry in which somebody writes once, right after what serves was read.
type raced struct {
	*memory
	between func()
}

func (r *raced) Serving(ctx context.Context, pipeline, environment string) (serving.Record, error) {
	defer r.happen()
	return r.memory.Serving(ctx, pipeline, environment)
}

func (r *raced) ServingHistory(ctx context.Context, pipeline, environment string) ([]serving.Record, error) {
	defer r.happen()
	return r.memory.ServingHistory(ctx, pipeline, environment)
}

func (r *raced) happen() {
	if between := r.between; between != nil {
		r.between = nil
		between()
	}
}

// The record that the fence looks at is the one that the new row follows: what somebody writes in between stands.
func TestADeliverysRollBackOverwritesNothing(t *testing.T) {
	s := promoted(t)
	s.did(s.stage().Weigh(t.Context(), s.weigh(2, 10, "weigh")))
	s.did(s.stage().Promote(t.Context(), s.change(2, "promote")))
	in := RollBackInput{Model: product, Target: shift.Target{Track: s.records.candidate(t, 1).Track, Digest: "b"}, After: s.generation,
		Author: serving.Author{Writer: "delivery/run-1", Actor: "ada", Reason: "failed: the bake", Operation: "give back"}}
	stage := s.stage()
	stage.Registry = &raced{s.records, func() {
		next, err := s.newest().Canary(s.records.candidate(t, 3).Track, 0, "")
		s.records.write(t, "somebody", next, err)
	}}
	_, err := stage.RollBack(t.Context(), in)
	require.Equal(t, fault.Conflict, fault.CodeOf(err), "%v", err)
	_, err = stage.RollBack(t.Context(), in)
	require.Equal(t, fault.Overtaken, fault.CodeOf(err), "another try reads anew: %v", err)
	require.ErrorContains(t, err, "canary by somebody")
	require.Equal(t, 3, s.newest().Challenger.Version, "the canary since goes on")
}

// A person may deliver under an earlier policy than the newest spec's, named by how its digest begins.
func TestResolveTakesThePolicyThatIsAskedFor(t *testing.T) {
	s := promoted(t)
	earlier, err := s.records.Pipeline(t.Context(), product)
	require.NoError(t, err)
	_, err = s.records.respec("cutoff: 0.25", "cutoff: 0.4")
	require.NoError(t, err)
	newest, err := s.records.Pipeline(t.Context(), product)
	require.NoError(t, err)
	for asked, want := range map[string]string{"": newest.Policy.Digest, earlier.Policy.Digest: earlier.Policy.Digest, earlier.Policy.Digest[:8]: earlier.Policy.Digest} {
		out, err := s.stage().Resolve(t.Context(), ResolveInput{Model: product, Version: 2, Policy: asked})
		require.NoError(t, err)
		require.Equal(t, want, out.Candidate.Policy)
		require.Equal(t, newest.Digest, out.Candidate.Spec, "the checks are those of the newest spec all the same")
	}
	_, err = s.stage().Resolve(t.Context(), ResolveInput{Model: product, Policy: "no such policy"})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}

func TestASpecThatIsNotRegistered(t *testing.T) {
	s := newSite(t)
	_, err := specAt(t.Context(), s.records, product, "no such digest")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.ErrorContains(t, err, `no spec of pipeline "loan-eligibility" with digest no such digest is registered`)
	old, err := s.records.respec("target_rate: 50", "target_rate: 60")
	require.NoError(t, err)
	digest := s.records.specs[product][0].Digest
	_, err = s.records.respec("target_rate: 60", "target_rate: 70")
	require.NoError(t, err)
	found, err := specAt(t.Context(), s.records, product, digest)
	require.NoError(t, err)
	require.Equal(t, old, found, "an older one, not the newest")
}
