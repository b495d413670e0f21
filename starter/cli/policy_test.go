package cli

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// respec is the shipped spec with some of its text replaced.
func respec(t *testing.T, oldNew ...string) registry.PipelineSpec {
	t.Helper()
	yaml := strings.NewReplacer(oldNew...).Replace(string(shipped(t).YAML))
	spec, err := pipeline.Parse("loan-eligibility.yaml", []byte(yaml))
	require.NoError(t, err)
	return registry.NewPipelineSpec(spec, []byte(yaml))
}

// A champion decides under the first policy; then a spec was registered that only trains otherwise, one with another cutoff, and one with other words.
func TestPolicyShowAndHistory(t *testing.T) {
	p := newFakePlatform(t)
	r := p.registry(t)
	_, _, code := p.run(t, "policy", "show", "loan-eligibility")
	require.Equal(t, exitNotFound, code, "no spec is registered")

	first, strict, words := shipped(t), respec(t, "cutoff: 0.25", "cutoff: 0.2"), respec(t, "cutoff: 0.25", "cutoff: 0.2", "length of employment", "how long you have worked")
	for _, spec := range []registry.PipelineSpec{first, respec(t, "max_iterations: 300", "max_iterations: 200"), strict, words} {
		require.NoError(t, r.PutPipeline(t.Context(), spec))
	}
	_, stderr, code := p.run(t, "policy", "show", "loan-eligibility")
	require.Equal(t, 0, code, stderr)
	v := version(t, r, "loan-eligibility", "a", 0.7)
	next, err := serving.Record{Pipeline: "loan-eligibility", Environment: serving.Production}.Prepare(serving.Track{Version: v.Version, Policy: first.Policy.Digest}, "")
	for range 2 {
		require.NoError(t, err)
		next, err = r.TakeGeneration(t.Context(), next.By(serving.Author{Writer: "w", Actor: "ada", Reason: "why", Operation: string(next.Change)}))
		require.NoError(t, err)
		next, err = next.Promote()
	}

	var shownNow shownPolicy
	stdout, stderr, code := p.run(t, "policy", "show", "loan-eligibility", "--output", "json")
	require.Equal(t, 0, code, stderr)
	require.NoError(t, json.Unmarshal([]byte(stdout), &shownNow))
	require.Equal(t, first.Policy.Digest, shownNow.Digest, "what decides, not what was written last")
	require.Equal(t, []string{"champion"}, shownNow.Aliases)
	require.False(t, shownNow.Newest)
	require.JSONEq(t, string(first.Policy.Document), string(shownNow.Document))

	stdout, _, code = p.run(t, "policy", "show", "loan-eligibility", words.Policy.Digest[:10])
	require.Equal(t, 0, code)
	require.Contains(t, stdout, "(newest spec)")
	require.Contains(t, stdout, "cutoff 0.2\n")
	require.Regexp(t, `employment_years +how long you have worked`, stdout)
	_, stderr, code = p.run(t, "policy", "show", "loan-eligibility", "xyz")
	require.Equal(t, exitNotFound, code)
	require.Contains(t, stderr, "loanops policy history loan-eligibility")
	_, _, code = p.run(t, "policy", "show", "loan-eligibility", "")
	require.Equal(t, exitUsage, code, "every digest begins so")

	var all []shownPolicy
	stdout, stderr, code = p.run(t, "policy", "history", "loan-eligibility", "--output", "json")
	require.Equal(t, 0, code, stderr)
	require.NoError(t, json.Unmarshal([]byte(stdout), &all))
	require.Equal(t, []string{words.Policy.Digest, strict.Policy.Digest, first.Policy.Digest}, []string{all[0].Digest, all[1].Digest, all[2].Digest})
	require.Equal(t, []bool{true, false, false}, []bool{all[0].Newest, all[1].Newest, all[2].Newest})
	stdout, _, _ = p.run(t, "policy", "history", "loan-eligibility")
	require.Regexp(t, first.Policy.Digest[:12]+` .* 0\.25 +13 +champion`, stdout)
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
