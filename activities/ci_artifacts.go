package activities

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/request"
)

// component is a step of a training as an integration sees it: what it reads, what it makes, and what must hold of that.
type component struct {
	name string
	// reads are the roles of artifacts that must be there before, makes those that it makes with their media types.
	reads []string
	makes map[string]string
	// holds says what is wrong with what it made; empty for nothing.
	holds func(ctx context.Context, objects Objects, made map[string]artifact.Ref) (wrong string, err error)
}

// components are the steps of a training that make artifacts, in their order.
var components = []component{
	{name: ExtractData.Name, reads: []string{artifact.Schema}, holds: wholeDatasets(artifact.Dataset, artifact.Quarantine), makes: map[string]string{
		artifact.Dataset: datasetType, artifact.Quarantine: datasetType, artifact.Facts: jsonType, artifact.Sources: jsonType,
	}},
	{name: ValidateData.Name, reads: []string{artifact.Dataset, artifact.Facts}, holds: readable[dataset.Report](artifact.ValidationReport), makes: map[string]string{
		artifact.ValidationReport: jsonType,
	}},
	{name: ProfileData.Name, reads: []string{artifact.Facts, artifact.ValidationReport}, makes: map[string]string{artifact.Profile: jsonType, artifact.ProfileHTML: htmlType}},
	{name: SplitData.Name, reads: []string{artifact.Dataset}, holds: partsOfDataset, makes: map[string]string{
		artifact.Train: datasetType, artifact.Validation: datasetType, artifact.Test: datasetType,
	}},
	{name: CheckLeakage.Name, reads: []string{artifact.Train, artifact.Validation, artifact.Test}, holds: readable[leakage](artifact.LeakageReport), makes: map[string]string{
		artifact.LeakageReport: jsonType,
	}},
	{name: TrainModel.Name, reads: []string{artifact.Schema, artifact.Train, artifact.Validation}, holds: sameBundle, makes: map[string]string{artifact.Bundle: bundleType}},
	{name: EvaluateModel.Name, reads: []string{artifact.Bundle, artifact.Test}, holds: goldenScores, makes: map[string]string{
		artifact.Evaluation: jsonType, artifact.EvaluationHTML: htmlType, artifact.Golden: jsonType,
	}},
}

// TestArtifacts runs every component on the sample and holds its artifacts against what it declares. Those that look at data have run for ValidateSample.
// The repository's commands for this step do the same with components that are its own code: both must pass.
func (i *Integration) TestArtifacts(ctx context.Context, in TestInput) (TestOutput, error) {
	return i.test(ctx, TestArtifacts, in, func(ctx context.Context, tree *ci.Tree, in TestInput) (ci.Report, map[string]artifact.Ref, error) {
		repository, err := readLocked(ctx, i.Cache.Objects, tree, in.Made)
		if err != nil {
			return ci.Report{}, nil, err
		}
		trained, err := i.Training.Train(ctx, TrainInput{
			Schema: in.Made[artifact.Schema], Algorithm: repository.Spec.Algorithm, Train: in.Made[artifact.Train], Validation: in.Made[artifact.Validation],
		})
		if err != nil {
			return ci.Report{}, nil, err
		}
		evaluated, err := i.Evaluation.Evaluate(ctx, EvaluateInput{Schema: in.Made[artifact.Schema], Bundle: trained.Bundle, Test: in.Made[artifact.Test]})
		if err != nil {
			return ci.Report{}, nil, err
		}
		made := trained.Artifacts()
		maps.Copy(made, evaluated.Artifacts())
		report, err := holdComponents(ctx, i.Cache.Objects, in.Made, made)
		if err != nil {
			return report, nil, err
		}
		report.Log = append(report.Log, trained.Summary(), evaluated.Summary())
		own, err := i.run(ctx, tree, repository, ci.TestArtifacts, in)
		return both(report, own), made, err
	})
}

// both is the outcome of a test with commands of the repository: whatever refuses either refuses the commit, and commands that were not run do.
func both(test, commands ci.Report) ci.Report {
	if commands.Status == ci.NotApplicable {
		return test
	}
	if commands.Status != ci.Passed {
		test.Status = commands.Status
	}
	test.Summary += "; " + commands.Summary
	test.Reasons = append(test.Reasons, commands.Reasons...)
	test.Log = append(test.Log, commands.Log...)
	return test
}

