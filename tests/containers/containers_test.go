// Package containers runs predictors on a real container engine. `make containers` starts one if none answers.
package containers

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/deploy/measure"
	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/deploy/runtime/containers"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/image/imagetest"
)

// limit bounds every wait: far longer than anything takes, so that only a defect reaches it.
const limit = time.Minute

// bench is a runtime on a network of its own, and the image of the stand-in.
type bench struct {
	t       *testing.T
	engine  *client.Client
	config  containers.Config
	runtime *containers.Runtime
	image   string
	bundles string
}

func newBench(t *testing.T, features contract.FeatureStore) *bench {
	t.Helper()
	engine, err := client.New(client.FromEnv)
	require.NoError(t, err)
	registry := imagetest.Serve(t, true)
	made, err := image.Predictor(imagetest.Build(t, "github.com/loanops/loanops/internal/deploy/deploytest/standin", false))
	require.NoError(t, err)
	ref, err := registry.Push(t.Context(), made.Repository, made.Image, made.SBOM)
	require.NoError(t, err)
	b := &bench{
		t: t, engine: engine, image: ref.String(), bundles: t.TempDir(),
		config: containers.Config{Dir: t.TempDir(), Network: "loanops-test-" + strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-")), Archive: registry.Archive, Features: features},
	}
	b.open()
	t.Cleanup(func() {
		b.config.Features = contract.FeatureStore{} // a relay of the first is there still
		b.runtime.Close()
		b.open()
		left, err := b.runtime.Orphans(context.Background())
		require.NoError(t, err)
		for _, one := range left {
			one.Instance.Stop()
		}
		b.runtime.Close()
		_, err = engine.NetworkInspect(context.Background(), b.config.Network, client.NetworkInspectOptions{})
		require.Error(t, err, "nothing is left")
	})
	return b
}

func (b *bench) open() {
	b.t.Helper()
	var err error
	b.runtime, err = containers.Open(context.Background(), b.config)
	require.NoError(b.t, err)
}

func (b *bench) spec(version int, does deploytest.Behaviour) contract.TrackSpec {
	b.t.Helper()
	spec := deploytest.Spec(b.t, b.bundles, version, does)
	spec.Image = b.image
	return spec
}

// tail is a log that is read after its predictor has ended.
type tail struct{ strings.Builder }

func (*tail) Close() error { return nil }

var owner = runtime.Owner{Environment: contract.Production, Pipeline: "loan-eligibility", Slot: contract.Blue, Generation: 3}

func (b *bench) start(spec contract.TrackSpec, log io.WriteCloser) runtime.Instance {
	b.t.Helper()
	start, err := b.runtime.Bring(b.t.Context(), spec.Image)
	require.NoError(b.t, err)
	instance, err := start(b.t.Context(), runtime.Launch{Owner: owner, Spec: spec, Bundle: strings.TrimPrefix(spec.BundleURI, "file://"), Log: log})
	require.NoError(b.t, err)
	return instance
}

func (b *bench) get(of runtime.Instance, path string, into any) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), limit)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, of.URL()+path, nil)
		require.NoError(b.t, err)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			select {
			case <-of.Ended():
				b.t.Fatalf("it has ended: %v", of.Err())
			case <-ctx.Done():
				b.t.Fatal(err)
			case <-time.After(10 * time.Millisecond): // it is starting
			}
			continue
		}
		require.Equal(b.t, http.StatusOK, response.StatusCode)
		if into != nil {
			require.NoError(b.t, json.NewDecoder(response.Body).Decode(into))
		}
		require.NoError(b.t, response.Body.Close())
		return
	}
}

// The kernel says what a predictor may use; what it is not given it has not.
func TestAPredictorHasWhatThePlanGrantsAndNothingElse(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "must not reach a predictor")
	b := newBench(t, contract.FeatureStore{})
	spec := b.spec(1, deploytest.Behaviour{})
	predictor := b.start(spec, &tail{})
	b.get(predictor, "/readyz", nil)

	limits := cgroup(t, predictor.PID())
	require.Equal(t, spec.MemoryMiB<<20, limits.memory)
	require.InDelta(t, 1.5, limits.cpus, 1e-9)
	status, err := os.ReadFile("/proc/" + itoa(predictor.PID()) + "/status")
	require.NoError(t, err)
	for _, line := range []string{"CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", "Uid:\t65532\t65532"} {
		require.Contains(t, string(status), line)
	}
	mounts, err := os.ReadFile("/proc/" + itoa(predictor.PID()) + "/mounts")
	require.NoError(t, err)
	require.Regexp(t, `(?m)^\S+ / \S+ ro,`, string(mounts))

	var environ []string
	b.get(predictor, "/environment", &environ)
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		require.Contains(t, []string{"GOMEMLIMIT", "GOMAXPROCS", "PATH", "HOSTNAME", "HOME"}, name)
	}
	predictor.Stop()
	<-predictor.Ended()
	left, err := b.runtime.Orphans(t.Context())
	require.NoError(t, err)
	require.Empty(t, left)
}

