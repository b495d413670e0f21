package main

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/loanops/loanops/internal/deploy/contract"
)

// routeResource is loanops_route: how a pipeline's traffic is shared between the slots of an environment.
type routeResource struct{ agent target }

// routeModel is its state. The agent's revision is not in it: it grows without anything to do for Terraform. The generation is:
// a newer one is confirmed to the agent although the weights stay, and one that somebody else confirmed shows in a plan.
type routeModel struct {
	ID          types.String `tfsdk:"id"`
	Pipeline    types.String `tfsdk:"pipeline"`
	Environment types.String `tfsdk:"environment"`
	Weights     types.Map    `tfsdk:"weights"`
	Mirror      types.String `tfsdk:"mirror"`
	Generation  types.Int64  `tfsdk:"generation"`
}

// Metadata names the resource.
func (r *routeResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_route"
}

// Schema describes the resource.
func (r *routeResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	identity := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	resp.Schema = schema.Schema{
		Description: "How a pipeline's traffic is shared between the slots of an environment.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Computed: true, Description: "environment/pipeline.",
				PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"pipeline":    schema.StringAttribute{Required: true, PlanModifiers: identity, Description: "The pipeline's name."},
			"environment": schema.StringAttribute{Required: true, PlanModifiers: identity, Description: "staging or production."},
			"weights": schema.MapAttribute{
				Required: true, ElementType: types.Int64Type,
				Description: "Whole percents by slot; they sum to 100.",
			},
			"mirror": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString(""),
				Description: "The slot, one without weight, to which copies of requests go; empty for none.",
			},
			"generation": schema.Int64Attribute{
				Required: true, Description: "The provider's generation, under which weights and mirror are set or confirmed.",
			},
		},
	}
}

// Configure takes the target.
func (r *routeResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.agent = targetOf(req, resp)
}

// Create sets weights and mirror.
func (r *routeResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan routeModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if r.put(ctx, &plan, &resp.Diagnostics) {
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	}
}

// Update sets weights and mirror.
func (r *routeResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan routeModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if r.put(ctx, &plan, &resp.Diagnostics) {
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	}
}

// Read takes over what is in force and its generation, whoever set it.
func (r *routeResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state routeModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	route, err := r.agent.Route(ctx, state.Environment.ValueString(), state.Pipeline.ValueString())
	if contract.IsNotFound(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		addFault(&resp.Diagnostics, "Route "+state.id()+" cannot be read", err)
		return
	}
	state.Generation, state.Mirror = types.Int64Value(route.Generation), types.StringValue(route.Mirror)
	known, diags := state.weights(ctx)
	resp.Diagnostics.Append(diags...)
	if !contract.SameWeights(known, route.Weights) {
		var diags diag.Diagnostics
		state.Weights, diags = types.MapValueFrom(ctx, types.Int64Type, route.Weights)
		resp.Diagnostics.Append(diags...)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// Delete removes the route; that there is none is no error of the agent's.
func (r *routeResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state routeModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	err := r.agent.DeleteRoute(ctx, state.Environment.ValueString(), state.Pipeline.ValueString(), r.agent.generation)
	if err != nil {
		addFault(&resp.Diagnostics, "Route "+state.id()+" cannot be removed", err)
	}
}

// put sets the plan's weights and mirror and reports whether that worked.
func (r *routeResource) put(ctx context.Context, plan *routeModel, diags *diag.Diagnostics) bool {
	if diags.HasError() {
		return false
	}
	weights, more := plan.weights(ctx)
	diags.Append(more...)
	if diags.HasError() {
		return false
	}
	_, err := r.agent.PutRoute(ctx, plan.Environment.ValueString(), plan.Pipeline.ValueString(), weights, plan.Mirror.ValueString(), r.agent.generation)
	if err != nil {
		addFault(diags, "Route "+plan.id()+" cannot be set", err)
		return false
	}
	plan.ID = types.StringValue(plan.id())
	return true
}

func (m *routeModel) id() string { return m.Environment.ValueString() + "/" + m.Pipeline.ValueString() }

func (m *routeModel) weights(ctx context.Context) (map[string]int, diag.Diagnostics) {
	wide := map[string]int64{}
	diags := m.Weights.ElementsAs(ctx, &wide, false)
	weights := make(map[string]int, len(wide))
	for slot, weight := range wide {
		weights[slot] = int(weight)
	}
	return weights, diags
}
