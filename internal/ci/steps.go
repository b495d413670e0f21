// Package ci tests a commit of a pipeline's repository: what is in it, whether its features are computed as its tests say, whether every applicant
// that its schema admits gets a finite score. Workflows decide the order, activities bring the rows; this package computes.
package ci

import "slices"

// Step is one step of the DAG, under the name that its activity has.
type Step string

// The steps. Those from Package on are taken only when all before passed, and by a platform alone.
const (
	FetchCommit      Step = "FetchCommit"
	CheckSpec        Step = "CheckSpec"
	RunCommands      Step = "RunCommands"
	ReplayHistories  Step = "ReplayHistories"
	ValidateSample   Step = "ValidateSample"
	TestFeatures     Step = "TestFeatures"
	TestArtifacts    Step = "TestArtifacts"
	TestPredictions  Step = "TestPredictions"
	TestQuality      Step = "TestQuality"
	TestIntegration  Step = "TestIntegration"
	Package          Step = "Package"
	Publish          Step = "Publish"
	RegisterPipeline Step = "RegisterPipeline"
)

// Status is how a step ended.
type Status string

// The statuses.
const (
	Passed  Status = "passed"
	Refused Status = "refused"
	// NotApplicable steps had nothing to do: no histories, no commands.
	NotApplicable Status = "not_applicable"
	// NotRun steps wait for what was refused before them.
	NotRun Status = "not_run"
)

// Test is a step that tests the commit.
type Test struct {
	Step Step
	// After are the steps that must have passed, or have had nothing to do, before it runs.
	After []Step
	// Optional ones may have nothing to do. Of the others "not applicable" is as good as not run: nothing was tested.
	Optional bool
}

// Tests are the steps that test, in the order in which they are told: the first that is refused is the one for which a commit is refused.
// Those that do not wait for each other run side by side.
func Tests() []Test {
	return []Test{
		{Step: CheckSpec},
		{Step: RunCommands, After: []Step{CheckSpec}, Optional: true},
		{Step: ReplayHistories, After: []Step{RunCommands}, Optional: true},
		{Step: ValidateSample, After: []Step{CheckSpec}},
		{Step: TestArtifacts, After: []Step{ValidateSample}},
		{Step: TestFeatures, After: []Step{TestArtifacts}, Optional: true}, // as the sample's model reads them
		{Step: TestPredictions, After: []Step{TestArtifacts}},
		{Step: TestQuality, After: []Step{TestArtifacts}, Optional: true},
		{Step: TestIntegration, After: []Step{TestArtifacts}},
	}
}

// CommandSteps are the tests to which commands of the repository may belong. The first two are nothing else; TestArtifacts holds besides, by commands, the
// components that are code of the repository itself.
var CommandSteps = [3]Step{RunCommands, ReplayHistories, TestArtifacts}

// HasCommands says that commands of the repository may belong to the step.
func (s Step) HasCommands() bool { return slices.Contains(CommandSteps[:], s) }

// After are the steps that a test comes after.
func After(step Step) []Step {
	tests := Tests()
	if at := slices.IndexFunc(tests, func(t Test) bool { return t.Step == step }); at >= 0 {
		return tests[at].After
	}
	return nil
}

// Ready are the tests that can run now: those without an outcome whose predecessors all have one that lets them run.
func Ready(ended map[Step]Status) (ready []Step) {
	for _, test := range Tests() {
		if _, has := ended[test.Step]; !has && !slices.ContainsFunc(test.After, func(s Step) bool { return !Lets(s, ended[s]) }) {
			ready = append(ready, test.Step)
		}
	}
	return ready
}

// Lets says that steps after one that ended so can run, and that the commit may be packaged as far as that one says it: it has passed, or is one that may have
// nothing to do and had nothing.
func Lets(step Step, ended Status) bool {
	optional := func(t Test) bool { return t.Step == step && t.Optional }
	return ended == Passed || ended == NotApplicable && slices.ContainsFunc(Tests(), optional)
}

// Report is what a test found.
type Report struct {
	Status Status
	// Summary is one line: what was tested, how much of it.
	Summary string
	// Reasons say why it is refused, each with the file and line where that can be known, and what would be right.
	Reasons []string
	// Log is what a person reads who wants to know more, line by line. It names no applicant and repeats no value of one.
	Log []string
}
