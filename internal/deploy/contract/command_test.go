package contract

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/fault"
)

func validSpec() TrackSpec {
	policy := decision.Policy{Cutoff: 0.5}
	return TrackSpec{
		ModelVersion: 1, PolicyDigest: policy.Digest(), Policy: string(policy.Document()), Digest: strings.Repeat("0a", 32), BundleURI: "s3://loanops/b",
		Image: "loanops-api@sha256:" + strings.Repeat("0b", 32), MemoryMiB: 128, CPUMillis: 500, Meaning: "default",
	}
}

func TestValidateNamesEveryWrongField(t *testing.T) {
	t.Parallel()
	require.NoError(t, validSpec().Validate())
	for _, drill := range []string{"", "delay=200ms", "delay=1m@3%", "crash_after=1", "errors=5%", "reject=0.5%", "hang=100%", "swap", "leak=8MiB"} {
		s := validSpec()
		s.Drill = drill
		require.NoError(t, s.Validate())
	}
	for field, spoil := range map[string]func(*TrackSpec){
		"model_version": func(s *TrackSpec) { s.ModelVersion = 0 },
		"policy":        func(s *TrackSpec) { s.PolicyDigest = "" },
		"digest":        func(s *TrackSpec) { s.Digest = strings.Repeat("0A", 32) },
		"bundle_uri":    func(s *TrackSpec) { s.BundleURI = "" },
		"image":         func(s *TrackSpec) { s.Image = "loanops-api:latest" },
		"memory_mib":    func(s *TrackSpec) { s.MemoryMiB = 15 },
		"cpu_millis":    func(s *TrackSpec) { s.CPUMillis = 0 },
		// Another cutoff under the policy's digest, as by somebody's own terraform apply.
		"it was changed": func(s *TrackSpec) { s.Policy = `{"cutoff":0.9}` },
		"meaning":        func(s *TrackSpec) { s.Meaning = "good" },
	} {
		s := validSpec()
		spoil(&s)
		err := s.Validate()
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
		require.ErrorContains(t, err, field)
	}
	for _, drill := range []string{"delay", "delay=", "delay=-1s", "delay=2m", "crash_after=0", "crash_after=x", "errors=5", "reject=0%", "hang=101%", "swap=1", "leak=8", "leak=2GiB", "explode=1"} {
		s := validSpec()
		s.Drill = drill
		require.ErrorContains(t, s.Validate(), "drill", drill)
	}
	err := TrackSpec{Drill: "x"}.Validate()
	for _, field := range []string{"model_version", "policy", "; digest", "bundle_uri", "image", "memory_mib", "cpu_millis", "meaning", "drill"} {
		require.ErrorContains(t, err, field)
	}
}

func TestPredictorCommand(t *testing.T) {
	t.Parallel()
	s := validSpec()
	require.Equal(t, []string{
		"predictor", "--bundle", "/b", "--digest", s.Digest, "--version", "1", "--policy", "/p", "--policy-digest", s.PolicyDigest,
		"--meaning", "default",
	}, PredictorArgs(s, "/b", "/p"))
	// 128 MiB x 1024 x 0.95 = 124,518.4 KiB; half a core is one thread at a time.
	require.Equal(t, []string{"GOMEMLIMIT=124518KiB", "GOMAXPROCS=1"}, PredictorEnv(s))
	s.CPUMillis, s.Drill = 1001, "crash_after=20"
	require.Equal(t, []string{"GOMEMLIMIT=124518KiB", "GOMAXPROCS=2", "LOANOPS_DRILL=crash_after=20"}, PredictorEnv(s))
}

// Weights that pass are whole percents of the two slots and sum to 100; all others do not pass.
func TestValidateWeights(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.MapOf(rapid.SampledFrom([]string{Blue, Green, "red", ""}), rapid.IntRange(-50, 150)).Draw(t, "weights")
		if rapid.Bool().Draw(t, "likely right") {
			blue := rapid.IntRange(-1, 101).Draw(t, "blue")
			weights = map[string]int{Blue: blue, Green: 100 - blue}
		}
		want := len(weights) > 0
		sum := 0
		for slot, weight := range weights {
			want = want && (slot == Blue || slot == Green) && weight >= 0
			sum += weight
		}
		want = want && sum == 100
		require.Equal(t, want, ValidateWeights(weights) == nil)
	})
}
