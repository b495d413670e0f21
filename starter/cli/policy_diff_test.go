package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/artifact/s3test"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// logOdds is a model whose score's log-odds are its one field plus the intercept.
func logOdds(t *testing.T, intercept float64) []byte {
	t.Helper()
	const field = "debt_to_income"
	bundle, err := (&model.Model{
		Name: "loan-eligibility", Contract: request.Contract{Fields: []request.Field{{Name: field, Type: pipeline.Number}}},
		Encoder:   transform.Encoder{Fields: []transform.Field{{Name: field, Type: pipeline.Number}}, Scales: []transform.Scale{{SD: 1}}},
		Intercept: intercept, Coefficients: []float64{1}, Background: []float64{0},
	}).Encode()
	require.NoError(t, err)
	return bundle
}

// scored are rows that logOdds without an intercept gives these scores.
func scored(t *testing.T, scores ...float64) dataset.Table {
	t.Helper()
	column := dataset.Column{Name: "debt_to_income", Kind: dataset.Float}
	for _, p := range scores {
		column.Floats = append(column.Floats, math.Log(p/(1-p)))
	}
	return dataset.Table{Columns: []dataset.Column{column}}
}

// stored registers a version with its bundle and its test part.
func stored(t *testing.T, p fakePlatform, r registry.Registry, bundle []byte, test dataset.Table) registry.ModelVersion {
	t.Helper()
	store, err := objects(t.Context(), p.settings)
	require.NoError(t, err)
	bundleRef, err := store.Put(t.Context(), bundle, "application/octet-stream", "bundle")
	require.NoError(t, err)
	var parquet bytes.Buffer
	require.NoError(t, dataset.WriteParquet(&parquet, test))
	part, err := store.Put(t.Context(), parquet.Bytes(), "application/vnd.apache.parquet", "parquet")
	require.NoError(t, err)
	rows := int64(test.Rows())
	manifest, err := dataset.Manifest{Columns: test.Fields(), Rows: rows, Parts: []dataset.Part{{SHA256: part.SHA256, Bytes: part.Bytes, Rows: rows}}}.Encode()
	require.NoError(t, err)
	testRef, err := store.Put(t.Context(), manifest, "application/vnd.loanops.dataset+json", "json")
	require.NoError(t, err)
	v, _, err := r.RegisterVersion(t.Context(), registry.ModelVersion{
		Name: "loan-eligibility", Digest: bundleRef.SHA256, Bundle: bundleRef, Meaning: pipeline.MeaningDefault, Hyperparameters: json.RawMessage("{}"),
		Artifacts: map[string]artifact.Ref{artifact.Bundle: bundleRef, artifact.Test: testRef}, Lineage: registry.Lineage{Dataset: strings.Repeat("d", 64)}, RunID: bundleRef.SHA256,
	})
	require.NoError(t, err)
	return v
}

