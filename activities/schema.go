package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/schema"
)

// MaxSchemas bounds how often what data bring may lead to another schema in one run, and TooManySchemas is why it ends then.
const (
	MaxSchemas     = 5
	TooManySchemas = "the data lead to another schema each time that they are read under it: five times in a row; look at the versions (loanops schemas list) and start again"
)

// SchemaState is the version of a pipeline's schema that data are held against.
type SchemaState struct {
	Version  int          `json:"version"`
	Ref      artifact.Ref `json:"ref"`      // schema.Schema as JSON: what the steps read
	Declared artifact.Ref `json:"declared"` // the same as the spec declares it
	// Unused are the columns that are recorded and not used.
	Unused []string `json:"unused,omitempty"`
}

// SchemaChange is what data bring that the schema does not say.
type SchemaChange struct {
	Schema artifact.Ref `json:"schema"` // what it would become
	Unused []string     `json:"unused,omitempty"`
	Words  []string     `json:"words"` // what changes, without values
	// Breaking changes wait for a person; others are within what the spec lets data change.
	Breaking bool `json:"breaking"`
}

// RecordSchemaInput is a change of a version.
type RecordSchemaInput struct {
	Pipeline string       `json:"pipeline"`
	State    SchemaState  `json:"state"`
	Change   SchemaChange `json:"change"`
	RunID    string       `json:"run_id"`
}

// RecordSchemaOutput is the version that is current now.
type RecordSchemaOutput struct {
	State SchemaState `json:"state"`
	Words []string    `json:"words"`
	// Refused says what a person must accept first; empty when data may be trained on.
	Refused string `json:"refused,omitempty"`
}

// Summary says which version came of it.
func (o RecordSchemaOutput) Summary() string {
	if o.Refused != "" {
		return o.Refused
	}
	return schemaWords(o.State.Version, o.Words)
}

// Artifacts is the schema.
func (o RecordSchemaOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.Schema: o.State.Ref}
}

func schemaWords(version int, changes []string) string {
	return fmt.Sprintf("schema version %d: %s", version, strings.Join(changes, "; "))
}

// RecordSchema makes a change the next version of the schema. One that is breaking is proposed, and refuses until a person accepts it.
// Where another run has changed the schema meanwhile, that is the version that counts.
func (p *Pipelines) RecordSchema(ctx context.Context, in RecordSchemaInput) (RecordSchemaOutput, error) {
	versions, err := p.Registry.SchemaVersions(ctx, in.Pipeline)
	if err != nil {
		return RecordSchemaOutput{}, err
	}
	if current, found := registry.CurrentSchema(versions); found && current.Version != in.State.Version {
		return overtaken(in, current), nil
	}
	v := registry.SchemaVersion{
		Pipeline: in.Pipeline, Parent: in.State.Version, Schema: in.Change.Schema, Declared: in.State.Declared,
		Unused: slices.Concat(in.State.Unused, in.Change.Unused), Changes: in.Change.Words, Actor: "data", RunID: in.RunID,
	}
	if in.Change.Breaking {
		proposed, err := p.Registry.PutSchemaVersion(ctx, v, nil)
		return RecordSchemaOutput{State: in.State, Refused: waits(proposed)}, err
	}
	recorded, err := p.Registry.PutSchemaVersion(ctx, v, &registry.SchemaAcceptance{Actor: "data", Reason: "within schema.evolve.max_share of the spec"})
	if err != nil { // of a run that was faster, the next attempt knows
		return RecordSchemaOutput{}, err
	}
	if !recorded.Current {
		return RecordSchemaOutput{State: in.State, Refused: "a person went back from " + waits(recorded)}, nil
	}
	return RecordSchemaOutput{State: stateOf(recorded), Words: in.Change.Words}, nil
}

// overtaken goes on under the version that another run, or a person, made current meanwhile.
func overtaken(in RecordSchemaInput, current registry.SchemaVersion) RecordSchemaOutput {
	if current.Declared.SHA256 == in.State.Declared.SHA256 {
		return RecordSchemaOutput{State: stateOf(current), Words: current.Changes}
	}
	return RecordSchemaOutput{State: in.State, Refused: "another spec of the pipeline was registered meanwhile; start again"}
}

// waits says that a proposed version needs a person.
func waits(v registry.SchemaVersion) string {
	return fmt.Sprintf("%s; it stops until a person accepts it: loanops schemas accept %s %d --reason TEXT", schemaWords(v.Version, v.Changes), v.Pipeline, v.Version)
}

func stateOf(v registry.SchemaVersion) SchemaState {
	return SchemaState{Version: v.Version, Ref: v.Schema, Declared: v.Declared, Unused: v.Unused}
}

// schemaOf is the version against which a spec's data are held: the current one, or the next where the spec declares something else than it did.
// refused says that a person must accept that first.
func (p *Pipelines) schemaOf(ctx context.Context, spec pipeline.Spec) (state SchemaState, refused string, err error) {
	declares := schema.Of(spec)
	declared, err := putJSON(ctx, p.Objects, declares)
	if err != nil {
		return SchemaState{}, "", err
	}
	versions, err := p.Registry.SchemaVersions(ctx, spec.Name)
	if err != nil {
		return SchemaState{}, "", err
	}
	by := &registry.SchemaAcceptance{Actor: "spec", Reason: "the spec declares it"}
	next := registry.SchemaVersion{Pipeline: spec.Name, Schema: declared, Declared: declared, Unused: []string{}, Changes: []string{"as the spec declares it"}, Actor: "spec"}
	current, found := registry.CurrentSchema(versions)
	switch {
	case found && current.Declared.SHA256 == declared.SHA256:
		return stateOf(current), "", nil
	case found:
		changes, err := p.rebase(ctx, current, declares, &next)
		if err != nil {
			return SchemaState{}, "", err
		}
		if len(schema.Breaking(changes)) > 0 {
			proposed, err := p.Registry.PutSchemaVersion(ctx, next, nil)
			return stateOf(current), waits(proposed), err
		}
	}
	recorded, err := p.Registry.PutSchemaVersion(ctx, next, by)
	if err == nil && !recorded.Current {
		return stateOf(current), "a person went back from " + waits(recorded), nil
	}
	return stateOf(recorded), "", err
}

// rebase fills in what a new declaration makes of the current version.
func (p *Pipelines) rebase(ctx context.Context, current registry.SchemaVersion, declares schema.Schema, next *registry.SchemaVersion) ([]schema.Change, error) {
	is, err := getJSON[schema.Schema](ctx, p.Objects, current.Schema)
	if err != nil {
		return nil, err
	}
	was, err := getJSON[schema.Schema](ctx, p.Objects, current.Declared)
	if err != nil {
		return nil, err
	}
	becomes := schema.Rebase(is, was, declares)
	if next.Schema, err = putJSON(ctx, p.Objects, becomes); err != nil {
		return nil, err
	}
	spec, changes := becomes.Spec(), schema.Diff(is, becomes)
	next.Parent, next.Changes = current.Version, schema.Words(changes)
	next.Unused = slices.DeleteFunc(slices.Clone(current.Unused), spec.Knows)
	return changes, nil
}

// getSchema is a spec that knows its schema and nothing else.
func getSchema(ctx context.Context, objects Objects, ref artifact.Ref) (pipeline.Spec, error) {
	s, err := getJSON[schema.Schema](ctx, objects, ref)
	return s.Spec(), err
}
