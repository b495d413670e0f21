package containers

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/runtime"
)

var launch = runtime.Launch{
	Owner: runtime.Owner{Environment: "production", Pipeline: "loan-eligibility", Slot: "green", Generation: 7},
	Spec:  contract.TrackSpec{ModelVersion: 3, Digest: "d", Policy: "{}", PolicyDigest: "p", MemoryMiB: 128, CPUMillis: 500, Meaning: "default"},
}

// The engine is told the plan's limits, in its units: bytes, no swap on top, billionths of a core. With what else a container may do and is.
func TestAContainerIsMadeAsThePlanGrants(t *testing.T) {
	t.Parallel()
	r := &Runtime{network: "predictors", cores: 2}
	made := r.options("loanops-api:0123", launch, contract.FeatureStore{URL: "http://features:8095", KeyFile: "/run/secrets/key"})
	tasks := int64(512)
	require.Equal(t, container.Resources{Memory: 134217728, MemorySwap: 134217728, NanoCPUs: 500_000_000, PidsLimit: &tasks}, made.HostConfig.Resources)
	require.Equal(t, []string{"ALL"}, made.HostConfig.CapDrop)
	require.Empty(t, made.HostConfig.CapAdd)
	require.Equal(t, []string{"no-new-privileges:true"}, made.HostConfig.SecurityOpt, "the engine's own seccomp profile")
	require.True(t, made.HostConfig.ReadonlyRootfs)
	require.False(t, made.HostConfig.Privileged)
	require.Empty(t, made.HostConfig.Binds, "nothing of this machine's is in it")
	require.EqualValues(t, "predictors", made.HostConfig.NetworkMode)
	require.EqualValues(t, "no", made.HostConfig.RestartPolicy.Name, "the agent decides")
	require.Equal(t, "65532:65532", made.Config.User)
	require.Equal(t, "loanops-api:0123", made.Config.Image)
	require.Equal(t, []string{
		"GOMEMLIMIT=124518KiB", "GOMAXPROCS=1", "LOANOPS_FEATURES=http://features:8095", "LOANOPS_FEATURES_KEY_FILE=/run/loanops/features.key",
	}, made.Config.Env)
	require.Equal(t, map[string]string{
		"dev.loanops.environment": "production", "dev.loanops.pipeline": "loan-eligibility", "dev.loanops.slot": "green", "dev.loanops.generation": "7",
		"dev.loanops.made": "m", "dev.loanops.decides": "d",
	}, ownerLabels(launch.Owner, runtime.Identity{Made: "m", Decides: "d"}))
	require.Regexp(t, `^predictors-production-loan-eligibility-green-[0-9a-f]{8}$`, made.Name)
}

// Nobody finds what is only measured, and would take it for a track.
func TestWhatIsMeasuredIsNobodys(t *testing.T) {
	t.Parallel()
	of := launch
	of.Owner = runtime.Owner{}
	made := (&Runtime{network: "predictors", cores: 2}).options("loanops-api:0123", of, contract.FeatureStore{})
	require.Equal(t, map[string]string{"dev.loanops.network": "predictors"}, made.Config.Labels)
	require.Equal(t, []string{"GOMEMLIMIT=124518KiB", "GOMAXPROCS=1"}, made.Config.Env)
	_, owned := orphanOf(container.Summary{Labels: made.Config.Labels})
	require.False(t, owned)
}

// A plan may grant more cores than the machine has; an engine refuses that.
func TestMoreCoresThanThereAre(t *testing.T) {
	t.Parallel()
	of := launch
	of.Spec.CPUMillis = 4000
	require.EqualValues(t, 2e9, (&Runtime{cores: 2}).options("i", of, contract.FeatureStore{}).HostConfig.NanoCPUs)
}

// What is made otherwise is another container, whatever differs: limits, the feature store, or its key, which is in no variable. What decides in it is the same.
func TestWhatMakesAContainerAnother(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(key, []byte("a key"), 0o600))
	r := &Runtime{network: "predictors", cores: 2, features: contract.FeatureStore{URL: "http://features:8095", KeyFile: key}}
	first, err := r.Identify(launch.Spec)
	require.NoError(t, err)
	again, err := r.Identify(launch.Spec)
	require.NoError(t, err)
	require.Equal(t, first, again)
	larger := launch.Spec
	larger.MemoryMiB++
	elsewhere := &Runtime{network: "predictors", cores: 2, features: contract.FeatureStore{URL: "http://other:8095", KeyFile: key}}
	for what, identify := range map[string]func() (runtime.Identity, error){
		"the limit": func() (runtime.Identity, error) { return r.Identify(larger) },
		"the store": func() (runtime.Identity, error) { return elsewhere.Identify(launch.Spec) },
		"the key": func() (runtime.Identity, error) {
			require.NoError(t, os.WriteFile(key, []byte("another"), 0o600))
			return r.Identify(launch.Spec)
		},
	} {
		other, err := identify()
		require.NoError(t, err)
		require.NotEqual(t, first.Made, other.Made, what)
		require.Equal(t, first.Decides, other.Decides, what)
		require.NoError(t, os.WriteFile(key, []byte("a key"), 0o600))
	}
	drilled := launch.Spec
	drilled.Drill = "errors=5%"
	other, err := r.Identify(drilled)
	require.NoError(t, err)
	require.NotEqual(t, first.Decides, other.Decides)
}

// What a predictor reads belongs to its user, who may change none of it; the key of the feature store is among it and in no variable.
func TestWhatIsPutIntoAContainer(t *testing.T) {
	t.Parallel()
	of := launch
	dir := t.TempDir()
	of.Bundle = filepath.Join(dir, "bundle")
	key := filepath.Join(dir, "key")
	require.NoError(t, os.WriteFile(of.Bundle, []byte("a model"), 0o600))
	require.NoError(t, os.WriteFile(key, []byte("a key"), 0o600))
	packed, err := pack(of, contract.FeatureStore{KeyFile: key})
	require.NoError(t, err)
	found := map[string]string{}
	r := tar.NewReader(packed)
	for {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		require.EqualValues(t, 0o400, header.Mode)
		require.Equal(t, [2]int{65532, 65532}, [2]int{header.Uid, header.Gid})
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		found[header.Name] = string(data)
	}
	require.Equal(t, map[string]string{"bundle": "a model", "policy.json": "{}", "features.key": "a key"}, found)
	_, err = pack(of, contract.FeatureStore{KeyFile: filepath.Join(dir, "none")})
	require.ErrorContains(t, err, "LOANOPS_FEATURES_KEY_FILE")
}

func TestMemoryThatCannotBeTakenBack(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		of   container.MemoryStats
		want int64
	}{
		"cgroup v1":      {container.MemoryStats{Usage: 100, Stats: map[string]uint64{"total_inactive_file": 30, "inactive_file": 5}}, 70},
		"cgroup v2":      {container.MemoryStats{Usage: 100, Stats: map[string]uint64{"inactive_file": 40}}, 60},
		"nothing known":  {container.MemoryStats{Usage: 100}, 100},
		"read in a turn": {container.MemoryStats{Usage: 10, Stats: map[string]uint64{"inactive_file": 40}}, 10},
	} {
		require.Equal(t, test.want, held(test.of), name)
	}
}

func TestAStoreOnLoopbackNeedsARelay(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"http://127.0.0.1:8095": true, "http://localhost:8095": true, "http://[::1]:8095": true, "": false, "http://features:8095": false, "http://10.0.0.1": false,
	} {
		require.Equal(t, want, isLoopback(address), address)
	}
}