// Predictors reach who shares their network and nobody else's.
func TestAPredictorReachesNoOtherNetwork(t *testing.T) {
	b := newBench(t, contract.FeatureStore{})
	predictor, beside := b.start(b.spec(1, deploytest.Behaviour{}), &tail{}), b.start(b.spec(1, deploytest.Behaviour{}), &tail{})
	var elsewhere runtime.Instance
	t.Run("other", func(t *testing.T) {
		other := newBench(t, contract.FeatureStore{})
		elsewhere = other.start(other.spec(1, deploytest.Behaviour{}), &tail{})
		other.get(elsewhere, "/readyz", nil)
		b.get(beside, "/readyz", nil)
		b.get(predictor, "/readyz", nil)
		for of, status := range map[runtime.Instance]int{beside: http.StatusOK, elsewhere: http.StatusBadGateway} {
			response, err := http.Get(predictor.URL() + "/reach?address=" + strings.TrimPrefix(of.URL(), "http://"))
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, status, response.StatusCode, of.URL())
		}
	})
}

// A predictor that wants more memory than its plan grants is killed by the kernel, and that is what is told.
func TestAPredictorIsKilledAtItsLimit(t *testing.T) {
	b := newBench(t, contract.FeatureStore{})
	predictor := b.start(b.spec(1, deploytest.Behaviour{ResidentMiB: 300}), &tail{})
	select {
	case <-predictor.Ended():
	case <-time.After(limit):
		t.Fatal("it lives with 300 MiB in 100")
	}
	require.EqualError(t, predictor.Err(), "killed at 100 MiB, the plan's limit")
	predictor.Stop()
}

// How a predictor ends by itself, and what it said last, is told.
func TestAPredictorThatEndsByItself(t *testing.T) {
	b := newBench(t, contract.FeatureStore{})
	log := &tail{}
	predictor := b.start(b.spec(1, deploytest.Behaviour{Exit: true}), log)
	<-predictor.Ended()
	require.EqualError(t, predictor.Err(), "its container ended with exit code 3")
	require.Contains(t, log.String(), "bundle says: exit")
	predictor.Stop()
}

// Who opens the network again finds what the one before left, with whose it is and what it runs; what has ended is removed.
func TestWhatAKilledAgentLeft(t *testing.T) {
	b := newBench(t, contract.FeatureStore{})
	spec := b.spec(1, deploytest.Behaviour{})
	first := b.start(spec, &tail{})
	b.get(first, "/readyz", nil)
	ended := b.start(b.spec(2, deploytest.Behaviour{Exit: true}), &tail{})
	<-ended.Ended()
	over := b.start(b.spec(3, deploytest.Behaviour{ResidentMiB: 300}), &tail{})
	<-over.Ended()

	b.runtime.Close()
	b.open()
	left, err := b.runtime.Orphans(t.Context())
	require.NoError(t, err)
	require.Len(t, left, 3)
	slices.SortFunc(left, func(a, b runtime.Orphan) int { return cmp.Compare(state(a), state(b)) })
	require.Equal(t, &runtime.OutOfMemory{LimitMiB: 100}, left[2].Instance.Err(), "how it ended while no agent was there")
	last := &tail{}
	left[1].Log(last, time.Time{})
	for _, over := range left[1:] {
		over.Instance.Stop()
	}
	require.Contains(t, last.String(), "bundle says: exit", "what it said last")
	log := &tail{}
	left[0].Log(log, time.Now())
	require.Equal(t, owner, left[0].Owner)
	wanted, err := b.runtime.Identify(spec)
	require.NoError(t, err)
	require.Equal(t, wanted, left[0].Identity)
	require.Equal(t, first.URL(), left[0].Instance.URL())
	require.Equal(t, first.PID(), left[0].Instance.PID())
	left[0].Instance.Stop()
	<-first.Ended()
	left, err = b.runtime.Orphans(t.Context())
	require.NoError(t, err)
	require.Empty(t, left)
}

