// Package deploytest is a stand-in for loanops-api: a test binary that starts itself as a predictor.
package deploytest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/sha256hex"
)

// Behaviour is the content of a bundle; it tells the stand-in what to do.
type Behaviour struct {
	// Name makes bundles differ.
	Name string
	// Exit ends the process at once.
	Exit bool
	// Gate is a file that must exist before the predictor is ready.
	Gate string
	// ResidentMiB is how much memory it touches before it is ready.
	ResidentMiB int
	// SpinMicros is the CPU time that one decision burns.
	SpinMicros int
	// Status answers decisions; 0 means 200.
	Status int
}

// Main serves when this process was started as a predictor and returns otherwise. TestMain calls it first.
func Main() {
	if len(os.Args) > 1 && os.Args[1] == "predictor" {
		if err := serve(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// Spec writes a bundle with the behaviour into dir and returns a track that serves it as version.
func Spec(t testing.TB, dir string, version int, does Behaviour) contract.TrackSpec {
	t.Helper()
	does.Name = fmt.Sprint("version ", version)
	data, err := json.Marshal(does)
	require.NoError(t, err)
	digest := sha256hex.Of(data)
	path := filepath.Join(dir, digest)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	spec := contract.TrackSpec{
		ModelVersion: version, Digest: digest, BundleURI: "file://" + path,
		Image: Image, MemoryMiB: 100, CPUMillis: 1500, Meaning: "default",
	}
	Decide(&spec, Policy)
	return spec
}

// Policy is what tracks decide under.
var Policy = decision.Policy{Cutoff: 0.3}

// Decide puts the track under a policy.
func Decide(spec *contract.TrackSpec, policy decision.Policy) {
	spec.PolicyDigest, spec.Policy = policy.Digest(), string(policy.Document())
}

// Image is what tests' tracks run in; Programs knows no other.
const Image = "loanops-api@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// Program is this test binary, which plays loanops-api.
func Program(t testing.TB) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	return self
}

// Programs is where an agent finds the program of Image: this test binary.
func Programs(t testing.TB) func(context.Context, string) (string, []string, error) {
	program := Program(t)
	return func(_ context.Context, image string) (string, []string, error) {
		if image != Image {
			return "", nil, fault.New(fault.NotFound, "there is no image %s", image)
		}
		return program, nil, nil
	}
}

func serve(args []string) error {
	flag := func(name string) string { return args[slices.Index(args, name)+1] }
	data, err := os.ReadFile(flag("--bundle"))
	if err != nil {
		return err
	}
	var does Behaviour
	if err := json.Unmarshal(data, &does); err != nil {
		return err
	}
	if does.Exit {
		fmt.Fprintln(os.Stderr, "bundle says: exit")
		os.Exit(3)
	}
	memory := make([]byte, does.ResidentMiB<<20)
	for i := 0; i < len(memory); i += 4096 {
		memory[i] = 1
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", flag("--address"))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if does.Gate != "" {
			if _, err := os.Stat(does.Gate); err != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}
	})
	mux.HandleFunc("/v1/decisions", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for until := time.Now().Add(time.Duration(does.SpinMicros) * time.Microsecond); time.Now().Before(until); {
		}
		if does.Status != 0 {
			w.WriteHeader(does.Status)
		}
		_, _ = w.Write(memory[:0])
	})
	mux.HandleFunc("/features", func(w http.ResponseWriter, r *http.Request) {
		if err := askFeatures(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	})
	mux.HandleFunc("/reach", func(w http.ResponseWriter, r *http.Request) {
		there, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(r.Context(), "tcp", r.FormValue("address"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		_ = there.Close()
	})
	mux.HandleFunc("/environment", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(os.Environ()) })
	mux.HandleFunc("/arguments", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(args) })
	if slices.Contains(args, "--address-file") {
		if err := file.Write(flag("--address-file"), []byte("http://"+listener.Addr().String()), 0o600); err != nil {
			return err
		}
	}
	return http.Serve(listener, mux)
}

// askFeatures asks the feature store that the environment names, with the key that it names.
func askFeatures(ctx context.Context) error {
	store := contract.FeatureStoreOf(os.Getenv)
	key, err := os.ReadFile(store.KeyFile)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, store.URL, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+string(key))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}
