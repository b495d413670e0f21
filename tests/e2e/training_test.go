package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
)

// Nothing can be learnt from shuffled labels: the gate must say so, and production must not change.
func TestShuffledLabelsAreRefused(t *testing.T) {
	champion := shared.champion(t)
	file := filepath.Join(t.TempDir(), "shuffled.csv")
	_, code := shared.run(t, "simulate", "--shuffle-labels", "--out", file)
	require.Equal(t, 0, code)

	var r result
	shared.runJSON(t, &r, 3, "ct", "start", name, "--data", file, "--wait")
	require.Equal(t, "refused", r.Verdict)
	require.NotEmpty(t, r.Reasons)
	found := regexp.MustCompile(`auc \(estimate ([0-9.]+)\)`).FindStringSubmatch(r.Reasons[0])
	require.NotNil(t, found, "reasons: %v", r.Reasons)
	value, err := strconv.ParseFloat(found[1], 64)
	require.NoError(t, err)
	require.InDelta(t, 0.5, value, 0.05)
	require.Equal(t, champion, shared.champion(t))
}

// The same rows give the same model, whether they come from a CSV file, a Parquet file or an object in the store. What became of them is known until the
// last day of the simulation: later, those that went well would still be missing among the outcomes that count.
func TestEveryFormOfDataGivesTheSameModel(t *testing.T) {
	dir := t.TempDir()
	var digests []string
	train := func(data string) result {
		var r result
		shared.runJSON(t, &r, 0, "ct", "start", name, "--data", data, "--as-of", "2026-06-30", "--register-only", "--wait")
		require.Equal(t, "registered", r.Verdict)
		digests = append(digests, r.Model.Digest)
		return r
	}
	for _, file := range []string{"applications.csv", "applications.parquet"} {
		path := filepath.Join(dir, file)
		_, code := shared.run(t, "simulate", "--rows", "8000", "--seed", "7", "--out", path)
		require.Equal(t, 0, code)
		train(shared.part(t, train(path).Model.Version))
	}
	require.Equal(t, []string{digests[0], digests[0], digests[0], digests[0]}, digests)
}

// part is where the one part of a version's dataset is in the store.
func (p *platform) part(t *testing.T, version int) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(p.save(t, strconv.Itoa(version)), "dataset.json"))
	require.NoError(t, err)
	manifest, err := dataset.DecodeManifest(data)
	require.NoError(t, err)
	require.Len(t, manifest.Parts, 1)
	digest := manifest.Parts[0].SHA256
	return "s3://" + p.mustEndpoints(t).Bucket + "/artifacts/sha256/" + digest[:2] + "/" + digest + ".parquet"
}

// Real data, where they are at hand: from the file to a version in production, with specs of their own.
func TestRealDataReachProduction(t *testing.T) {
	for _, test := range []struct {
		name, file string
		lower      float64 // AUC; a hash split with another seed moves it by 0.07 to either side
	}{
		{"av-loan-prediction", "av-loan-prediction/train.csv", 0.62},
		{"german-credit", "german-credit/german_credit.csv", 0.68},
	} {
		t.Run(test.name, func(t *testing.T) {
			file, err := filepath.Abs(filepath.Join("../../../shared/data", test.file))
			require.NoError(t, err)
			if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
				t.Skipf("%s is not here", test.file)
			}
			var r result
			shared.runJSON(t, &r, 0, "ct", "start", "--pipeline", filepath.Join("../specs", test.name+".yaml"), "--data", file, "--wait")
			require.Contains(t, []string{"bootstrapped", "promoted"}, r.Verdict)
			var model modelVersion
			shared.runJSON(t, &model, 0, "models", "show", test.name)
			require.Greater(t, model.Metrics["auc"].Estimate, test.lower)
			var answer decision
			shared.runJSON(t, &answer, 0, "decide", "--example", "--pipeline", test.name)
			require.Equal(t, r.Model.Digest, answer.Model.Digest)
		})
	}
}

// workflowHistory is a workflow's history, with its payloads as JSON.
func (p *platform) workflowHistory(t *testing.T, workflowID string) string {
	t.Helper()
	e := p.mustEndpoints(t)
	var history json.RawMessage
	get(t, e.TemporalHTTP+"/api/v1/namespaces/"+e.Namespace+"/workflows/"+workflowID+"/history?maximumPageSize=1000", &history)
	return string(history)
}

// Histories hold references and counts; an applicant's data stay in the object store and in memory.
func TestNoApplicantIsInAHistory(t *testing.T) {
	test := shared.testSet(t, shared.champion(t))
	ids := test.Column("application_id").Texts
	require.Greater(t, len(ids), 1000)
	for _, id := range []string{"training-" + name, "delivery-" + name} {
		history := shared.workflowHistory(t, id)
		require.Contains(t, history, `"`+name+`"`, "the payloads are readable")
		for field := range shared.example(t) {
			require.False(t, strings.Contains(history, `"`+field+`":`), "%s of an application is in the history of %s", field, id)
		}
		for _, application := range ids {
			require.False(t, strings.Contains(history, application), "an application's ID is in the history of %s", id)
		}
	}
}