// state orders what runs, what has ended and what was killed at its limit.
func state(of runtime.Orphan) int {
	var over *runtime.OutOfMemory
	select {
	case <-of.Instance.Ended():
		if errors.As(of.Instance.Err(), &over) {
			return 2
		}
		return 1
	default:
		return 0
	}
}

// An image is what its digest says, whatever else is given its name in the engine.
func TestANameInTheEngineSaysNothing(t *testing.T) {
	b := newBench(t, contract.FeatureStore{})
	spec := b.spec(1, deploytest.Behaviour{})
	b.get(b.start(spec, &tail{}), "/readyz", nil)
	other := imagetest.Serve(t, true)
	made, err := image.Predictor(imagetest.Build(t, imagetest.Hello, false))
	require.NoError(t, err)
	hello, err := other.Push(t.Context(), "loanops-hello", made.Image, made.SBOM)
	require.NoError(t, err)
	stranger, err := containers.Open(t.Context(), containers.Config{Network: b.config.Network, Dir: t.TempDir(), Archive: other.Archive})
	require.NoError(t, err)
	_, err = stranger.Bring(t.Context(), hello.String())
	require.NoError(t, err)
	name := strings.Replace(spec.Image, "@sha256:", ":", 1)
	_, err = b.engine.ImageTag(t.Context(), client.ImageTagOptions{Source: "loanops-hello:" + hello.Digest, Target: name})
	require.NoError(t, err)
	defer func() {
		for _, tag := range []string{name, "loanops-hello:" + hello.Digest} {
			_, _ = b.engine.ImageRemove(context.Background(), tag, client.ImageRemoveOptions{})
		}
	}()
	b.get(b.start(spec, &tail{}), "/readyz", nil)
	b.config.Dir = t.TempDir() // whoever knows nothing of it loads it
	b.open()
	b.get(b.start(spec, &tail{}), "/readyz", nil)
}

// A model is measured under the limits that it will serve under.
func TestDemandIsMeasuredInTheContainer(t *testing.T) {
	b := newBench(t, contract.FeatureStore{})
	spec := b.spec(1, deploytest.Behaviour{ResidentMiB: 50, SpinMicros: 500})
	start, err := b.runtime.Bring(t.Context(), spec.Image)
	require.NoError(t, err)
	run := func(spec contract.TrackSpec) measure.Config {
		return measure.Config{Start: start, Bundle: strings.TrimPrefix(spec.BundleURI, "file://"), Spec: spec, Applications: []map[string]any{{"income": 1}}, Decisions: 500}
	}
	demand, err := measure.Run(t.Context(), run(spec))
	require.NoError(t, err)
	t.Logf("%+v", demand)
	require.InDelta(t, 60, demand.ResidentMiB, 12, "50 MiB and an empty Go server")
	require.Greater(t, demand.CPUMicrosPerDecision, 300.0)
	require.Less(t, demand.CPUMicrosPerDecision, 5000.0)

	_, err = measure.Run(t.Context(), run(b.spec(2, deploytest.Behaviour{ResidentMiB: 300})))
	require.Equal(t, fault.Refused, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "killed at 100 MiB, the plan's limit")
}

// A feature store on this machine's loopback is reached by the relay, with the key that predictors read.
func TestAFeatureStoreOnLoopback(t *testing.T) {
	asked := make(chan string, 1)
	store := http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Header.Get("Authorization") })}
	listener := listenLoopback(t)
	go func() { _ = store.Serve(listener) }()
	t.Cleanup(func() { _ = store.Close() })
	key := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(key, []byte("a reader's key"), 0o600))
	b := newBench(t, contract.FeatureStore{URL: "http://" + listener.Addr().String(), KeyFile: key})
	predictor := b.start(b.spec(1, deploytest.Behaviour{}), &tail{})
	defer predictor.Stop()
	b.get(predictor, "/features", nil)
	require.Equal(t, "Bearer a reader's key", <-asked)
}

// Predictors are put into no network that leads elsewhere.
func TestANetworkThatIsNotInternalIsRefused(t *testing.T) {
	b := newBench(t, contract.FeatureStore{})
	name := b.config.Network + "-open"
	_, err := b.engine.NetworkCreate(t.Context(), name, client.NetworkCreateOptions{Driver: "bridge"})
	require.NoError(t, err)
	defer func() {
		_, err := b.engine.NetworkRemove(context.Background(), name, client.NetworkRemoveOptions{})
		require.NoError(t, err)
	}()
	_, err = containers.Open(t.Context(), containers.Config{Network: name})
	require.Equal(t, fault.Refused, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "--internal")
}