// holdComponents holds artifacts against what the components declare. Each must be there, whole, of its media type, and what holds of it must hold; none
// may be there that no component declares.
func holdComponents(ctx context.Context, objects Objects, sets ...map[string]artifact.Ref) (ci.Report, error) {
	all := map[string]artifact.Ref{}
	for _, set := range sets {
		maps.Copy(all, set)
	}
	report := ci.Report{Status: ci.Passed}
	declared := map[string]bool{artifact.Schema: true, artifact.FeatureLock: true}
	for _, c := range components {
		wrong, err := c.check(ctx, objects, all)
		if err != nil {
			return report, err
		}
		report.Reasons = append(report.Reasons, wrong...)
		report.Log = append(report.Log, fmt.Sprintf("%s: %d artifacts declared, %d complaints", c.name, len(c.makes), len(wrong)))
		for role := range c.makes {
			declared[role] = true
		}
	}
	for _, role := range slices.Sorted(maps.Keys(all)) {
		if !declared[role] {
			report.Reasons = append(report.Reasons, fmt.Sprintf("artifact %s is made by a component that does not declare it", role))
		}
	}
	report.Summary = fmt.Sprintf("%d components, %d artifacts", len(components), len(all))
	if len(report.Reasons) > 0 {
		report.Status = ci.Refused
	}
	return report, nil
}

// check lists what is wrong with the artifacts of a component.
func (c component) check(ctx context.Context, objects Objects, all map[string]artifact.Ref) (wrong []string, err error) {
	for _, role := range c.reads {
		ref, there := all[role]
		if there {
			if there, err = objects.Exists(ctx, ref); err != nil {
				return wrong, err
			}
		}
		if !there {
			wrong = append(wrong, fmt.Sprintf("%s reads %s, which nothing before it made", c.name, role))
		}
	}
	for _, role := range slices.Sorted(maps.Keys(c.makes)) {
		ref, there := all[role]
		if !there {
			wrong = append(wrong, fmt.Sprintf("%s declares the artifact %s and made none", c.name, role))
			continue
		}
		if ref.MediaType != c.makes[role] {
			wrong = append(wrong, fmt.Sprintf("%s made %s as %s, %s is declared", c.name, role, ref.MediaType, c.makes[role]))
		}
		there, err := objects.Exists(ctx, ref)
		if err != nil {
			return wrong, err
		}
		if !there {
			wrong = append(wrong, fmt.Sprintf("%s names an artifact %s that is not in the store", c.name, role))
			continue
		}
		if data, err := objects.Get(ctx, ref); err != nil || int64(len(data)) != ref.Bytes {
			wrong = append(wrong, fmt.Sprintf("%s made %s, which cannot be read as what it is named: %d bytes of the digest %s", c.name, role, ref.Bytes, ref.SHA256))
		}
	}
	if len(wrong) > 0 || c.holds == nil {
		return wrong, nil
	}
	text, err := c.holds(ctx, objects, all)
	if text != "" {
		wrong = append(wrong, c.name+": "+text)
	}
	return wrong, err
}

// wholeDatasets: a dataset's manifest counts the rows of its parts, and they are there.
func wholeDatasets(roles ...string) func(context.Context, Objects, map[string]artifact.Ref) (string, error) {
	return func(ctx context.Context, objects Objects, made map[string]artifact.Ref) (string, error) {
		for _, role := range roles {
			rows, wrong, err := rowsOf(ctx, objects, made[role])
			if err != nil {
				return "", err
			}
			if wrong != "" {
				return fmt.Sprintf("%s %s", role, wrong), nil
			}
			if role == artifact.Dataset && rows == 0 {
				return "the dataset has no rows", nil
			}
		}
		return "", nil
	}
}

