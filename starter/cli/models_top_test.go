package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/registry"
)

// Wanted by hand: the best of each metric first, errors ascending, of equal ones the newer.
func TestTheBestVersionsFirst(t *testing.T) {
	var all []listedVersion
	for i, m := range []struct{ auc, brier float64 }{{0.71, 0.20}, {0.74, 0.22}, {0.74, 0.18}, {0.69, 0.18}} {
		v := listedVersion{ModelVersion: registry.ModelVersion{Name: "cards", Version: i + 1, Metrics: map[string]evaluate.Metric{
			"auc": {Estimate: m.auc}, "brier": {Estimate: m.brier}, "log_loss": {Estimate: m.brier},
		}}}
		all = append(all, v)
	}
	all = append(all, listedVersion{ModelVersion: registry.ModelVersion{Version: 5}}) // measures nothing
	for _, test := range []struct {
		by   ranking
		want []int
	}{
		{ranking{0, "auc"}, []int{3, 2, 1, 4, 5}},
		{ranking{2, "auc"}, []int{3, 2}},
		{ranking{9, "brier"}, []int{4, 3, 1, 2, 5}},
		{ranking{1, "log_loss"}, []int{4}},
	} {
		var got []int
		for _, v := range test.by.best(all) {
			got = append(got, v.Version)
		}
		require.Equal(t, test.want, got, test.by)
	}
}

func TestModelsListTop(t *testing.T) {
	p := newFakePlatform(t)
	r := p.registry(t)
	version(t, r, "cards", "a", 0.73)
	version(t, r, "cards", "b", 0.71)
	made, _, err := r.RegisterVersion(t.Context(), registry.ModelVersion{
		Name: "cards", Digest: strings.Repeat("c", 64), Meaning: "default", Hyperparameters: json.RawMessage(`{"l2":0.1,"iterations":7,"trials":[{"l2":1}]}`),
		Metrics: map[string]evaluate.Metric{"auc": {Estimate: 0.75, Lower: 0.74, Upper: 0.76}}, RunID: "run-c",
		Lineage: registry.Lineage{Dataset: strings.Repeat("d", 64), Rows: 1200, Code: registry.Code{Revision: strings.Repeat("e", 40), Go: "go1.26.8"}},
	})
	require.NoError(t, err)
	require.NoError(t, r.PutRun(t.Context(), endedRun("run-c")))

	stdout, stderr, code := p.run(t, "models", "list", "cards", "--top", "2")
	require.Equal(t, 0, code, stderr)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Regexp(t, `^MODEL +VERSION +ALIASES +AUC +95 % INTERVAL +ROWS +DATA +CODE +TOOK +TRIES$`, lines[0])
	require.Regexp(t, `^cards +3 +0\.7500 +0\.7400 to 0\.7600 +1200 +dddddddd +eeeeeeeeeeee +1m30s +4 of 2$`, lines[1])
	require.Regexp(t, `^cards +1 +0\.7300 .* – +0 of 0$`, lines[2])
	require.Equal(t, []string{"", "cards version 3: iterations 7, l2 0.1", "  ExtractData once in 1s, cached", "  TrainModel 3 times in 2s", "", "cards version 1: l2 0.1"}, lines[3:])
	for _, line := range lines[:3] {
		require.LessOrEqual(t, len([]rune(line)), helpColumns+20, line)
	}

	var shown []map[string]any
	stdout, _, code = p.run(t, "models", "list", "cards", "--by", "brier", "--output", "json")
	require.Equal(t, 0, code)
	require.NoError(t, json.Unmarshal([]byte(stdout), &shown))
	require.Len(t, shown, 3)
	require.InDelta(t, 3, shown[2]["version"], 0, "it has no Brier score")
	require.InDelta(t, float64(90*time.Second), shown[2]["took_ns"], 0)
	require.Len(t, shown[2]["steps"], 2)
	require.Equal(t, []any{}, shown[0]["steps"])
	lineage, is := shown[2]["lineage"].(map[string]any)
	require.True(t, is)
	require.Equal(t, map[string]any{"version": "", "revision": made.Lineage.Code.Revision, "modified": false, "go": "go1.26.8"}, lineage["code"])

	for _, args := range [][]string{{"--by", "luck"}, {"--top", "-1"}} {
		_, _, code = p.run(t, append([]string{"models", "list", "cards"}, args...)...)
		require.Equal(t, exitUsage, code, args)
	}
}
