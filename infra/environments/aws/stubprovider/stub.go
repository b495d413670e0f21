package main

import (
	"context"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// stub is a provider that accepts what has the form of the schema. Whatever is not here, above all to plan, to read or to
// change something, is never asked of a mocked provider, and ends the plugin.
type stub struct {
	tfprotov6.ProviderServer
	schema *tfprotov6.GetProviderSchemaResponse
}

// GetMetadata names the resources.
func (s stub) GetMetadata(context.Context, *tfprotov6.GetMetadataRequest) (*tfprotov6.GetMetadataResponse, error) {
	made := &tfprotov6.GetMetadataResponse{}
	for name := range s.schema.ResourceSchemas {
		made.Resources = append(made.Resources, tfprotov6.ResourceMetadata{TypeName: name})
	}
	for name := range s.schema.DataSourceSchemas {
		made.DataSources = append(made.DataSources, tfprotov6.DataSourceMetadata{TypeName: name})
	}
	return made, nil
}

// GetProviderSchema is what the stub is for.
func (s stub) GetProviderSchema(context.Context, *tfprotov6.GetProviderSchemaRequest) (*tfprotov6.GetProviderSchemaResponse, error) {
	return s.schema, nil
}

// GetResourceIdentitySchemas says that nothing is known of identities.
func (stub) GetResourceIdentitySchemas(context.Context, *tfprotov6.GetResourceIdentitySchemasRequest) (*tfprotov6.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov6.GetResourceIdentitySchemasResponse{}, nil
}

// ValidateProviderConfig accepts it.
func (stub) ValidateProviderConfig(_ context.Context, r *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	return &tfprotov6.ValidateProviderConfigResponse{PreparedConfig: r.Config}, nil
}

// ValidateResourceConfig refuses what only the provider sets. Terraform has held the rest against the schema; what the real provider knows
// beyond it (which values there are, and which go together) is not checked.
func (s stub) ValidateResourceConfig(_ context.Context, r *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	schema := s.schema.ResourceSchemas[r.TypeName]
	value, err := r.Config.Unmarshal(schema.ValueType())
	if err != nil {
		return nil, err
	}
	var set map[string]tftypes.Value
	if err := value.As(&set); err != nil {
		return nil, err
	}
	made := &tfprotov6.ValidateResourceConfigResponse{}
	for _, each := range schema.Block.Attributes {
		if each.Computed && !each.Optional && !set[each.Name].IsNull() {
			made.Diagnostics = append(made.Diagnostics, &tfprotov6.Diagnostic{
				Severity: tfprotov6.DiagnosticSeverityError, Summary: "Value for unconfigurable attribute",
				Detail: each.Name + " is set by the provider", Attribute: tftypes.NewAttributePath().WithAttributeName(each.Name),
			})
		}
	}
	return made, nil
}

// ValidateDataResourceConfig accepts it.
func (stub) ValidateDataResourceConfig(context.Context, *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	return &tfprotov6.ValidateDataResourceConfigResponse{}, nil
}

// StopProvider has nothing to stop.
func (stub) StopProvider(context.Context, *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse, error) {
	return &tfprotov6.StopProviderResponse{}, nil
}