// Wanted by hand: of ten scores three lie from 0.2 to the champion's cutoff and two from there to 0.3. The rows are the newest version's, the model and
// the policy the champion's: with another one of these every count is another.
func TestPolicyDiff(t *testing.T) {
	s3test.Start(t)
	p := newFakePlatform(t)
	r := p.registry(t)
	const history = `, reason: "length of credit history"`
	now, newest := respec(t, history, ""), respec(t, "cutoff: 0.25", "cutoff: 0.5")
	for _, spec := range []registry.PipelineSpec{now, newest} {
		require.NoError(t, r.PutPipeline(t.Context(), spec))
	}
	diff := func(spec registry.PipelineSpec, more ...string) (stdout, stderr string, code int) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "spec.yaml")
		require.NoError(t, os.WriteFile(file, spec.YAML, 0o600))
		return p.run(t, append([]string{"policy", "diff", "loan-eligibility", "--pipeline", file}, more...)...)
	}
	diffJSON := func(spec registry.PipelineSpec) policyDiff {
		t.Helper()
		stdout, stderr, code := diff(spec, "--output", "json")
		require.Equal(t, 0, code, stderr)
		var d policyDiff
		require.NoError(t, json.Unmarshal([]byte(stdout), &d))
		return d
	}
	_, stderr, code := diff(now)
	require.Equal(t, exitNotFound, code, "there is no version")
	require.Contains(t, stderr, "loan-eligibility has no champion yet")
	champion := stored(t, p, r, logOdds(t, 0), scored(t, 0.9))
	stored(t, p, r, logOdds(t, 9), scored(t, 0.1, 0.1, 0.22, 0.22, 0.22, 0.27, 0.27, 0.6, 0.6, 0.6))
	_, _, code = diff(now)
	require.Equal(t, exitNotFound, code, "none of the versions is champion")
	crown(t, r, champion, now.Policy.Digest)

	stricter := respec(t, "cutoff: 0.25", "cutoff: 0.2", "length of employment", "how long you have worked", `, reason: "the purpose of the loan"`, "")
	require.Equal(t, policyDiff{
		Model: "loan-eligibility", Version: champion.Version, From: now.Policy.Digest, To: stricter.Policy.Digest, Cutoff: &cutoffChange{From: 0.25, To: 0.2},
		Reasons: []reasonChange{
			{"credit_history_years", "", "length of credit history"}, {"employment_years", "length of employment", "how long you have worked"},
			{"purpose", "the purpose of the loan", ""},
		},
		Rows: 10, ApprovedBefore: 5, ApprovedAfter: 2, ToDecline: 3, Share: 0.3,
	}, diffJSON(stricter))
	stdout, stderr, code := diff(stricter)
	require.Equal(t, 0, code, stderr)
	head, table, _ := strings.Cut(stdout, "FIELD")
	require.Equal(t, fmt.Sprintf(`loan-eligibility version 1
policy %.12s to %.12s
cutoff 0.25 to 0.2

3 of the 10 newest labelled rows would be decided otherwise (30.0 %%):
  0 declined now would be approved
  3 approved now would be declined
approved: 5 now, 2 then

`, now.Policy.Digest, stricter.Policy.Digest), head)
	require.Regexp(t, `^ +REASON NOW +REASON THEN
credit_history_years +length of credit history
employment_years +length of employment +how long you have worked
purpose +the purpose of the loan *
$`, table)

	laxer := respec(t, history, "", "cutoff: 0.25", "cutoff: 0.3")
	require.Equal(t, policyDiff{
		Model: "loan-eligibility", Version: champion.Version, From: now.Policy.Digest, To: laxer.Policy.Digest, Cutoff: &cutoffChange{From: 0.25, To: 0.3},
		Reasons: []reasonChange{}, Rows: 10, ApprovedBefore: 5, ApprovedAfter: 7, ToApprove: 2, Share: 0.2,
	}, diffJSON(laxer))
	stdout, _, _ = diff(laxer)
	require.Contains(t, stdout, "  2 declined now would be approved\n  0 approved now would be declined\n")
	require.NotContains(t, stdout, "FIELD", "no text differs")

	same := diffJSON(now)
	require.Equal(t, policyDiff{
		Model: "loan-eligibility", Version: champion.Version, From: now.Policy.Digest, To: now.Policy.Digest, Reasons: []reasonChange{}, Rows: 10, ApprovedBefore: 5, ApprovedAfter: 5,
	}, same)
	stdout, _, _ = diff(now)
	require.True(t, strings.HasSuffix(stdout, "the policies are the same\n"), stdout)

	_, stderr, code = diff(respec(t, "name: loan-eligibility", "name: cards"))
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "is the spec of cards, not of loan-eligibility")
}

// Wanted by hand: rows by both verdicts, before and after.
func TestPolicyDiffCountsVerdictsEachWay(t *testing.T) {
	var before, after []decision.Decision
	for _, of := range []struct {
		rows     int
		was, now string
	}{{4, decision.Approve, decision.Approve}, {3, decision.Decline, decision.Approve}, {2, decision.Approve, decision.Decline}, {1, decision.Decline, decision.Decline}} {
		before = append(before, slices.Repeat([]decision.Decision{{Verdict: of.was}}, of.rows)...)
		after = append(after, slices.Repeat([]decision.Decision{{Verdict: of.now}}, of.rows)...)
	}
	var diff, none policyDiff
	require.NoError(t, diff.count(before, after))
	require.Equal(t, policyDiff{Rows: 10, ApprovedBefore: 6, ApprovedAfter: 7, ToApprove: 3, ToDecline: 2, Share: 0.5}, diff)
	require.NoError(t, none.count(nil, nil))
	require.Zero(t, none)
}
