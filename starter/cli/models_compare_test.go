package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact/s3test"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
	"github.com/loanops/loanops/workflows"
)

// Two versions stand side by side: what they measure, and all in which they differ.
func TestModelsCompare(t *testing.T) {
	s3test.Start(t)
	p := newFakePlatform(t)
	store, err := objects(t.Context(), p.settings)
	require.NoError(t, err)
	reg, spec := p.registry(t), shipped(t)
	for i, limit := range []float64{5, 4} {
		yaml := []byte(strings.Replace(string(spec.YAML), "cutoff: 0.25", []string{"cutoff: 0.25", "cutoff: 0.2"}[i], 1))
		parsed, err := pipeline.Parse("loan-eligibility.yaml", yaml)
		require.NoError(t, err)
		registered := registry.NewPipelineSpec(parsed, yaml)
		require.NoError(t, reg.PutPipeline(t.Context(), registered))
		m := model.Model{
			Name: spec.Name, Encoder: transform.Encoder{Fields: []transform.Field{{Name: "dti", Type: pipeline.Number}}, Scales: []transform.Scale{{Mean: 1, SD: 2}}},
			Coefficients: []float64{0.75}, Background: []float64{0}, Contract: request.Contract{Fields: []request.Field{{Name: "dti", Type: pipeline.Number, Max: &limit}}},
		}
		bundle, err := m.Encode()
		require.NoError(t, err)
		ref, err := store.Put(t.Context(), bundle, "application/octet-stream", "model")
		require.NoError(t, err)
		_, _, err = reg.RegisterVersion(t.Context(), registry.ModelVersion{
			Name: spec.Name, Digest: ref.SHA256, Bundle: ref, Meaning: "default", Hyperparameters: json.RawMessage([]string{`{"l2":0.1}`, `{"l2":0.01}`}[i]),
			Metrics: map[string]evaluate.Metric{"auc": {Estimate: 0.7 + float64(i)/10, Lower: 0.69, Upper: 0.81}},
			Lineage: registry.Lineage{SpecDigest: registered.Digest, Dataset: strings.Repeat("d", 64), Schema: i + 1, Rows: 100},
		})
		require.NoError(t, err)
	}
	stdout, stderr, code := p.run(t, "models", "compare", spec.Name, "1", "2", "--output", "json")
	require.Equal(t, 0, code, stderr)
	var c map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(stdout), &c))
	require.JSONEq(t, `[{"path":"l2","a":"0.1","b":"0.01"}]`, string(c["hyperparameters"]))
	require.JSONEq(t, `[{"path":"fields[dti].max","a":"5","b":"4"}]`, string(c["features"]))
	require.Contains(t, strings.ToLower(string(c["spec"])), `policy.cutoff`)
	require.NotEqual(t, "[]", string(c["breaks"]))
	require.Contains(t, string(c["same_rows"]), "version 2 has no test part")
	require.JSONEq(t, "[]", string(c["paired"]))
	require.JSONEq(t, `"version 2 has no test part"`, string(c["paired_reason"]))
	require.NotContains(t, c, "paired_on")

	stdout, stderr, code = p.run(t, "models", "compare", spec.Name, "1", "2")
	require.Equal(t, 0, code, stderr)
	require.Regexp(t, `METRIC +VERSION 1 +VERSION 2 *\nauc +0\.7000 +0\.6900 to 0\.8100 +0\.8000 `, stdout)
	require.Regexp(t, `fields\[dti\]\.max +5 +4`, stdout)
	require.Contains(t, stdout, "requests that are good for version 1 would be refused by version 2:")
	_, _, code = p.run(t, "models", "compare", spec.Name, "1", "7")
	require.Equal(t, exitNotFound, code)
}

func TestEvaluationsAreRefusedBeforeTheyStart(t *testing.T) {
	p := newFakePlatform(t)
	version(t, p.registry(t), "cards", "a", 0.7)
	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"cards", exitUsage, "on which data? give --data URI"},
		{"cards --data x.csv --version 9", exitNotFound, "9"},
		{"cards --data x.csv", exitNotFound, `model "cards" has no "champion"`},
		{"cards --data x.csv --version 1", exitNotFound, `no pipeline "cards"`},
	} {
		_, stderr, code := p.run(t, append([]string{"models", "evaluate"}, strings.Fields(test.args)...)...)
		require.Equal(t, test.code, code, stderr)
		require.Contains(t, stderr, test.says)
	}
	var out bytes.Buffer
	require.NoError(t, (&app{out: &out, output: "text"}).result(workflows.Result{
		Verdict: workflows.Evaluated, Model: workflows.ModelRef{Name: "cards", Version: 1}, Reasons: []string{"3 rows have no outcome"},
		Evaluation: &workflows.Measured{Rows: 9, Positive: 2, Metrics: map[string]evaluate.Metric{"auc": {Estimate: 0.7, Lower: 0.6, Upper: 0.8}}},
	}))
	require.Equal(t, "evaluated: cards version 1\n  3 rows have no outcome\n\n9 rows, 2 with label 1\nMETRIC  ESTIMATE  95 % INTERVAL\nauc     0.7000    0.6000 to 0.8000\n", out.String())
}
