package activities

import (
	"context"
	"maps"
	"slices"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
)

// tests are the steps that test a commit, see ci.Tests, each with the method that does it.
var tests = map[ci.Step]struct {
	step Step[TestInput, TestOutput]
	work func(*Integration, context.Context, TestInput) (TestOutput, error)
}{
	ci.CheckSpec:       {CheckSpec, (*Integration).CheckSpec},
	ci.RunCommands:     {RunCommands, (*Integration).RunCommands},
	ci.ReplayHistories: {ReplayHistories, (*Integration).ReplayHistories},
	ci.ValidateSample:  {ValidateSample, (*Integration).ValidateSample},
	ci.TestArtifacts:   {TestArtifacts, (*Integration).TestArtifacts},
	ci.TestFeatures:    {TestFeatures, (*Integration).TestFeatures},
	ci.TestPredictions: {TestPredictions, (*Integration).TestPredictions},
	ci.TestQuality:     {TestQuality, (*Integration).TestQuality},
	ci.TestIntegration: {TestIntegration, (*Integration).TestIntegration},
}

// TestStep is the step of that name.
func TestStep(name ci.Step) Step[TestInput, TestOutput] { return tests[name].step }

// register makes every test an activity.
func (i *Integration) register(to registrar) {
	for _, test := range tests {
		test.step.register(to, func(ctx context.Context, in TestInput) (TestOutput, error) { return test.work(i, ctx, in) })
	}
}

// Outcome is how the test ended, for the record of the integration.
func (o TestOutput) Outcome() StepOutcome {
	return StepOutcome{Name: o.Step, Status: o.Status, Reasons: o.Reasons, Said: o.Said, Cached: o.Cached, Log: &o.Log}
}

// ReadsOf are the artifacts that a test reads, of all that tests before it made.
func ReadsOf(step ci.Step, made ...map[string]artifact.Ref) map[string]artifact.Ref {
	read := map[string]artifact.Ref{}
	for _, role := range reads[step] {
		for _, by := range made {
			if ref, has := by[role]; has {
				read[role] = ref
			}
		}
	}
	return read
}

// Failed is the first step, in their order, by which a commit is refused; nil where it passed. A test that did not run is none that passed.
func Failed(steps []StepOutcome) *StepOutcome {
	for _, bad := range []func(StepOutcome) bool{
		func(s StepOutcome) bool { return s.Status == ci.Refused },
		func(s StepOutcome) bool { return !ci.Lets(s.Name, s.Status) },
	} {
		if at := slices.IndexFunc(steps, bad); at >= 0 {
			return &steps[at]
		}
	}
	return nil
}

// InOrder are the outcomes of all tests in their order; those that have none did not run.
func InOrder(outcomes map[ci.Step]StepOutcome) (steps []StepOutcome) {
	for _, test := range ci.Tests() {
		outcome, has := outcomes[test.Step]
		if !has {
			outcome = StepOutcome{Name: test.Step, Status: ci.NotRun}
		}
		steps = append(steps, outcome)
	}
	return steps
}

// TestAll takes every test that can be taken, one after the other, as a developer does before a push. tell hears of each when it has ended.
func (i *Integration) TestAll(ctx context.Context, tree artifact.Ref, knownAt string, tell func(StepOutcome)) ([]StepOutcome, error) {
	ended, outcomes, made := map[ci.Step]ci.Status{}, map[ci.Step]StepOutcome{}, map[string]artifact.Ref{}
	for {
		ready := ci.Ready(ended)
		if len(ready) == 0 {
			return InOrder(outcomes), nil
		}
		step := ready[0]
		out, err := tests[step].work(i, ctx, TestInput{Tree: tree, KnownAt: knownAt, Made: ReadsOf(step, made)})
		if err != nil {
			return nil, err
		}
		ended[step], outcomes[step] = out.Status, out.Outcome()
		maps.Copy(made, out.Made)
		tell(outcomes[step])
	}
}
