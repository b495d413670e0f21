package terraform_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/deploy/deploytest/agenttest"
	"github.com/loanops/loanops/internal/deploy/measure"
	"github.com/loanops/loanops/internal/deploy/runtime/processes"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/image/imagetest"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// realAPI builds loanops-api and a model bundle of one field, and returns a track that serves it in the program's image, and where that image's
// program is found: in a registry.
func realAPI(t *testing.T) (programs agenttest.Programs, spec contract.TrackSpec) {
	t.Helper()
	made, err := image.Predictor(imagetest.Build(t, "github.com/loanops/loanops/api", false))
	require.NoError(t, err)
	registry := imagetest.Serve(t, true)
	ref, err := registry.Push(t.Context(), made.Repository, made.Image, made.SBOM)
	require.NoError(t, err)
	m := &model.Model{
		Name:     agenttest.Pipeline,
		Contract: request.Contract{Fields: []request.Field{{Name: "debt", Type: pipeline.Number}}},
		Encoder: transform.Encoder{
			Fields: []transform.Field{{Name: "debt", Type: pipeline.Number}},
			Scales: []transform.Scale{{Mean: 1, SD: 1}},
		},
		Intercept: -1, Coefficients: []float64{2}, Background: []float64{0},
	}
	data, err := m.Encode()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "model.bundle")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	spec = contract.TrackSpec{
		ModelVersion: 1, Digest: model.Digest(data), BundleURI: "file://" + path, Image: ref.String(), MemoryMiB: 128, CPUMillis: 500, Meaning: "default",
	}
	deploytest.Decide(&spec, decision.Policy{Cutoff: 0.5})
	return (&image.Store{Dir: filepath.Join(t.TempDir(), "images"), Registry: registry.Registry}).Program, spec
}

func TestRealPredictorIsMeasuredFitsAndServes(t *testing.T) {
	t.Parallel()
	programs, spec := realAPI(t)
	start, err := (&processes.Runtime{Program: programs}).Bring(t.Context(), spec.Image)
	require.NoError(t, err)
	demand, err := measure.Run(t.Context(), measure.Config{
		Start: start, Bundle: strings.TrimPrefix(spec.BundleURI, "file://"), Spec: spec,
		Applications: []map[string]any{{"debt": 3.5}},
	})
	require.NoError(t, err)
	t.Logf("%+v", demand)
	require.Empty(t, capacity.Fit(capacity.Grant{MemoryMiB: 128, CPUMillis: 500}, demand, 50))
	require.Len(t, capacity.Fit(capacity.Grant{MemoryMiB: 8, CPUMillis: 500}, demand, 50), 1, "no Go server fits in 8 MiB")

	b := newBenchOf(t, programs)
	b.apply(desired(&spec, nil, 100))
	response, err := http.Post(b.Actual().Tracks["blue"].URL+"/v1/decisions", "application/json", strings.NewReader(`{"debt": 3.5}`))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "1", response.Header.Get("LoanOps-Model-Version"))
}
