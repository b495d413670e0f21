package pipeline_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
)

// The wanted values are what sha256sum says of the text in the comment, without a line's end.
func TestPolicyDigest(t *testing.T) {
	for cutoff, want := range map[float64]string{
		0.25:   "18f9fda985476933d6925e137fc59f0b0e823eed994e521cb6e1d818992579fe", // {"cutoff":0.25}
		0.5:    "52d2aff31efe75010bc480aa5bd5e2b70db29ddf35c4330fba231928a7f57956", // {"cutoff":0.5}
		0.0001: "180cb123c697440ff0a4ed244bfd8c25dce427c0be0e04bb6b12520a3bb792f6", // {"cutoff":0.0001}
		1e-7:   "ea82788ad5bd28dfecd9b4a9db8ac172fa1943b1e8bbcc232f51a24116465752", // {"cutoff":1e-7}
	} {
		require.Equal(t, want, pipeline.Policy{Cutoff: cutoff}.Digest(), cutoff)
	}
}

// However a file writes a policy, it is the same one; the rest of the spec is no part of it.
func TestPolicyDigestIsOfThePolicyAlone(t *testing.T) {
	digest := func(text string) string {
		spec, err := pipeline.Parse("x.yaml", []byte(text))
		require.NoError(t, err)
		return spec.Policy.Digest()
	}
	want := digest(small)
	require.Equal(t, want, digest(small+"policy: {cutoff: 0.5}\n"), "the default")
	require.Equal(t, want, digest(small+"policy:\n  cutoff: 5.0e-1\ndescription: another\n"))
	require.NotEqual(t, want, digest(small+"policy: {cutoff: 0.51}\n"))
}
func TestValidCutoff(t *testing.T) {
	t.Parallel()
	for _, v := range []float64{math.SmallestNonzeroFloat64, 0.25, 0.5, math.Nextafter(1, 0)} {
		require.True(t, pipeline.ValidCutoff(v), "%v", v)
	}
	for _, v := range []float64{0, math.Copysign(0, -1), 1, -0.1, 1.5, math.NaN(), math.Inf(1), math.Inf(-1)} {
		require.False(t, pipeline.ValidCutoff(v), "%v", v)
	}
}
