package main

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/loanops/loanops/internal/deploy/contract"
)

// trackResource is loanops_predictor_track: one model version under one policy in one slot of an environment.
type trackResource struct{ agent target }

// trackModel is its state.
type trackModel struct {
	ID           types.String `tfsdk:"id"`
	Pipeline     types.String `tfsdk:"pipeline"`
	Environment  types.String `tfsdk:"environment"`
	Slot         types.String `tfsdk:"slot"`
	ModelVersion types.Int64  `tfsdk:"model_version"`
	PolicyDigest types.String `tfsdk:"policy_digest"`
	Policy       types.String `tfsdk:"policy"`
	Digest       types.String `tfsdk:"digest"`
	BundleURI    types.String `tfsdk:"bundle_uri"`
	Image        types.String `tfsdk:"image"`
	MemoryMiB    types.Int64  `tfsdk:"memory_mib"`
	CPUMillis    types.Int64  `tfsdk:"cpu_millis"`
	Meaning      types.String `tfsdk:"meaning"`
	Drill        types.String `tfsdk:"drill"`
	Running      types.Bool   `tfsdk:"running"`
	URL          types.String `tfsdk:"url"`
	Runtime      types.String `tfsdk:"runtime"`
}

// Metadata names the resource.
func (r *trackResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_predictor_track"
}

// Schema describes the resource. What identifies the slot cannot change; everything else is replaced in place, without a gap.
func (r *trackResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	identity := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	resp.Schema = schema.Schema{
		Description: "One model version under one policy, served in one slot of an environment.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Computed: true, Description: "environment/pipeline/slot.",
				PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"pipeline":      schema.StringAttribute{Required: true, PlanModifiers: identity, Description: "The pipeline's name."},
			"environment":   schema.StringAttribute{Required: true, PlanModifiers: identity, Description: "staging or production."},
			"slot":          schema.StringAttribute{Required: true, PlanModifiers: identity, Description: "blue or green."},
			"model_version": schema.Int64Attribute{Required: true, Description: "The registered version."},
			"policy_digest": schema.StringAttribute{Required: true, Description: "SHA-256 of the policy document."},
			"policy":        schema.StringAttribute{Required: true, Description: "The policy document: JSON with the cutoff and the reason texts."},
			"digest":        schema.StringAttribute{Required: true, Description: "SHA-256 of the model bundle, verified by the agent and the predictor."},
			"bundle_uri":    schema.StringAttribute{Required: true, Description: "Where the agent fetches the bundle."},
			"image":         schema.StringAttribute{Required: true, Description: "The image whose program serves, repository@sha256:…, from the agent's registry."},
			"memory_mib":    schema.Int64Attribute{Required: true, Description: "Memory in MiB; becomes GOMEMLIMIT, and with the runtime docker the limit of the container, which the kernel holds."},
			"cpu_millis":    schema.Int64Attribute{Required: true, Description: "Thousandths of a core; rounded up becomes GOMAXPROCS, and with the runtime docker the quota of the container."},
			"meaning":       schema.StringAttribute{Required: true, Description: "What a high score means: default or approval."},
			"drill": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString(""),
				Description: "A fault injected for a game day, such as errors=5%; empty for none.",
			},
			"running": schema.BoolAttribute{
				Computed: true, Default: booldefault.StaticBool(true),
				Description: "False when the agent gave the predictor up. As it should be true, the plan then has a change.",
			},
			"url": schema.StringAttribute{
				Computed: true, Description: "Where the predictor answers; another one after a restart.",
			},
			"runtime": schema.StringAttribute{
				Computed: true, Description: "How the agent runs it: docker, where the kernel enforces the limits, or process, where nothing does.",
			},
		},
	}
}

// Configure takes the target.
func (r *trackResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.agent = targetOf(req, resp)
}

// ModifyPlan says how the track will run, which the agent decides: whoever reads a plan sees whether its limits are enforced.
func (r *trackResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.agent.AgentClient == nil {
		return // it is destroyed, or only validated
	}
	runtime, err := r.agent.Runtime(ctx)
	if err != nil {
		addFault(&resp.Diagnostics, "Agent's runtime", err)
		return
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("runtime"), string(runtime))...)
}

