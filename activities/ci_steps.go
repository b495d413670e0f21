package activities

import (
	"context"
	"fmt"
	"slices"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
)

// everything stands for all artifacts of the tests that a test comes after.
const everything = "*"

// tests are the steps that test a commit, see ci.Tests, each with the method that does it, and the roles of the artifacts that it reads.
var tests = map[ci.Step]struct {
	step  Step[TestInput, TestOutput]
	work  func(*Integration, context.Context, TestInput) (TestOutput, error)
	reads []string
}{
	ci.CheckSpec:       {CheckSpec, (*Integration).CheckSpec, nil},
	ci.RunCommands:     {RunCommands, (*Integration).RunCommands, nil},
	ci.ReplayHistories: {ReplayHistories, (*Integration).ReplayHistories, nil},
	ci.ValidateSample:  {ValidateSample, (*Integration).ValidateSample, nil},
	ci.TestArtifacts:   {TestArtifacts, (*Integration).TestArtifacts, []string{everything}}, // it looks for those that nobody declares
	ci.TestFeatures:    {TestFeatures, (*Integration).TestFeatures, []string{artifact.Bundle}},
	ci.TestPredictions: {TestPredictions, (*Integration).TestPredictions, []string{artifact.Bundle}},
	ci.TestQuality:     {TestQuality, (*Integration).TestQuality, []string{artifact.Evaluation}},
	ci.TestIntegration: {TestIntegration, (*Integration).TestIntegration, []string{artifact.Bundle, artifact.Golden}},
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

// GivenTo is what a test is given of all that is known of a commit, and of what each test before it made: no more is a part of what it is a function of, nor which
// of the tests beside it have ended.
func GivenTo(step ci.Step, known TestInput, made map[ci.Step]map[string]artifact.Ref) TestInput {
	in := TestInput{Tree: known.Tree, KnownAt: known.KnownAt, Made: map[string]artifact.Ref{}}
	reads := tests[step].reads
	for _, test := range ci.Tests() {
		if test.Step == step {
			continue // what it made before is none of what it is given
		}
		all := slices.Contains(reads, everything) && slices.Contains(ci.After(step), test.Step)
		for role, ref := range made[test.Step] {
			if all || role == artifact.FeatureLock || slices.Contains(reads, role) { // nothing is read of a spec but by the lock of its features
				in.Made[role] = ref
			}
		}
	}
	if step == ci.CheckSpec {
		in.Champion = known.Champion
	}
	if step.HasCommands() {
		in.Fork = known.Fork
	}
	return in
}

// Failed is the first step, in their order, by which a commit is refused, with a reason; nil where it passed. A test that did not run is none that passed.
func Failed(steps []StepOutcome) *StepOutcome {
	for _, bad := range []func(StepOutcome) bool{
		func(s StepOutcome) bool { return s.Status == ci.Refused },
		func(s StepOutcome) bool { return !ci.Lets(s.Name, s.Status) },
	} {
		if at := slices.IndexFunc(steps, bad); at >= 0 {
			failed := steps[at]
			if len(failed.Reasons) == 0 {
				failed.Reasons = []string{fmt.Sprintf("%s is %s: it has to pass", failed.Name, failed.Status)}
			}
			return &failed
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
	ended, outcomes, made := map[ci.Step]ci.Status{}, map[ci.Step]StepOutcome{}, map[ci.Step]map[string]artifact.Ref{}
	for {
		ready := ci.Ready(ended)
		if len(ready) == 0 {
			return InOrder(outcomes), nil
		}
		step := ready[0]
		out, err := tests[step].work(i, ctx, GivenTo(step, TestInput{Tree: tree, KnownAt: knownAt}, made))
		if err != nil {
			return nil, err
		}
		ended[step], outcomes[step] = out.Status, out.Outcome()
		made[step] = out.Made
		tell(outcomes[step])
	}
}
