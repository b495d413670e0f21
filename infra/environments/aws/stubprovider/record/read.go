package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// The parts of a schema in Terraform's JSON.
type (
	block struct {
		Attributes map[string]*attribute `json:"attributes,omitempty"`
		Blocks     map[string]nested     `json:"block_types,omitempty"`
	}
	attribute struct {
		Type     any  `json:"type"`
		Required bool `json:"required,omitempty"`
		Optional bool `json:"optional,omitempty"`
		Computed bool `json:"computed,omitempty"`
	}
	nested struct {
		Nesting string `json:"nesting_mode"`
		Block   *block `json:"block"`
		Min     int    `json:"min_items,omitempty"`
		Max     int    `json:"max_items,omitempty"`
	}
)

// module is a resource in the package: what the generated JavaScript and its declarations say of it.
type module struct{ name, program, declarations string }

// read reads the schema of the resource whose folder in the package is name.
func read(dir, name string) (*block, error) {
	program, err := os.ReadFile(filepath.Join(dir, "lib", name, "index.js"))
	if err != nil {
		return nil, err
	}
	declarations, err := os.ReadFile(filepath.Join(dir, "lib", name, "index.d.ts"))
	if err != nil {
		return nil, err
	}
	m := module{name, string(program), string(declarations)}
	class := regexp.MustCompile(`(?m)^class (\w+) extends cdktf\.Terraform(?:Resource|DataSource|Provider) \{`).FindStringSubmatch(m.program)
	if class == nil {
		return nil, fmt.Errorf("%s: no class of a resource", name)
	}
	body := between(m.program, class[0], "\n}\n")
	made, err := m.block(class[1]+"Config", between(body, "synthesizeHclAttributes() {", "\n    }\n"))
	if err != nil {
		return nil, err
	}
	return made, m.computed(body, made.Attributes)
}

// entry is one attribute or block in what a class synthesises.
var entry = regexp.MustCompile(`(\w+): \{\n\s+value: (.*),\n\s+isBlock: (true|false),\n\s+type: "(\w+)",\n\s+storageClassType: "(\w+)",`)

// block reads what can be set, of the interface that declares it and the text that synthesises it.
func (m module) block(declared, synthesised string) (*block, error) {
	required, err := m.required(declared)
	if err != nil {
		return nil, err
	}
	made := &block{Attributes: map[string]*attribute{}, Blocks: map[string]nested{}}
	for _, each := range entry.FindAllStringSubmatch(synthesised, -1) {
		name, value, isBlock, kind, class := each[1], each[2], each[3] == "true", each[4], each[5]
		must, known := required[name]
		if !known {
			return nil, fmt.Errorf("%s: %s does not declare %s", m.name, declared, name)
		}
		if !isBlock {
			type_, err := attributeType(kind, class)
			if err != nil {
				return nil, fmt.Errorf("%s.%s: %w", m.name, name, err)
			}
			made.Attributes[name] = &attribute{Type: type_, Required: must, Optional: !must}
			continue
		}
		class = strings.TrimSuffix(class, "List")
		inner, err := m.block(class, between(m.program, "function "+strings.ToLower(class[:1])+class[1:]+"ToHclTerraform(struct) {", "\n}\n"))
		if err != nil {
			return nil, err
		}
		made.Blocks[name] = nesting(inner, kind, strings.Contains(value, "listMapperHcl"), must)
	}
	if len(made.Attributes)+len(made.Blocks) == 0 && required != nil && len(required) > 0 {
		return nil, fmt.Errorf("%s: nothing is synthesised of %s", m.name, declared)
	}
	return made, nil
}

func nesting(inner *block, kind string, many, must bool) nested {
	if kind == "struct" {
		return nested{Nesting: "single", Block: inner}
	}
	made := nested{Nesting: kind, Block: inner}
	if must {
		made.Min = 1
	}
	if !many {
		made.Max = 1
	}
	return made
}

// property is one in a declared interface; its documentation ends with the name in Terraform.
var property = regexp.MustCompile(`#(\w+) \w+#\w+\}(?:[^/]|/[^*])*?\*/\n\s+readonly \w+(\??):`)

// required says of each property of a declared interface whether it must be set.
func (m module) required(declared string) (map[string]bool, error) {
	start := regexp.MustCompile(`(?m)^export interface ` + declared + ` (?:extends [\w.]+ )?\{`).FindString(m.declarations)
	if start == "" {
		return nil, fmt.Errorf("%s: no interface %s", m.name, declared)
	}
	all := map[string]bool{}
	for _, each := range property.FindAllStringSubmatch(between(m.declarations, start, "\n}\n"), -1) {
		all[each[1]] = each[2] == ""
	}
	return all, nil
}

// fills is an attribute that only the provider sets.
var fills = regexp.MustCompile(`// (\w+) - computed: true, optional: false, required: false\n\s+(?:get \w+\(\) \{\n\s+return (.*);|this\._\w+ = new (?:cdktf\.)?(\w+)\(this, "\w+"(?:, (true|false))?\))`)

// computed adds to all what only the provider sets in a class.
func (m module) computed(class string, all map[string]*attribute) error {
	for _, each := range fills.FindAllStringSubmatch(class, -1) {
		type_, err := m.computedType(each[2], each[3], each[4] == "true")
		if err != nil {
			return fmt.Errorf("%s.%s: %w", m.name, each[1], err)
		}
		all[each[1]] = &attribute{Type: type_, Computed: true}
	}
	return nil
}

// getters are the ends of the generated getters by the type that they return.
var getters = []struct {
	of    string
	type_ any
}{
	{"Fn.tolist(this.getListAttribute(", []any{"set", "string"}}, {"getStringAttribute(", "string"}, {"getNumberAttribute(", "number"},
	{"getBooleanAttribute(", "bool"}, {"getListAttribute(", []any{"list", "string"}},
}

func (m module) computedType(getter, class string, set bool) (any, error) {
	if class == "" {
		for _, each := range getters {
			if strings.Contains(getter, each.of) {
				return each.type_, nil
			}
		}
		return nil, fmt.Errorf("what does %s return?", getter)
	}
	if strings.HasSuffix(class, "Map") {
		return []any{"map", "string"}, nil
	}
	inner := map[string]*attribute{}
	if err := m.computed(between(m.program, "class "+strings.TrimSuffix(class, "List")+"OutputReference extends", "\n}\n"), inner); err != nil {
		return nil, err
	}
	fields := map[string]any{}
	for name, each := range inner {
		fields[name] = each.Type
	}
	if set {
		return []any{"set", []any{"object", fields}}, nil
	}
	return []any{"list", []any{"object", fields}}, nil
}

func attributeType(kind, class string) (any, error) {
	switch class {
	case "string", "number":
		return class, nil
	case "boolean":
		return "bool", nil
	case "stringList", "stringMap":
		return []any{kind, "string"}, nil
	case "numberList":
		return []any{kind, "number"}, nil
	}
	return nil, fmt.Errorf("%s of %s is not known", kind, class)
}

// between is what lies in text after from and before to; "" where from is not.
func between(text, from, to string) string {
	_, after, _ := strings.Cut(text, from)
	inner, _, _ := strings.Cut(after, to)
	return inner
}