// Create puts the track. When it is interrupted, nothing enters the state and the next apply puts it again.
func (r *trackResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan trackModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if err := r.put(ctx, &plan); err != nil {
		addFault(&resp.Diagnostics, "Track "+plan.id()+" is not ready", err)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

// Update puts the track; the agent replaces the process when the new one is ready.
func (r *trackResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan trackModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if err := r.put(ctx, &plan); err != nil {
		addFault(&resp.Diagnostics, "Track "+plan.id()+" is not ready", err)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

// Read takes over what is there: a track that is gone leaves the state, one that was given up is not running. One that is
// just being started again is waited for, so that a plan during a restart is not taken for drift.
func (r *trackResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state trackModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	track, err := r.agent.SettledTrack(ctx, state.Environment.ValueString(), state.Pipeline.ValueString(), state.Slot.ValueString())
	if contract.IsNotFound(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		addFault(&resp.Diagnostics, "Track "+state.id()+" cannot be read", err)
		return
	}
	state.take(track)
	if !state.Running.ValueBool() {
		resp.Diagnostics.AddWarning("Track "+state.id()+" was given up", fmt.Sprintf("The predictor of version %d is %s: %s. Applying starts it again.",
			track.Spec.ModelVersion, track.State, track.Message))
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// Delete stops the track; that it is gone already is no error of the agent's.
func (r *trackResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state trackModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	err := r.agent.DeleteTrack(ctx, state.Environment.ValueString(), state.Pipeline.ValueString(), state.Slot.ValueString(), r.agent.generation)
	if err != nil {
		addFault(&resp.Diagnostics, "Track "+state.id()+" cannot be removed", err)
	}
}

// put makes the agent run the plan and fills in what is only known then.
func (r *trackResource) put(ctx context.Context, plan *trackModel) error {
	track, err := r.agent.PutTrack(ctx, plan.Environment.ValueString(), plan.Pipeline.ValueString(), plan.Slot.ValueString(), plan.spec(), r.agent.generation)
	if err != nil {
		return err
	}
	plan.take(track)
	return nil
}

// id is deterministic: the same slot has the same ID whoever creates it.
func (m *trackModel) id() string {
	return m.Environment.ValueString() + "/" + m.Pipeline.ValueString() + "/" + m.Slot.ValueString()
}

func (m *trackModel) spec() contract.TrackSpec {
	return contract.TrackSpec{
		ModelVersion: int(m.ModelVersion.ValueInt64()),
		PolicyDigest: m.PolicyDigest.ValueString(),
		Policy:       m.Policy.ValueString(),
		Digest:       m.Digest.ValueString(),
		BundleURI:    m.BundleURI.ValueString(),
		Image:        m.Image.ValueString(),
		MemoryMiB:    m.MemoryMiB.ValueInt64(),
		CPUMillis:    m.CPUMillis.ValueInt64(),
		Meaning:      m.Meaning.ValueString(),
		Drill:        m.Drill.ValueString(),
	}
}

// take copies what the agent says.
func (m *trackModel) take(track contract.Track) {
	m.ID = types.StringValue(m.id())
	m.ModelVersion = types.Int64Value(int64(track.Spec.ModelVersion))
	m.PolicyDigest = types.StringValue(track.Spec.PolicyDigest)
	m.Policy = types.StringValue(track.Spec.Policy)
	m.Digest = types.StringValue(track.Spec.Digest)
	m.BundleURI = types.StringValue(track.Spec.BundleURI)
	m.Image = types.StringValue(track.Spec.Image)
	m.MemoryMiB = types.Int64Value(track.Spec.MemoryMiB)
	m.CPUMillis = types.Int64Value(track.Spec.CPUMillis)
	m.Meaning = types.StringValue(track.Spec.Meaning)
	m.Drill = types.StringValue(track.Spec.Drill)
	m.Running = types.BoolValue(track.State == contract.TrackReady)
	m.URL = types.StringValue(track.URL)
	m.Runtime = types.StringValue(string(track.Runtime))
}
