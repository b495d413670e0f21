package activities_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/serving/servingtest"
	"github.com/loanops/loanops/pipelines"
)

const product = "loan-eligibility"

var (
	// mine writes the record that is to be followed.
	mine = serving.Author{Writer: "rollback/r", Actor: "ada", Reason: "complaints", Operation: "r"}
	// dead is the step that left a lock.
	dead = terraform.Step{Workflow: "delivery", Run: "d", Activity: "7", Attempt: 1}
)

// rest is what is not called. What is embedded beside it goes before its methods.
type rest struct{ registry.Registry }

// site is a registry, an agent and a workspace whose state is locked; it notes what is done, in order.
type site struct {
	rest
	*servingtest.Records
	contract.Actual
	lock  *terraform.Lock
	steps []terraform.Step
	done  []string
	// the holder is gone, or Temporal does not say.
	gone       bool
	goneFails  error
	interloper bool // somebody takes a generation while Temporal is asked
}

// newSite has one rollback on record, generation 1.
func newSite(lock *terraform.Lock) *site {
	s := &site{Records: &servingtest.Records{}, lock: lock}
	s.take(mine, serving.RolledBack)
	return s
}

// take writes a record past the site's notes.
func (s *site) take(author serving.Author, change serving.Change) {
	next := s.newest().Restore().By(author)
	next.Change = change
	if _, err := s.Records.TakeGeneration(context.Background(), next); err != nil {
		panic(err)
	}
}

func (s *site) newest() serving.Record { return s.Newest(product, serving.Production) }

func (s *site) TakeGeneration(ctx context.Context, next serving.Record) (serving.Record, error) {
	taken, err := s.Records.TakeGeneration(ctx, next)
	if err == nil {
		s.note("record %d", taken.Generation)
	}
	return taken, err
}

// spec is the shipped pipeline's.
func spec() registry.PipelineSpec {
	yaml, err := pipelines.FS.ReadFile(product + ".yaml")
	if err != nil {
		panic(err)
	}
	parsed, err := pipeline.Parse(product+".yaml", yaml)
	if err != nil {
		panic(err)
	}
	return registry.NewPipelineSpec(parsed, yaml)
}

func (s *site) Pipeline(context.Context, string) (registry.PipelineSpec, error) { return spec(), nil }

func (s *site) PipelineAt(context.Context, string, string) (registry.PipelineSpec, error) {
	return spec(), nil
}

func (s *site) note(format string, args ...any) {
	s.done = append(s.done, fmt.Sprintf(format, args...))
}

// agent is the site's.
type agent struct{ *site }

func (a agent) Actual(context.Context, string, string) (contract.Actual, error) {
	return a.site.Actual, nil
}

func (a agent) Teach(_ context.Context, _, _ string, generation int64) error {
	a.note("teach %d", generation)
	return nil
}

func (a agent) Rollback(context.Context, string, string, map[string]int, int64) (contract.Route, error) {
	return contract.Route{}, nil
}

func (s *site) Plan(context.Context, terraform.Desired) (terraform.PlanSummary, error) {
	return terraform.PlanSummary{}, nil
}

func (s *site) Apply(_ context.Context, desired terraform.Desired) error {
	if s.lock != nil {
		return &terraform.LockedError{Lock: *s.lock}
	}
	s.note("apply %d", desired.Generation)
	return nil
}

func (s *site) BreakLock(_ context.Context, lock terraform.Lock) error {
	s.note("break %s", lock.ID)
	s.lock = nil
	return nil
}

func (s *site) stage() *activities.Environments {
	return &activities.Environments{
		Registry: s, Agent: agent{s},
		Workspace: func(_, _ string, step terraform.Step) activities.Workspace {
			s.steps = append(s.steps, step)
			return s
		},
		Gone: func(_ context.Context, step terraform.Step) (bool, error) {
			s.note("is %s gone?", step.Workflow)
			if s.interloper {
				s.take(serving.Author{Writer: "somebody", Actor: "grace", Reason: "else", Operation: "s"}, serving.RolledBack)
			}
			return s.gone, s.goneFails
		},
	}
}

func heldUnder(generation int64) *terraform.Lock {
	return &terraform.Lock{ID: "L", Who: "loanops@host", Holder: &terraform.Holder{Step: dead, Generation: generation}}
}

