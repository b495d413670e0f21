package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// declarations and program have the form of the package's generated files, of a resource that was made up.
const declarations = `export interface ThingConfig extends cdktf.TerraformMetaArguments {
    /**
    * Docs at Terraform Registry: {@link https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/thing#full_name Thing#full_name}
    */
    readonly fullName: string;
    /**
    * Only where {@link https://example.com/a#b} says so; 1/2 of them.
    *
    * Docs at Terraform Registry: {@link https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/thing#id Thing#id}
    *
    * Please be aware that the id field is automatically added.
    */
    readonly id?: string;
    /**
    * Docs at Terraform Registry: {@link https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/thing#zones Thing#zones}
    */
    readonly zones?: string[];
    /**
    * part block
    *
    * Docs at Terraform Registry: {@link https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/thing#part Thing#part}
    */
    readonly part: ThingPart[] | cdktf.IResolvable;
    /**
    * whole block
    *
    * Docs at Terraform Registry: {@link https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/thing#whole Thing#whole}
    */
    readonly whole?: ThingWhole;
    /**
    * timeouts block
    *
    * Docs at Terraform Registry: {@link https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/thing#timeouts Thing#timeouts}
    */
    readonly timeouts?: ThingTimeouts;
}
export interface ThingPart {
    /**
    * Docs at Terraform Registry: {@link https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/thing#enabled Thing#enabled}
    */
    readonly enabled: boolean | cdktf.IResolvable;
}
export interface ThingWhole {
    /**
    * Docs at Terraform Registry: {@link https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/thing#labels Thing#labels}
    */
    readonly labels?: {
        [key: string]: string;
    };
}
export interface ThingTimeouts {
    /**
    * Docs at Terraform Registry: {@link https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/thing#create Thing#create}
    */
    readonly create?: string;
}
`

const program = `function thingPartToHclTerraform(struct) {
    const attrs = {
        enabled: {
            value: cdktf.booleanToHclTerraform(struct.enabled),
            isBlock: false,
            type: "simple",
            storageClassType: "boolean",
        },
    };
}
function thingWholeToHclTerraform(struct) {
    const attrs = {
        labels: {
            value: cdktf.hashMapperHcl(cdktf.stringToHclTerraform)(struct.labels),
            isBlock: false,
            type: "map",
            storageClassType: "stringMap",
        },
    };
}
function thingTimeoutsToHclTerraform(struct) {
    const attrs = {
        create: {
            value: cdktf.stringToHclTerraform(struct.create),
            isBlock: false,
            type: "simple",
            storageClassType: "string",
        },
    };
}
class ThingSecretOutputReference extends cdktf.ComplexObject {
    // secret_arn - computed: true, optional: false, required: false
    get secretArn() {
        return this.getStringAttribute('secret_arn');
    }
}
class Thing extends cdktf.TerraformResource {
    constructor(scope, id, config) {
        // secret - computed: true, optional: false, required: false
        this._secret = new ThingSecretList(this, "secret", false);
        // tags_all - computed: true, optional: false, required: false
        this._tagsAll = new cdktf.StringMap(this, "tags_all");
        // part - computed: false, optional: false, required: true
        this._part = new ThingPartList(this, "part", true);
    }
    // arn - computed: true, optional: false, required: false
    get arn() {
        return this.getStringAttribute('arn');
    }
    // count_of - computed: true, optional: false, required: false
    get countOf() {
        return this.getNumberAttribute('count_of');
    }
    // arns - computed: true, optional: false, required: false
    get arns() {
        return cdktf.Fn.tolist(this.getListAttribute('arns'));
    }
    synthesizeHclAttributes() {
        const attrs = {
            full_name: {
                value: cdktf.stringToHclTerraform(this._fullName),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
            id: {
                value: cdktf.stringToHclTerraform(this._id),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
            zones: {
                value: cdktf.listMapperHcl(cdktf.stringToHclTerraform, false)(this._zones),
                isBlock: false,
                type: "set",
                storageClassType: "stringList",
            },
            part: {
                value: cdktf.listMapperHcl(thingPartToHclTerraform, true)(this._part.internalValue),
                isBlock: true,
                type: "set",
                storageClassType: "ThingPartList",
            },
            whole: {
                value: thingWholeToHclTerraform(this._whole.internalValue),
                isBlock: true,
                type: "list",
                storageClassType: "ThingWholeList",
            },
            timeouts: {
                value: thingTimeoutsToHclTerraform(this._timeouts.internalValue),
                isBlock: true,
                type: "struct",
                storageClassType: "ThingTimeouts",
            },
        };
    }
}
`

func readMade(t *testing.T, declarations, program string) (*block, error) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "lib", "thing")
	require.NoError(t, os.MkdirAll(folder, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "index.d.ts"), []byte(declarations), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "index.js"), []byte(program), 0o600))
	return read(dir, "thing")
}

func TestRead(t *testing.T) {
	t.Parallel()
	got, err := readMade(t, declarations, program)
	require.NoError(t, err)
	text, err := json.Marshal(got)
	require.NoError(t, err)
	require.JSONEq(t, `{
		"attributes": {
			"full_name": {"type": "string", "required": true},
			"id":        {"type": "string", "optional": true},
			"zones":     {"type": ["set", "string"], "optional": true},
			"arn":       {"type": "string", "computed": true},
			"count_of":  {"type": "number", "computed": true},
			"arns":      {"type": ["set", "string"], "computed": true},
			"tags_all":  {"type": ["map", "string"], "computed": true},
			"secret":    {"type": ["list", ["object", {"secret_arn": "string"}]], "computed": true}
		},
		"block_types": {
			"part":     {"nesting_mode": "set", "min_items": 1, "block": {"attributes": {"enabled": {"type": "bool", "required": true}}}},
			"whole":    {"nesting_mode": "list", "max_items": 1, "block": {"attributes": {"labels": {"type": ["map", "string"], "optional": true}}}},
			"timeouts": {"nesting_mode": "single", "block": {"attributes": {"create": {"type": "string", "optional": true}}}}
		}
	}`, string(text))
}

// A package of another form is told, not half read.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for name, each := range map[string]struct{ old, new, message string }{
		"no resource":          {"extends cdktf.TerraformResource", "extends cdktf.Construct", "thing: no class of a resource"},
		"no function":          {"function thingPartToHclTerraform", "function part", "thing: nothing is synthesised of ThingPart"},
		"unknown type":         {`storageClassType: "stringMap"`, `storageClassType: "anyMap"`, "thing.labels: map of anyMap is not known"},
		"unknown getter":       {"getNumberAttribute", "getOtherAttribute", "thing.count_of: what does this.getOtherAttribute('count_of') return?"},
		"not declared":         {"            zones: {", "            regions: {", "thing: ThingConfig does not declare regions"},
		"block not a resource": {`storageClassType: "ThingTimeouts"`, `storageClassType: "ThingDeadlines"`, "thing: no interface ThingDeadlines"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, program, each.old)
			_, err := readMade(t, declarations, strings.ReplaceAll(program, each.old, each.new))
			require.EqualError(t, err, each.message)
		})
	}
}