// rowsOf counts the rows that the parts of a dataset have.
func rowsOf(ctx context.Context, objects Objects, ref artifact.Ref) (rows int64, wrong string, err error) {
	m, refs, err := manifest(ctx, objects, ref)
	if err != nil {
		return 0, "", err
	}
	for n, part := range refs {
		there, err := objects.Exists(ctx, part)
		if err != nil {
			return 0, "", err
		}
		if !there {
			return 0, fmt.Sprintf("names a part %d that is not in the store", n+1), nil
		}
		rows += m.Parts[n].Rows
	}
	if rows != m.Rows {
		return rows, fmt.Sprintf("says that it has %d rows, its parts have %d", m.Rows, rows), nil
	}
	return rows, "", nil
}

// partsOfDataset: what is split has no more rows than there were, and each part has some.
func partsOfDataset(ctx context.Context, objects Objects, made map[string]artifact.Ref) (string, error) {
	whole, _, err := rowsOf(ctx, objects, made[artifact.Dataset])
	if err != nil {
		return "", err
	}
	var shared int64
	for _, role := range []string{artifact.Train, artifact.Validation, artifact.Test} {
		rows, wrong, err := rowsOf(ctx, objects, made[role])
		if err != nil || wrong != "" {
			return fmt.Sprintf("%s %s", role, wrong), err
		}
		if rows == 0 {
			return fmt.Sprintf("%s has no rows", role), nil
		}
		shared += rows
	}
	if shared > whole {
		return fmt.Sprintf("the parts have %d rows, the dataset has %d", shared, whole), nil
	}
	return "", nil
}

// readable: the artifact is JSON of that type.
func readable[T any](role string) func(context.Context, Objects, map[string]artifact.Ref) (string, error) {
	return func(ctx context.Context, objects Objects, made map[string]artifact.Ref) (string, error) {
		_, err := getJSON[T](ctx, objects, made[role])
		if fault.CodeOf(err) == fault.Invalid {
			return fmt.Sprintf("%s is not what a %s is: %v", role, role, err), nil
		}
		return "", err
	}
}

// sameBundle: the bundle is a model, and is written as it was read.
func sameBundle(ctx context.Context, objects Objects, made map[string]artifact.Ref) (string, error) {
	m, err := getModel(ctx, objects, made[artifact.Bundle])
	if fault.CodeOf(err) == fault.Invalid {
		return "the bundle is no model: " + err.Error(), nil
	}
	if err != nil {
		return "", err
	}
	again, err := m.Encode()
	if err != nil {
		return "", err
	}
	if model.Digest(again) != made[artifact.Bundle].SHA256 {
		return "the bundle is written otherwise than it was read", nil
	}
	return "", nil
}

// goldenScores: every metric is a number within its interval, and the model gives golden rows the probabilities that they have, to the bit.
func goldenScores(ctx context.Context, objects Objects, made map[string]artifact.Ref) (string, error) {
	seen, err := getJSON[evaluate.Evaluation](ctx, objects, made[artifact.Evaluation])
	if err != nil {
		return "", err
	}
	for _, name := range slices.Sorted(maps.Keys(seen.Metrics)) {
		m := seen.Metrics[name]
		if math.IsNaN(m.Estimate) || !(m.Lower <= m.Estimate && m.Estimate <= m.Upper) {
			return fmt.Sprintf("%s is %g, which is not within its interval from %g to %g", name, m.Estimate, m.Lower, m.Upper), nil
		}
	}
	golden, err := getGolden(ctx, objects, made[artifact.Golden])
	if err != nil {
		return "", err
	}
	m, err := getModel(ctx, objects, made[artifact.Bundle])
	if err != nil {
		return "", err
	}
	reads, err := request.NewApplications(m.Contract, m.Signature())
	if err != nil {
		return "", err
	}
	for n, row := range golden.Rows {
		values, err := model.Asked(reads, row.Application)
		if err != nil {
			return fmt.Sprintf("golden row %d is no application of the model's", n+1), nil //nolint:nilerr // that is the finding
		}
		p, err := m.Score(values)
		if err != nil || p != row.Probability {
			return fmt.Sprintf("the model does not give golden row %d the probability that it has", n+1), nil //nolint:nilerr // that is the finding
		}
	}
	return "", nil
}