func TestALockIsBrokenOnlyOverAWriterWhoIsGoneUnderANewerGeneration(t *testing.T) {
	person := &terraform.Lock{ID: "L", Who: "ada@laptop"}
	for _, test := range []struct {
		name string
		lock *terraform.Lock
		site site
		code fault.Code // empty: it is applied
		done []string
	}{
		{"nobody holds it", nil, site{}, "", []string{"teach 1", "apply 1"}},
		{"newer and gone", heldUnder(0), site{gone: true}, "", []string{"teach 1", "is delivery gone?", "break L", "teach 1", "apply 1"}},
		{"newer and alive", heldUnder(0), site{}, fault.Conflict, []string{"teach 1", "is delivery gone?"}},
		{"not newer and gone", heldUnder(1), site{gone: true}, "",
			[]string{"teach 1", "is delivery gone?", "record 2", "break L", "teach 2", "apply 2"}},
		{"not newer and alive", heldUnder(1), site{}, fault.Conflict, []string{"teach 1", "is delivery gone?"}},
		{"a person's", person, site{gone: true}, fault.Conflict, []string{"teach 1"}},
		{"Temporal is away", heldUnder(1), site{gone: true, goneFails: fault.New(fault.Unavailable, "away")}, fault.Unavailable,
			[]string{"teach 1", "is delivery gone?"}},
		{"overtaken meanwhile", heldUnder(1), site{gone: true, interloper: true}, fault.Overtaken, []string{"teach 1", "is delivery gone?"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(test.lock)
			s.gone, s.goneFails, s.interloper = test.site.gone, test.site.goneFails, test.site.interloper
			_, err := s.stage().Adopt(t.Context(), activities.FollowInput{Model: product, Generation: 1})
			if test.code == "" {
				require.NoError(t, err)
			} else {
				require.Equal(t, test.code, fault.CodeOf(err), "%v", err)
			}
			require.Equal(t, test.done, s.done)
		})
	}
}

// Whoever knows the generation before the renewal goes on as if nothing was: the renewal is no other writer's.
func TestARenewalIsTheSameRecordForWhoeverKnewIt(t *testing.T) {
	s := newSite(heldUnder(1))
	s.gone = true
	_, err := s.stage().Adopt(t.Context(), activities.FollowInput{Model: product, Generation: 1})
	require.NoError(t, err)
	renewed := s.newest()
	require.EqualValues(t, 2, renewed.Generation)
	require.Equal(t, serving.RolledBack, renewed.Change, "a rollback is still one, so that repeating it goes no further back")
	require.Equal(t, []string{mine.Writer, mine.Actor, mine.Reason}, []string{renewed.Writer, renewed.Actor, renewed.Reason})

	s.lock = heldUnder(2) // the next attempt dies as well
	for range 2 {
		_, err := s.stage().Adopt(t.Context(), activities.FollowInput{Model: product, Generation: 1})
		require.NoError(t, err)
	}
	require.EqualValues(t, 3, s.newest().Generation)
	out, err := s.stage().Restore(t.Context(), activities.ChangeInput{
		Candidate: activities.Candidate{Model: product, Spec: spec().Digest}, After: 1, Author: serving.Author{Writer: "delivery/d", Actor: "ada", Reason: "x", Operation: "d/restore"},
	})
	require.NoError(t, err)
	require.EqualValues(t, 4, out.Generation)
	_, err = s.stage().Adopt(t.Context(), activities.FollowInput{Model: product, Generation: 1})
	require.Equal(t, fault.Overtaken, fault.CodeOf(err), "another writer's is another record")
}

// What a change returns is what the run knows from then on, and repeating it after a lost reply is the same.
func TestAChangeReturnsTheGenerationThatItFollowsInTheEnd(t *testing.T) {
	s := &site{Records: &servingtest.Records{}, lock: heldUnder(1), gone: true}
	in := activities.ChangeInput{
		Candidate: activities.Candidate{Model: product, Spec: spec().Digest}, Author: serving.Author{Writer: "delivery/d", Actor: "ada", Reason: "first", Operation: "d/prepare"},
	}
	s.take(serving.Author{Writer: "delivery/d", Actor: "ada", Reason: "first", Operation: "d/prepare"}, serving.Prepared)
	for range 2 {
		out, err := s.stage().Prepare(t.Context(), in)
		require.NoError(t, err)
		require.EqualValues(t, 2, out.Generation)
	}
	require.EqualValues(t, 2, s.newest().Generation)
}

func TestAStepWorksUnderItsNameInTemporal(t *testing.T) {
	s := newSite(nil)
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivityWithOptions(s.stage().Adopt, activity.RegisterOptions{Name: "adopt"})
	_, err := env.ExecuteActivity("adopt", activities.FollowInput{Model: product, Generation: 1})
	require.NoError(t, err)
	require.Len(t, s.steps, 1)
	step := s.steps[0]
	require.EqualValues(t, 1, step.Attempt)
	for _, text := range []string{step.Workflow, step.Run, step.Activity} {
		require.NotEmpty(t, text)
	}
}
