package main

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/stretchr/testify/require"
)

func attributeOf(b *tfprotov6.SchemaBlock, name string) *tfprotov6.SchemaAttribute {
	for _, each := range b.Attributes {
		if each.Name == name {
			return each
		}
	}
	return nil
}

func blockTypeOf(b *tfprotov6.SchemaBlock, name string) *tfprotov6.SchemaNestedBlock {
	for _, each := range b.BlockTypes {
		if each.TypeName == name {
			return each
		}
	}
	return nil
}

// The wanted values are of the provider's documentation, version 6.25.0, read by a person.
func TestRecordedSchemaIsTheDocumented(t *testing.T) {
	t.Parallel()
	schema, err := recorded()
	require.NoError(t, err)

	rule := schema.ResourceSchemas["aws_lb_listener_rule"].Block
	require.True(t, attributeOf(rule, "listener_arn").Required)
	require.True(t, attributeOf(rule, "arn").Computed)
	require.True(t, attributeOf(rule, "priority").Type.Is(tftypes.Number))
	action := blockTypeOf(rule, "action")
	require.Equal(t, int64(1), action.MinItems, "an action is required")
	forward := blockTypeOf(action.Block, "forward")
	require.Equal(t, int64(1), forward.MaxItems)
	group := blockTypeOf(forward.Block, "target_group")
	require.True(t, attributeOf(group.Block, "arn").Required)
	require.True(t, attributeOf(group.Block, "weight").Optional)

	task := schema.ResourceSchemas["aws_ecs_task_definition"].Block
	for _, name := range []string{"family", "container_definitions"} {
		require.True(t, attributeOf(task, name).Required, name)
	}
	require.True(t, attributeOf(task, "requires_compatibilities").Type.Is(tftypes.Set{ElementType: tftypes.String}))

	database := schema.ResourceSchemas["aws_db_instance"].Block
	require.True(t, attributeOf(database, "instance_class").Required)
	secret := attributeOf(database, "master_user_secret")
	require.True(t, secret.Computed && !secret.Optional)
	require.True(t, secret.Type.Is(tftypes.List{}))

	require.True(t, attributeOf(schema.DataSourceSchemas["aws_partition"].Block, "partition").Computed)
	require.True(t, attributeOf(schema.Provider.Block, "allowed_account_ids").Type.Is(tftypes.Set{ElementType: tftypes.String}))
	require.Nil(t, attributeOf(schema.Provider.Block, "alias"), "Terraform's own")
}

// Terraform refuses a schema whose attributes are neither required nor optional nor computed.
func TestEveryAttributeIsSetBySomebody(t *testing.T) {
	t.Parallel()
	schema, err := recorded()
	require.NoError(t, err)
	var check func(path string, b *tfprotov6.SchemaBlock)
	check = func(path string, b *tfprotov6.SchemaBlock) {
		for _, each := range b.Attributes {
			require.True(t, each.Required || each.Optional || each.Computed, path+each.Name)
			require.False(t, each.Required && (each.Optional || each.Computed), path+each.Name)
		}
		for _, each := range b.BlockTypes {
			check(path+each.TypeName+".", each.Block)
		}
	}
	require.NotEmpty(t, schema.ResourceSchemas)
	for name, each := range schema.ResourceSchemas {
		require.NotEmpty(t, each.Block.Attributes, name)
		check(name+".", each.Block)
	}
}

// The metadata names what has a schema, and nothing else.
func TestMetadata(t *testing.T) {
	t.Parallel()
	schema, err := recorded()
	require.NoError(t, err)
	metadata, err := stub{schema: schema}.GetMetadata(t.Context(), &tfprotov6.GetMetadataRequest{})
	require.NoError(t, err)
	require.Len(t, metadata.Resources, len(schema.ResourceSchemas))
	for _, each := range metadata.Resources {
		require.Contains(t, schema.ResourceSchemas, each.TypeName)
	}
	require.Len(t, metadata.DataSources, len(schema.DataSourceSchemas))
}

// What the provider sets itself is nobody else's to set; what is both is.
func TestValidateResourceConfig(t *testing.T) {
	t.Parallel()
	schema, err := recorded()
	require.NoError(t, err)
	kind := schema.ResourceSchemas["aws_ecs_cluster"].ValueType().(tftypes.Object)
	for name, wanted := range map[string]int{"arn": 1, "id": 0, "name": 0} {
		fields := map[string]tftypes.Value{}
		for each, of := range kind.AttributeTypes {
			fields[each] = tftypes.NewValue(of, nil)
		}
		fields[name] = tftypes.NewValue(tftypes.String, "mine")
		config, err := tfprotov6.NewDynamicValue(kind, tftypes.NewValue(kind, fields))
		require.NoError(t, err)
		response, err := stub{schema: schema}.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{TypeName: "aws_ecs_cluster", Config: &config})
		require.NoError(t, err)
		require.Len(t, response.Diagnostics, wanted, name)
	}
}
