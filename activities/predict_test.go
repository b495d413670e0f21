package activities

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/scoring"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/swapset"
)

// predicted is what a change of the shipped spec would do, and the parts of what was stored. The champion decides under the policy of the shipped one.
func predicted(t *testing.T, change func(*pipeline.Spec), oldNew ...string) (ShiftOutput, swapset.Shift, *bench) {
	t.Helper()
	b := newBench(t)
	b.spec.Source.Simulate.Rows = 4000
	b.train(t)
	before := b.registry.candidate(t, 1).Policy
	if len(oldNew) > 0 {
		b.respec(t, oldNew...)
		b.spec.Source.Simulate.Rows = 4000
	}
	change(&b.spec)
	version := b.train(t).version
	c := Comparison{Registry: b.registry, Objects: b.objects, Page: report.SwapSetHTML}
	out, err := c.Predict(t.Context(), ComparisonInput{Candidate: b.registry.candidate(t, version.Version), Champion: serving.Track{Version: 1, Policy: before}})
	require.NoError(t, err)
	found, err := getJSON[swapset.Shift](t.Context(), b.objects, out.JSON)
	require.NoError(t, err)
	require.Equal(t, map[string]artifact.Ref{"swap_set": out.JSON, "swap_set_html": out.HTML}, out.Artifacts())
	return out, found, b
}

// Another cutoff for the same model: the verdicts that change are those of scores between the two, which can be counted by hand.
func TestPredictOfAPolicy(t *testing.T) {
	out, found, b := predicted(t, func(*pipeline.Spec) {}, "cutoff: 0.25", "cutoff: 0.3")
	version, err := b.registry.Version(t.Context(), product, 1)
	require.NoError(t, err)
	require.Len(t, b.registry.versions, 1, "a policy trains nothing")
	m, err := getModel(t.Context(), b.objects, version.Bundle)
	require.NoError(t, err)
	table, err := ReadTable(t.Context(), b.objects, test(version))
	require.NoError(t, err)
	scores, err := scoring.Table(m, table)
	require.NoError(t, err)
	swapped := 0
	for _, p := range scores {
		if p >= 0.25 && p < 0.3 {
			swapped++
		}
	}
	require.Positive(t, swapped)
	require.Equal(t, swapped, found.SwappedIn.Rows.Count)
	require.Zero(t, found.SwappedOut.Rows.Count)
	require.Equal(t, len(scores), found.Rows)
	require.True(t, found.OutcomesMeasured)
	require.Equal(t, found.SwappedIn.Rows.Count, found.SwappedIn.Bad.Of, "the outcome of every row of the test part is known")
	require.Equal(t, "institution_type", found.Segments[0].Column)
	require.Equal(t, swapset.Within, out.Judged)
	require.Empty(t, out.Refused())
	var toApprove int64
	for _, bucket := range out.Prediction.Buckets {
		toApprove += bucket.ToApprove
	}
	require.EqualValues(t, swapped, toApprove)
}

func TestPredictOfTheSameIsNothing(t *testing.T) {
	out, found, _ := predicted(t, func(*pipeline.Spec) {})
	require.Equal(t, swapset.Within, out.Judged)
	require.Zero(t, found.SwappedIn.Rows.Count+found.SwappedOut.Rows.Count)
	require.Zero(t, found.Scores.MeanAbsolute)
	require.Zero(t, out.Prediction, "nothing changes, and that is exact")
}

// A label that says who was approved after one that says who defaulted: verdicts are compared and predicted, scores are not compared.
func TestPredictBetweenTwoMeanings(t *testing.T) {
	out, found, b := predicted(t, func(*pipeline.Spec) {}, "meaning: default", "meaning: approval", "  matures_after_days: 180   # younger loans do not train\n", "")
	require.Len(t, b.registry.versions, 2)
	require.Nil(t, found.Scores)
	require.False(t, found.OutcomesMeasured)
	require.Positive(t, found.SwappedIn.Rows.Count+found.SwappedOut.Rows.Count)
	var toApprove, toDecline int64
	for _, bucket := range out.Prediction.Buckets {
		toApprove += bucket.ToApprove
		toDecline += bucket.ToDecline
	}
	require.EqualValues(t, found.SwappedIn.Rows.Count, toApprove)
	require.EqualValues(t, found.SwappedOut.Rows.Count, toDecline)
}

