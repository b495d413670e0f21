package activities

import (
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/scoring"
	"github.com/loanops/loanops/internal/serving"
)

// loans are real ones, in batches by the year of approval, with models that were made of some.
type loans struct {
	*bench
	loaded PipelineOutput
	rows   [][]string
	folder string
}

func newLoans(t *testing.T) *loans {
	t.Helper()
	in, err := os.Open("../../shared/data/sba-national/sba_first22427.csv")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("sba-national is not here")
	}
	require.NoError(t, err)
	defer in.Close()
	l := &loans{bench: newBench(t), folder: t.TempDir()}
	l.rows, err = csv.NewReader(in).ReadAll()
	require.NoError(t, err)
	yaml, err := os.ReadFile("../tests/specs/sba-batches.yaml")
	require.NoError(t, err)
	l.spec, err = pipeline.Parse("sba-batches.yaml", yaml)
	require.NoError(t, err)
	l.loaded = l.bench.loaded(t, l.spec)
	return l
}

// of extracts the loans of years.
func (l *loans) of(t *testing.T, years string) artifact.Ref {
	t.Helper()
	approved := slices.Index(l.rows[0], "ApprovalDate")
	kept := [][]string{l.rows[0]}
	for _, row := range l.rows[1:] {
		if strings.Contains(years, row[approved][strings.LastIndex(row[approved], "/")+1:]) {
			kept = append(kept, row)
		}
	}
	file := filepath.Join(l.folder, years+".csv")
	out, err := os.Create(file)
	require.NoError(t, err)
	require.NoError(t, csv.NewWriter(out).WriteAll(kept))
	require.NoError(t, out.Close())
	extracted, err := l.stages.Extraction.Extract(t.Context(), ExtractInput{
		Schema: l.loaded.Schema.Ref, Source: l.loaded.Source, Limits: l.loaded.Limits, Data: file, KnownAt: l.known(),
	})
	require.NoError(t, err)
	return extracted.Dataset
}

// trained is a model of the loans of years as a training makes it, and its parts.
func (l *loans) trained(t *testing.T, years string) (decision.Decider, SplitOutput) {
	t.Helper()
	split, err := l.stages.Checking.Split(t.Context(), SplitInput{Schema: l.loaded.Schema.Ref, Dataset: l.of(t, years), Split: l.loaded.Split, KnownAt: l.known()})
	require.NoError(t, err)
	made, err := l.stages.Training.Train(t.Context(), TrainInput{Schema: l.loaded.Schema.Ref, Algorithm: l.loaded.Algorithm, Train: split.Train, Validation: split.Validation})
	require.NoError(t, err)
	m, err := getModel(t.Context(), l.objects, made.Bundle)
	require.NoError(t, err)
	return decision.Decider{Model: m, Meaning: l.spec.Label.Meaning, Policy: decision.PolicyOf(l.spec)}, split
}

// scored is what a look's step makes of rows; without labels where these are not to be known.
func (l *loans) scored(t *testing.T, by decision.Decider, rows artifact.Ref, known bool) monitor.Scored {
	t.Helper()
	table, err := ReadTable(t.Context(), l.objects, rows)
	require.NoError(t, err)
	c := &contest{spec: l.spec, deciders: []decision.Decider{by}}
	s, err := c.score(table, func(t dataset.Table) ([]float64, error) {
		if !known {
			return nil, nil
		}
		return labels(l.spec, t)
	})
	require.NoError(t, err)
	return s
}

// beside is the difference of AUC of a model from another one on the same rows.
func (l *loans) beside(t *testing.T, a, other decision.Decider, rows artifact.Ref) evaluate.Difference {
	t.Helper()
	table, err := ReadTable(t.Context(), l.objects, rows)
	require.NoError(t, err)
	y, err := labels(l.spec, table)
	require.NoError(t, err)
	p, err := scoring.Table(a.Model, table)
	require.NoError(t, err)
	q, err := scoring.Table(other.Model, table)
	require.NoError(t, err)
	differences, err := evaluate.Paired(y, q, p)
	require.NoError(t, err)
	return differences["auc"]
}

// Loans of 2004 train; those of 2005 and 2006 are another matter, and a look at their outcomes says so. Without these it cannot: the estimate is for loans
// that keep their promises. A model of 2005 is better on 2006; one of both years together is not, for six old loans come to a new one.
// docs/benchmarks.md has the numbers, and what they do not say.
func TestDecayOnRealData(t *testing.T) {
	l := newLoans(t)
	champion, parts := l.trained(t, "2004")
	reference := l.scored(t, champion, parts.Test, true)
	var before evaluate.Metric
	for _, year := range []string{"2005", "2006"} {
		rows := l.of(t, year)
		measured, err := monitor.Measure(monitor.Observed{
			Versions: []monitor.Version{{Track: serving.Track{Version: 1}}}, Reference: reference, Applicants: l.scored(t, champion, parts.Train, false),
			Outcomes: l.scored(t, champion, rows, true), Fresh: l.scored(t, champion, rows, false), Nth: 1,
		}, l.loaded.Monitor)
		require.NoError(t, err)
		found := measured.Findings(l.loaded.Monitor)
		require.Len(t, found, 1)
		require.Equal(t, monitor.AUCChange, found[0].Statistic)
		require.Less(t, *found[0].P, 0.01)
		before = measured.Realised.Overall.Metrics["auc"]
		estimated := measured.Estimated.Metrics["auc"]
		require.Less(t, before.Upper, estimated.Lower, "what scores promise is not kept")
		t.Logf("%s: judged %+v, realised %+v, estimated %+v; %s", year, measured.Judged.Metrics["auc"], before, estimated, found[0].Message)
	}
	young, _ := l.trained(t, "2005")
	both, ofBoth := l.trained(t, "2004-2005")
	t.Logf("2004 and 2005 beside the champion, on its test part: %+v", l.beside(t, both, champion, ofBoth.Test))
	helped, same := l.beside(t, young, champion, l.of(t, "2006")), l.beside(t, both, champion, l.of(t, "2006"))
	t.Logf("on 2006 beside the champion: 2005 alone %+v, 2004 and 2005 %+v", helped, same)
	require.Greater(t, helped.Lower, 0.05)
	require.Less(t, same.Upper, helped.Lower)
}

// Three lumps of loans are no stream: four quarters do not tell what a month costs, and the interval says so.
func TestCadenceOnRealData(t *testing.T) {
	l := newLoans(t)
	in := CadenceInput{
		Pipeline: l.spec.Name, Schema: l.loaded.Schema.Ref, Dataset: l.of(t, "2004-2005-2006"), Algorithm: l.loaded.Algorithm, Split: l.loaded.Split, KnownAt: l.known(), Tolerance: 0.01,
	}
	out, err := l.stages.Ageing.Measure(t.Context(), in)
	require.NoError(t, err)
	t.Log(out.Summary())
	require.Positive(t, out.LossPerMonth.Estimate)
	require.Negative(t, out.LossPerMonth.Lower)
	require.Contains(t, out.Note, "the loss is not known well")
}
