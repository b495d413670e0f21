package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/simulate"
)

func TestEveryDrillIsPlayed(t *testing.T) {
	t.Parallel()
	var known, played []string
	for _, d := range simulate.Drills[1:] {
		known = append(known, d.Name)
	}
	for _, d := range drills {
		played = append(played, d.name)
		require.NotEmpty(t, d.looks, d.name)
		require.NotEmpty(t, d.serves, d.name)
		require.LessOrEqual(t, d.within, d.looks[len(d.looks)-1], d.name)
	}
	require.Equal(t, known, played)
}

// Each look is wrong in one way alone.
func TestWhatIsWrongIsSaid(t *testing.T) {
	t.Parallel()
	decayed := finding{Kind: "performance", Statistic: "auc_change"}
	for name, test := range map[string]struct {
		last  looked
		delay int
		want  string
	}{
		"right":       {looked{Verdict: "retrain", Findings: []finding{decayed}}, 240, ""},
		"verdict":     {looked{Verdict: "alert", Findings: []finding{decayed}}, 240, "alert, and retrain is wanted"},
		"nothing":     {looked{Verdict: "nothing", Findings: []finding{decayed}}, 240, "nothing, and retrain is wanted"},
		"too early":   {looked{Verdict: "retrain", Findings: []finding{decayed}}, 90, "on day 90, and day 180 to 270 is wanted"},
		"too late":    {looked{Verdict: "retrain", Findings: []finding{decayed}}, 300, "on day 300, and day 180 to 270 is wanted"},
		"about what?": {looked{Verdict: "retrain", Findings: []finding{{Kind: "data_drift", Feature: "term_months"}}}, 240, "no finding of performance"},
	} {
		d := drill{name: "concept-change", verdict: "retrain", within: 270, notBefore: 180, kind: "performance"}
		s := &stage{drill: d, row: newRow(d)}
		s.row.Delay = test.delay
		s.judge(test.last)
		if test.want == "" {
			require.Empty(t, s.row.Wrong, name)
			continue
		}
		require.Len(t, s.row.Wrong, 1, name)
		require.Contains(t, s.row.Wrong[0], test.want, name)
	}
}

func TestATableTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := newRow(drills[0])
	r.found([]finding{{"data_drift", "annual_income", "psi"}, {"data_drift", "annual_income", "psi"}, {"prediction_drift", "", "psi"}, {"data_drift", "", "classifier_auc"}, {"schema", "purpose", "domain"}})
	require.Equal(t, []string{"annual_income psi", "the score psi", "classifier_auc", "purpose domain"}, r.Findings)
	r.Verdict, r.Delay, r.Serves, r.Requests, r.Failed, r.Wrong = "retrain", 10, 2, 900, 1, []string{"1 of 900 requests failed"}
	var out bytes.Buffer
	printTable(&out, []row{r})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 2)
	for _, want := range []string{"income-shock", "annual_income psi, the score psi, classifier_auc, 1 more", "retrain", "10 days", "version 2", "1 of 900", "1 of 900 requests failed"} {
		require.Contains(t, lines[1], want)
	}
}