// A version that has given up a column that may be missing, and whose source has it no more, is predicted as any other: the champion decides its rows as it
// decides requests without the column.
func TestPredictOfAVersionWithoutAColumnThatMayBeMissing(t *testing.T) {
	_, _, b := predicted(t, func(*pipeline.Spec) {},
		`  - {name: utilisation, type: number, min: 0, max: 2, missing_max: 0.12, unit: ratio, reason: "proportion of balances to credit limits too high"}`+"\n", "",
		"ignore: [", "ignore: [utilisation, ")
	newest, err := b.registry.Version(t.Context(), product, 2)
	require.NoError(t, err)
	rows, err := ReadTable(t.Context(), b.objects, test(newest))
	require.NoError(t, err)
	without("utilisation")(&rows)
	newest.Artifacts[artifact.Test], err = putTable(t.Context(), b.objects, rows)
	require.NoError(t, err)
	c := Comparison{Registry: b.registry, Objects: b.objects, Page: report.SwapSetHTML}
	before := b.registry.candidate(t, 1).Policy
	out, err := c.Predict(t.Context(), ComparisonInput{Candidate: b.registry.candidate(t, 2), Champion: serving.Track{Version: 1, Policy: before}})
	require.NoError(t, err)
	found, err := getJSON[swapset.Shift](t.Context(), b.objects, out.JSON)
	require.NoError(t, err)
	require.Equal(t, rows.Rows(), found.Rows)
	require.Zero(t, found.LeftOut)
	require.NotNil(t, out.Prediction)
}

// A change that is too large is refused in words, unless the spec allows more.
func TestPredictRefuses(t *testing.T) {
	out, _, _ := predicted(t, func(*pipeline.Spec) {}, "cutoff: 0.25", "cutoff: 0.05")
	require.Equal(t, swapset.Exceeds, out.Judged)
	require.Regexp(t, `^the approval rate would go from .* at most 10 points are allowed: let a person approve it`, out.Refused())
	out, _, _ = predicted(t, func(*pipeline.Spec) {}, "cutoff: 0.25", "cutoff: 0.05", "max_verdict_shift: 0.1", "max_verdict_shift: 1")
	require.Equal(t, swapset.Within, out.Judged)
}

// A champion that reads a column which the newest version's rows do not have predicts nothing, and that is no pass.
func TestPredictOnNoRows(t *testing.T) {
	b := newBench(t)
	b.spec.Source.Simulate.Rows = 1500
	version := b.train(t).version
	m, err := getModel(t.Context(), b.objects, version.Bundle)
	require.NoError(t, err)
	m.Encoder.Fields[0].Name, m.Contract.Fields[0].Name = "gone", "gone"
	bundle, err := m.Encode()
	require.NoError(t, err)
	version.Bundle, err = b.objects.Put(t.Context(), bundle, bundleType, "model")
	require.NoError(t, err)
	b.registry.versions = append([]registry.ModelVersion{version}, b.registry.versions...)
	candidate := b.registry.candidate(t, 2)
	c := Comparison{Registry: b.registry, Objects: b.objects, Page: report.SwapSetHTML}
	out, err := c.Predict(t.Context(), ComparisonInput{Candidate: candidate, Champion: serving.Track{Version: 1, Policy: candidate.Policy}})
	require.NoError(t, err)
	require.Equal(t, swapset.Undecided, out.Judged)
	require.Regexp(t, `^there are no rows to predict .*: let a person approve it \(deploy.approval: required\)$`, out.Refused(), "no limit is met by no rows")
}

