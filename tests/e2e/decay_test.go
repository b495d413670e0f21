package e2e

import (
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const sba = "sba-batches"

// batches writes the loans of years into files of a folder, each named by its years.
func batches(t *testing.T, of ...string) (file func(years string) string) {
	t.Helper()
	in, err := os.Open("../../../shared/data/sba-national/sba_first22427.csv")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("sba-national is not here")
	}
	require.NoError(t, err)
	defer in.Close()
	rows, err := csv.NewReader(in).ReadAll()
	require.NoError(t, err)
	approved := slices.Index(rows[0], "ApprovalDate")
	folder := t.TempDir()
	file = func(years string) string { return filepath.Join(folder, years+".csv") }
	for _, years := range of {
		kept := [][]string{rows[0]}
		for _, row := range rows[1:] {
			if strings.Contains(years, row[approved][strings.LastIndex(row[approved], "/")+1:]) {
				kept = append(kept, row)
			}
		}
		out, err := os.Create(file(years))
		require.NoError(t, err)
		require.NoError(t, csv.NewWriter(out).WriteAll(kept))
		require.NoError(t, out.Close())
	}
	return file
}

// finding is what a look found.
type finding struct{ Kind, Feature, Statistic, Message string }

// Loans of 2004 train; those of 2005 and 2006 are another matter, and looks say so. What the new batch teaches helps on the next one; what it adds to
// the old one does not. docs/benchmarks.md has the numbers, and what they do not say.
func TestDecayOnRealData(t *testing.T) {
	t.Parallel()
	file := batches(t, "2004", "2005", "2006", "2004-2005", "2004-2005-2006")
	on := func(version int, year string) measured {
		var m measured
		shared.runJSON(t, &m, 0, "models", "evaluate", sba, "--version", strconv.Itoa(version), "--data", file(year))
		t.Logf("version %d on %s: %d rows, AUC %+v", version, year, m.Evaluation.Rows, m.Evaluation.Metrics["auc"])
		return m
	}
	train := func(years string, flags ...string) int {
		var made result
		shared.runJSON(t, &made, 0, append([]string{"ct", "start", "--data", file(years), "--wait"}, flags...)...)
		t.Logf("version %d, trained on %s: %s", made.Model.Version, years, strings.Join(made.Reasons, "; "))
		return made.Model.Version
	}
	champion := train("2004", "--pipeline", "../specs/"+sba+".yaml")
	for _, year := range []string{"2005", "2006"} {
		var looked struct {
			result
			Findings []finding
		}
		shared.runJSON(t, &looked, 3, "monitor", "start", sba, "--data", file(year), "--wait")
		t.Logf("look at %s: %s, %d findings", year, looked.Verdict, len(looked.Findings))
		require.Equal(t, "alert", looked.Verdict)
		kinds := map[string]bool{}
		for _, f := range looked.Findings {
			kinds[f.Kind] = true
			if f.Kind != "data_drift" {
				t.Log(f.Statistic, f.Message)
			}
		}
		require.True(t, kinds["performance"], "the champion is worse on %s than when it was judged", year)
		require.True(t, kinds["data_drift"])
	}
	require.Less(t, on(champion, "2005").Evaluation.Metrics["auc"].Estimate, 0.63)
	before := on(champion, "2006").Evaluation.Metrics["auc"]
	require.Less(t, before.Upper, 0.57)
	require.Greater(t, on(train("2005", sba, "--register-only"), "2006").Evaluation.Metrics["auc"].Lower, before.Upper, "what 2005 teaches helps on 2006")
	require.Less(t, on(train("2004-2005", sba, "--register-only"), "2006").Evaluation.Metrics["auc"].Lower, before.Upper, "six old loans to a new one do not")

	var cadence struct {
		result
		Cadence struct {
			RecommendedDays float64                                  `json:"recommended_days"`
			LossPerMonth    struct{ Estimate, Lower, Upper float64 } `json:"loss_per_month"`
		}
	}
	page := filepath.Join(t.TempDir(), "cadence.html")
	shared.runJSON(t, &cadence, 0, "monitor", "cadence", sba, "--data", file("2004-2005-2006"), "--html", page)
	t.Logf("%+v: %s", cadence.Cadence, strings.Join(cadence.Reasons, "; "))
	require.Equal(t, "evaluated", cadence.Verdict)
	require.Positive(t, cadence.Cadence.LossPerMonth.Estimate)
	require.FileExists(t, page)
	require.Contains(t, cadence.Artifacts, "cadence_html")
}
