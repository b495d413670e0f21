package main

import (
	_ "embed"
	"fmt"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// address is the real provider's.
const address = "registry.terraform.io/hashicorp/aws"

// schemaJSON is written by record, in the format of `terraform providers schema -json`.
//
//go:embed schema.json
var schemaJSON []byte

// recorded is the recorded schema as the plugin protocol has it.
func recorded() (*tfprotov6.GetProviderSchemaResponse, error) {
	var all tfjson.ProviderSchemas
	if err := all.UnmarshalJSON(schemaJSON); err != nil {
		return nil, fmt.Errorf("schema.json: %w", err)
	}
	provider, ok := all.Schemas[address]
	if !ok {
		return nil, fmt.Errorf("schema.json: it says nothing of %s", address)
	}
	made := &tfprotov6.GetProviderSchemaResponse{
		ResourceSchemas: map[string]*tfprotov6.Schema{}, DataSourceSchemas: map[string]*tfprotov6.Schema{},
	}
	var err error
	if made.Provider, err = schemaOf(provider.ConfigSchema); err != nil {
		return nil, fmt.Errorf("schema.json: provider: %w", err)
	}
	for name, each := range provider.ResourceSchemas {
		if made.ResourceSchemas[name], err = schemaOf(each); err != nil {
			return nil, fmt.Errorf("schema.json: %s: %w", name, err)
		}
	}
	for name, each := range provider.DataSourceSchemas {
		if made.DataSourceSchemas[name], err = schemaOf(each); err != nil {
			return nil, fmt.Errorf("schema.json: data %s: %w", name, err)
		}
	}
	return made, nil
}

func schemaOf(from *tfjson.Schema) (*tfprotov6.Schema, error) {
	block, err := blockOf(from.Block)
	return &tfprotov6.Schema{Block: block}, err
}

func blockOf(from *tfjson.SchemaBlock) (*tfprotov6.SchemaBlock, error) {
	made := &tfprotov6.SchemaBlock{}
	for name, each := range from.Attributes {
		text, err := each.AttributeType.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		kind, err := tftypes.ParseJSONType(text) //nolint:staticcheck // the only reader of this notation that there is
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		made.Attributes = append(made.Attributes, &tfprotov6.SchemaAttribute{
			Name: name, Type: kind, Required: each.Required, Optional: each.Optional, Computed: each.Computed,
		})
	}
	for name, each := range from.NestedBlocks {
		inner, err := blockOf(each.Block)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		mode, ok := nestingModes[each.NestingMode]
		if !ok {
			return nil, fmt.Errorf("%s: nesting mode %q is not known", name, each.NestingMode)
		}
		made.BlockTypes = append(made.BlockTypes, &tfprotov6.SchemaNestedBlock{
			TypeName: name, Block: inner, Nesting: mode, MinItems: int64(each.MinItems), MaxItems: int64(each.MaxItems),
		})
	}
	return made, nil
}

var nestingModes = map[tfjson.SchemaNestingMode]tfprotov6.SchemaNestedBlockNestingMode{
	tfjson.SchemaNestingModeSingle: tfprotov6.SchemaNestedBlockNestingModeSingle,
	tfjson.SchemaNestingModeList:   tfprotov6.SchemaNestedBlockNestingModeList,
	tfjson.SchemaNestingModeSet:    tfprotov6.SchemaNestedBlockNestingModeSet,
}