// Outcomes are for people: where the newest rows have other labels than the spec has by now, all else is predicted without them.
func TestPredictWithoutOutcomesWhereTheLabelsAreOthers(t *testing.T) {
	_, _, b := predicted(t, func(*pipeline.Spec) {})
	b.respec(t, `positive: "1"`, `positive: bad`, `negative: "0"`, `negative: good`, "cutoff: 0.25", "cutoff: 0.3")
	candidate := b.registry.candidate(t, 1)
	c := Comparison{Registry: b.registry, Objects: b.objects, Page: report.SwapSetHTML}
	out, err := c.Predict(t.Context(), ComparisonInput{Candidate: candidate, Champion: serving.Track{Version: 1, Policy: candidate.Policy}})
	require.NoError(t, err)
	found, err := getJSON[swapset.Shift](t.Context(), b.objects, out.JSON)
	require.NoError(t, err)
	require.Positive(t, found.Rows)
	require.False(t, found.OutcomesMeasured)
}

// A number that the challenger's spec gives up is text in the newest rows: the champion still decides them.
func TestPredictOfAModelThatGivesANumberUp(t *testing.T) {
	given := "  - {name: inquiries_6m, type: number, min: 0, max: 50, unit: count, reason: \"number of recent inquiries on credit bureau report\"}\n"
	out, found, _ := predicted(t, func(*pipeline.Spec) {}, given, "", "ignore: [institution,", "ignore: [inquiries_6m, institution,")
	require.Greater(t, found.Rows, 100)
	require.Equal(t, swapset.Within, out.Judged, out.Change)
	require.NotContains(t, out.Change, "left out")
}

// A row that one side would refuse is one that clients of the other may send already: it says nothing of both, and hides none of the others.
func TestPredictLeavesOutWhatOneSideWouldRefuse(t *testing.T) {
	b := newBench(t)
	b.spec.Source.Simulate.Rows = 3000
	version := b.train(t).version
	m, err := getModel(t.Context(), b.objects, version.Bundle)
	require.NoError(t, err)
	const known = "bank"
	narrow := func(name string, levels []string) []string {
		if name == "institution_type" {
			return []string{known}
		}
		return levels
	}
	for i, f := range m.Encoder.Fields { // the champion knows one of the values
		m.Encoder.Fields[i].Levels = narrow(f.Name, f.Levels)
	}
	for i, f := range m.Contract.Fields {
		m.Contract.Fields[i].Domain = narrow(f.Name, f.Domain)
	}
	width := m.Encoder.Width()
	m.Coefficients, m.Background = m.Coefficients[:width], m.Background[:width]
	bundle, err := m.Encode()
	require.NoError(t, err)
	champion := version
	champion.Bundle, err = b.objects.Put(t.Context(), bundle, bundleType, "model")
	require.NoError(t, err)
	champion.Digest = champion.Bundle.SHA256
	version.Version = 2
	b.registry.versions = []registry.ModelVersion{champion, version}
	candidate := b.registry.candidate(t, 2)
	table, err := ReadTable(t.Context(), b.objects, test(version))
	require.NoError(t, err)
	both := 0
	for _, value := range table.Column("institution_type").Texts {
		if value == known {
			both++
		}
	}
	require.Positive(t, both)
	require.Less(t, both, table.Rows())

	c := Comparison{Registry: b.registry, Objects: b.objects, Page: report.SwapSetHTML}
	out, err := c.Predict(t.Context(), ComparisonInput{Candidate: candidate, Champion: serving.Track{Version: 1, Policy: candidate.Policy}})
	require.NoError(t, err)
	found, err := getJSON[swapset.Shift](t.Context(), b.objects, out.JSON)
	require.NoError(t, err)
	require.Equal(t, both, found.Rows)
	require.Contains(t, out.Change, fmt.Sprintf("; %d rows that one of the two would refuse left out", table.Rows()-both))
	require.Equal(t, table.Rows()-both, found.LeftOut)
}

