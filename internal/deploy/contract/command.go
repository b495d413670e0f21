package contract

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/drill"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image/reference"
)

// GoMemoryShare is the part of a track's memory that GOMEMLIMIT gets: the rest is for what Go's runtime does not count.
const GoMemoryShare = 0.95

// PredictorArgs are the arguments with which an image's loanops-api serves spec from a bundle and a policy document, both files. Where it listens is said
// by who starts it.
func PredictorArgs(spec TrackSpec, bundle, policy string) []string {
	return []string{
		"predictor",
		"--bundle", bundle,
		"--digest", spec.Digest,
		"--version", strconv.Itoa(spec.ModelVersion),
		"--policy", policy,
		"--policy-digest", spec.PolicyDigest,
		"--meaning", spec.Meaning,
	}
}

// PredictorEnv is the whole environment of a predictor: its limits and nothing inherited, so that no secret of the agent
// reaches the process that reads what callers send. The limits are those that Go's runtime heeds by itself, whatever else holds them.
func PredictorEnv(spec TrackSpec) []string {
	env := []string{
		fmt.Sprintf("GOMEMLIMIT=%dKiB", int64(float64(spec.MemoryMiB)*1024*GoMemoryShare)),
		fmt.Sprintf("GOMAXPROCS=%d", int64(math.Ceil(float64(spec.CPUMillis)/1000))),
	}
	if spec.Drill != "" {
		env = append(env, "LOANOPS_DRILL="+spec.Drill)
	}
	return env
}

// FeatureStore is where predictors ask what is known of applicants, beside what is sent.
type FeatureStore struct {
	// URL is that of its REST role; empty where there is none. KeyFile holds a key that may read there.
	URL, KeyFile string
}

// The variables by which a predictor is told of the feature store.
const (
	featuresVariable    = "LOANOPS_FEATURES"
	featuresKeyVariable = "LOANOPS_FEATURES_KEY_FILE"
)

// Env tells a predictor of it.
func (f FeatureStore) Env() []string {
	if f.URL == "" {
		return nil
	}
	return []string{featuresVariable + "=" + f.URL, featuresKeyVariable + "=" + f.KeyFile}
}

// FeatureStoreOf is what Env told.
func FeatureStoreOf(getenv func(string) string) FeatureStore {
	return FeatureStore{URL: getenv(featuresVariable), KeyFile: getenv(featuresKeyVariable)}
}

// The bounds of a track's limits. The lower ones are what an empty Go server needs to start at all.
const (
	minMemoryMiB, maxMemoryMiB = 16, 1 << 20
	minCPUMillis, maxCPUMillis = 10, 1_000_000
)

// Validate returns an Invalid fault that names every wrong field.
func (s TrackSpec) Validate() error {
	var wrong []string
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	check(s.ModelVersion >= 1, "model_version %d: want 1 or more", s.ModelVersion)
	check(isDigest(s.Digest), "digest: want 64 lower-case hexadecimal digits")
	check(s.BundleURI != "" && len(s.BundleURI) <= 2048, "bundle_uri: want 1 to 2048 characters")
	if _, err := reference.Parse(s.Image); err != nil {
		wrong = append(wrong, err.Error())
	}
	check(s.MemoryMiB >= minMemoryMiB && s.MemoryMiB <= maxMemoryMiB, "memory_mib %d: want %d to %d", s.MemoryMiB, minMemoryMiB, maxMemoryMiB)
	check(s.CPUMillis >= minCPUMillis && s.CPUMillis <= maxCPUMillis, "cpu_millis %d: want %d to %d", s.CPUMillis, minCPUMillis, maxCPUMillis)
	check(s.Meaning == "default" || s.Meaning == "approval", "meaning %q: want default or approval", s.Meaning)
	if _, err := decision.ReadPolicy([]byte(s.Policy), s.PolicyDigest); err != nil {
		wrong = append(wrong, "policy: "+err.Error())
	}
	if _, err := drill.Parse(s.Drill); err != nil {
		wrong = append(wrong, err.Error())
	}
	if len(wrong) > 0 {
		return fault.New(fault.Invalid, "track: %s", strings.Join(wrong, "; "))
	}
	return nil
}

func isDigest(text string) bool {
	return len(text) == 64 && strings.Trim(text, "0123456789abcdef") == ""
}

// ValidateWeights returns an Invalid fault unless the weights are whole percents of known slots that sum to 100.
func ValidateWeights(weights map[string]int) error {
	sum := 0
	for slot, weight := range weights {
		if slot != Blue && slot != Green {
			return fault.New(fault.Invalid, "weights: there is no slot %q; the slots are %s and %s", slot, Blue, Green)
		}
		if weight < 0 || weight > 100 {
			return fault.New(fault.Invalid, "weights: %s is %d, want 0 to 100", slot, weight)
		}
		sum += weight
	}
	if sum != 100 {
		return fault.New(fault.Invalid, "weights sum to %d, want 100", sum)
	}
	return nil
}
