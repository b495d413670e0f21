package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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

// crown makes a version the champion, under a registered policy.
func crown(t *testing.T, r registry.Registry, v registry.ModelVersion, policy string) {
	t.Helper()
	next, err := serving.Record{Pipeline: v.Name, Environment: serving.Production}.Prepare(serving.Track{Version: v.Version, Policy: policy}, "")
	for range 2 {
		require.NoError(t, err)
		next, err = r.TakeGeneration(t.Context(), next.By(serving.Author{Writer: "w", Actor: "ada", Reason: "why", Operation: string(next.Change)}))
		require.NoError(t, err)
		next, err = next.Promote()
	}
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
	crown(t, r, v, first.Policy.Digest)

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
