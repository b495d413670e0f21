package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/problem"
)

// TestMain is also a plugin whose parent dies, see TestOrphanEnds.
func TestMain(m *testing.M) {
	switch os.Getenv("LOANOPS_TEST_ROLE") {
	case "parent":
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "LOANOPS_TEST_ROLE=plugin")
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			os.Exit(2)
		}
		_, _ = io.Copy(io.Discard, os.Stdin) // until the test lets it die
		os.Exit(0)
	case "plugin":
		parent := os.Getppid()
		_, _ = os.Stdout.WriteString("started\n")
		exitWithParent(parent)
	}
	os.Exit(m.Run())
}

// The plugin holds the pipe open as long as it lives, so the pipe's end is the plugin's.
func TestOrphanEnds(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "LOANOPS_TEST_ROLE=parent")
	parent.Stdout = writer
	hold, err := parent.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	require.NoError(t, writer.Close())
	started := make([]byte, len("started\n"))
	_, err = io.ReadFull(reader, started)
	require.NoError(t, err)
	require.NoError(t, hold.Close())
	require.NoError(t, parent.Wait())
	require.NoError(t, reader.SetReadDeadline(time.Now().Add(30*time.Second)))
	_, err = reader.Read(make([]byte, 1))
	require.True(t, errors.Is(err, io.EOF), "the orphan lives on: %v", err)
}

func TestSchemasAreValid(t *testing.T) {
	t.Parallel()
	server, err := providerserver.NewProtocol6WithError(newProvider())()
	require.NoError(t, err)
	schema, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	require.NoError(t, err)
	require.Empty(t, schema.Diagnostics)
	require.Contains(t, schema.ResourceSchemas, "loanops_predictor_track")
	require.Contains(t, schema.ResourceSchemas, "loanops_route")
	for _, each := range newProvider().Resources(t.Context()) {
		var response resource.SchemaResponse
		each().Schema(t.Context(), resource.SchemaRequest{}, &response)
		require.False(t, response.Schema.ValidateImplementation(t.Context()).HasError())
		for name, attribute := range response.Schema.Attributes {
			require.NotEmpty(t, attribute.GetDescription(), name)
		}
	}
	var response provider.SchemaResponse
	newProvider().Schema(t.Context(), provider.SchemaRequest{}, &response)
	require.False(t, response.Schema.ValidateImplementation(t.Context()).HasError())
}

// What is put and what is read back is the same for every field of a spec.
func TestTrackModelRoundTrip(t *testing.T) {
	t.Parallel()
	spec := contract.TrackSpec{
		ModelVersion: 3, PolicyDigest: "p", Digest: "d", BundleURI: "s3://b/k", Image: "loanops-api@sha256:0a", MemoryMiB: 128, CPUMillis: 500, Policy: `{"cutoff":0.30000000000000004}`, Meaning: "approval", Drill: "delay=1s",
	}
	model := trackModel{Environment: types.StringValue("staging"), Pipeline: types.StringValue("loans"), Slot: types.StringValue("blue")}
	model.take(contract.Track{Spec: spec, State: contract.TrackReady, URL: "http://127.0.0.1:1"})
	require.Equal(t, spec, model.spec())
	require.Equal(t, "staging/loans/blue", model.ID.ValueString())
	require.True(t, model.Running.ValueBool())
	for _, state := range []contract.TrackState{contract.TrackFailed, contract.TrackStarting} {
		model.take(contract.Track{Spec: spec, State: state})
		require.False(t, model.Running.ValueBool(), state)
	}
}

// A plan says whether the kernel will hold the track to its limits, before anything is applied.
func TestThePlanSaysHowATrackWillRun(t *testing.T) {
	t.Parallel()
	agent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(contract.Health{Status: "ok", Runtime: contract.Docker})
	}))
	defer agent.Close()
	r := &trackResource{target{contract.NewAgentClient(agent.URL, "token"), 1}}
	var described resource.SchemaResponse
	r.Schema(t.Context(), resource.SchemaRequest{}, &described)
	plan := tfsdk.Plan{Schema: described.Schema, Raw: tftypes.NewValue(described.Schema.Type().TerraformType(t.Context()), nil)}
	destroyed := resource.ModifyPlanResponse{Plan: plan}
	r.ModifyPlan(t.Context(), resource.ModifyPlanRequest{Plan: plan}, &destroyed)
	require.True(t, destroyed.Plan.Raw.IsNull())

	require.Empty(t, plan.SetAttribute(t.Context(), path.Root("slot"), "blue"))
	planned := resource.ModifyPlanResponse{Plan: plan}
	r.ModifyPlan(t.Context(), resource.ModifyPlanRequest{Plan: plan}, &planned)
	require.Empty(t, planned.Diagnostics)
	var runtime string
	require.Empty(t, planned.Plan.GetAttribute(t.Context(), path.Root("runtime"), &runtime))
	require.Equal(t, "docker", runtime)

	agent.Close()
	r.ModifyPlan(t.Context(), resource.ModifyPlanRequest{Plan: plan}, &planned)
	require.Contains(t, planned.Diagnostics.Errors()[0].Summary(), "[unavailable]")
}

// The agent is content when there is nothing to delete. Who answers that something was not found is another program at its address, and
// what it was asked to delete may still run.
func TestDeletionThatIsNotFoundIsAFault(t *testing.T) {
	t.Parallel()
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_ = json.NewEncoder(w).Encode(problem.New(http.StatusNotFound, "there is no such resource"))
	}))
	defer stranger.Close()
	at := target{contract.NewAgentClient(stranger.URL, "token"), 1}
	for _, r := range []resource.Resource{&trackResource{at}, &routeResource{at}} {
		var described resource.SchemaResponse
		r.Schema(t.Context(), resource.SchemaRequest{}, &described)
		state := tfsdk.State{Schema: described.Schema, Raw: tftypes.NewValue(described.Schema.Type().TerraformType(t.Context()), nil)}
		for name, value := range map[string]string{"environment": "staging", "pipeline": "loans"} {
			require.Empty(t, state.SetAttribute(t.Context(), path.Root(name), value))
		}
		response := resource.DeleteResponse{State: state}
		r.Delete(t.Context(), resource.DeleteRequest{State: state}, &response)
		require.Len(t, response.Diagnostics.Errors(), 1, "%T", r)
		require.Contains(t, response.Diagnostics.Errors()[0].Summary(), "cannot be removed [not_found]")
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "provider")
	out, err := exec.CommandContext(context.Background(), "go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	out, err = exec.Command(binary, "--help").CombinedOutput()
	require.NoError(t, err)
	require.Contains(t, string(out), address)
	require.Contains(t, string(out), "-debug")
}
