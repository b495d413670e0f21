package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
)

// version is the provider's version in the filesystem mirror.
const version = contract.ProviderVersion

type loanopsProvider struct{}

// target is what every resource gets of the provider block: the agent, and the generation that each of its writes carries.
type target struct {
	*contract.AgentClient
	generation int64
}

func newProvider() provider.Provider { return loanopsProvider{} }

// Metadata names the provider.
func (loanopsProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "loanops"
	resp.Version = version
}

// Schema describes the provider block.
func (loanopsProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		Description: "Delivers loan decision models to the local deployment agent of LoanOps.",
		Attributes: map[string]schema.Attribute{
			"agent_url": schema.StringAttribute{
				Required:    true,
				Description: "Base URL of the agent, such as http://127.0.0.1:7400.",
			},
			"agent_token_file": schema.StringAttribute{
				Required:    true,
				Description: "File with the agent's provider token. Read when it is used: the token is in no plan and no state.",
			},
			"generation": schema.Int64Attribute{
				Required:    true,
				Description: "Generation of the serving record that this configuration follows. The agent refuses an older one than it knows.",
			},
		},
	}
}

// Configure makes the target.
func (loanopsProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var config struct {
		AgentURL       types.String `tfsdk:"agent_url"`
		AgentTokenFile types.String `tfsdk:"agent_token_file"`
		Generation     types.Int64  `tfsdk:"generation"`
	}
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || config.AgentURL.IsUnknown() || config.AgentTokenFile.IsUnknown() || config.Generation.IsUnknown() {
		return
	}
	token, err := os.ReadFile(config.AgentTokenFile.ValueString())
	if err != nil {
		addFault(&resp.Diagnostics, "Agent's token", fault.Wrap(fault.Unauthorized, err, "agent_token_file cannot be read"))
		return
	}
	client := contract.NewAgentClient(config.AgentURL.ValueString(), strings.TrimSpace(string(token)))
	resp.ResourceData = target{client, config.Generation.ValueInt64()}
}

// Resources lists what can be managed.
func (loanopsProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		func() resource.Resource { return &trackResource{} },
		func() resource.Resource { return &routeResource{} },
	}
}

// DataSources lists none.
func (loanopsProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }

// addFault reports err with its code in the summary, where whoever runs Terraform finds it again: Terraform passes texts only.
func addFault(diags *diag.Diagnostics, what string, err error) {
	diags.AddError(contract.DiagnosticSummary(what, fault.CodeOf(err)), err.Error())
}

// targetOf is Configure's result for a resource.
func targetOf(req resource.ConfigureRequest, resp *resource.ConfigureResponse) target {
	if req.ProviderData == nil {
		return target{} // validation runs without a configured provider
	}
	agent, ok := req.ProviderData.(target)
	if !ok {
		resp.Diagnostics.AddError("Provider's data", fmt.Sprintf("want a target, got %T", req.ProviderData))
	}
	return agent
}