// A champion that cleans a column otherwise than the newest rows were cleaned is held to what those rows say, in words and without a verdict of its
// own accord: the raw rows are not there to be cleaned its way. So is a candidate that is an older version.
func TestPredictTellsOfOtherCleaning(t *testing.T) {
	cleaned := func(s *pipeline.Spec) {
		s.Clean = []pipeline.CleanStep{{Case: &pipeline.Case{Columns: []string{"purpose", "institution_type"}, To: "lower"}}}
	}
	out, _, b := predicted(t, cleaned)
	require.Len(t, b.registry.versions, 2)
	require.Equal(t, []string{"institution_type", "purpose"}, out.Recleaned)
	require.Equal(t, swapset.Undecided, out.Judged)
	require.Contains(t, out.Refused(), "; that is of rows in which institution_type, purpose were cleaned otherwise than one of the two cleans them: let a person approve it (deploy.approval: required)")
	require.NotContains(t, out.Refused(), "max_verdict_shift", "no limit is met")
	page, err := b.objects.Get(t.Context(), out.HTML)
	require.NoError(t, err)
	require.Contains(t, string(page), "in these rows institution_type, purpose were cleaned otherwise")

	c := Comparison{Registry: b.registry, Objects: b.objects, Page: report.SwapSetHTML}
	first, second := b.registry.candidate(t, 1), b.registry.candidate(t, 2)
	out, err = c.Predict(t.Context(), ComparisonInput{Candidate: first, Champion: second.Track})
	require.NoError(t, err)
	require.Contains(t, out.Refused(), "were cleaned otherwise than one of the two cleans them")
	out, err = c.Predict(t.Context(), ComparisonInput{Candidate: second, Champion: second.Track})
	require.NoError(t, err)
	require.Empty(t, out.Recleaned)
	require.Empty(t, out.Refused())

	champion := Rival{Version: 1, Bundle: b.registry.versions[0].Bundle, Label: b.spec.Label}
	evaluate := func(version registry.ModelVersion) EvaluateOutput {
		evaluated, err := b.stages.Evaluation.Evaluate(t.Context(), EvaluateInput{
			Schema: version.Artifacts[artifact.Schema], Bundle: version.Bundle, Test: version.Artifacts[artifact.Test], Champion: &champion,
		})
		require.NoError(t, err)
		return evaluated
	}
	evaluated := evaluate(b.registry.versions[1])
	require.NotNil(t, evaluated.Champion)
	require.Contains(t, evaluated.Champion.Note, "in which institution_type, purpose were cleaned otherwise than it cleans them")
	require.Contains(t, evaluated.Summary(), "(in which institution_type, purpose were cleaned otherwise")
	require.Empty(t, evaluate(b.registry.versions[0]).Champion.Note)
}

// No applicant is in what a workflow's history holds: no text of any, and few enough bytes for counts.
func TestPredictOutputHoldsNoApplicant(t *testing.T) {
	out, _, b := predicted(t, func(*pipeline.Spec) {}, "cutoff: 0.25", "cutoff: 0.3")
	history, err := json.Marshal(out)
	require.NoError(t, err)
	require.Less(t, len(history), 8000)
	table, err := ReadTable(t.Context(), b.objects, test(b.registry.versions[0]))
	require.NoError(t, err)
	for _, column := range table.Columns {
		require.NotContains(t, string(history), column.Name)
		for _, value := range column.Texts[:min(len(column.Texts), 50)] {
			if len(value) > 3 {
				require.NotContains(t, string(history), value, column.Name)
			}
		}
		for _, value := range column.Floats[:min(len(column.Floats), 50)] {
			if text := strconv.FormatFloat(value, 'f', -1, 64); len(text) > 5 {
				require.NotContains(t, string(history), text, column.Name)
			}
		}
	}
}
