package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/schema"
)

// schemas are the versions of a pipeline's schema, with where they can be read.
type schemas struct {
	versions []registry.SchemaVersion // newest first
	objects  *artifact.Store
}

// withSchemas does something with the versions of a pipeline's schema; there must be one.
func (a *app) withSchemas(ctx context.Context, name string, work func(registry.Registry, schemas) error) error {
	reg, s, err := a.registry(ctx)
	if err != nil {
		return err
	}
	defer reg.Close()
	versions, err := reg.SchemaVersions(ctx, name)
	if err != nil {
		return err
	}
	if len(versions) == 0 {
		return fault.New(fault.NotFound, "the schema of %q has no version: its first training records one; `loanops pipelines list` shows the pipelines that there are", name)
	}
	store, err := objects(ctx, s)
	if err != nil {
		return err
	}
	return work(reg, schemas{versions, store})
}

// version is the one of that number; named is empty for the current one.
func (s schemas) version(named string) (registry.SchemaVersion, error) {
	if named == "" {
		if current, found := registry.CurrentSchema(s.versions); found {
			return current, nil
		}
		return s.versions[0], nil
	}
	number, err := schemaNumber(named)
	if err != nil {
		return registry.SchemaVersion{}, err
	}
	i := slices.IndexFunc(s.versions, func(v registry.SchemaVersion) bool { return v.Version == number })
	if i < 0 {
		return registry.SchemaVersion{}, fault.New(fault.NotFound, "there is no version %d of the schema of %q, the newest is %d", number, s.versions[0].Pipeline, s.versions[0].Version)
	}
	return s.versions[i], nil
}

func schemaNumber(text string) (int, error) {
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 {
		return 0, fault.New(fault.Invalid, "%q is no version; a number from 1 is wanted", text)
	}
	return number, nil
}

// read is what the version says.
func (s schemas) read(ctx context.Context, v registry.SchemaVersion) (said schema.Schema, err error) {
	data, err := s.objects.Get(ctx, v.Schema)
	if err != nil {
		return said, err
	}
	return said, fault.Wrap(fault.Internal, json.Unmarshal(data, &said), "reading version %d of the schema", v.Version)
}

func (a *app) schemasListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list PIPELINE", Short: "List the versions of a schema, newest first: what changed, and who accepted it", Args: between(1, 1),
		Example: "  loanops schemas list loan-eligibility",
		RunE: func(c *cobra.Command, args []string) error {
			return a.withSchemas(c.Context(), args[0], func(_ registry.Registry, s schemas) error {
				rows := [][]string{{"VERSION", "STATE", "RECORDED", "CHANGES", "ACCEPTED BY"}}
				for _, v := range s.versions {
					by := "–"
					if n := len(v.Acceptances); n > 0 {
						by = v.Acceptances[n-1].Actor + ": " + v.Acceptances[n-1].Reason
					}
					rows = append(rows, []string{strconv.Itoa(v.Version), schemaState(v), v.CreatedAt.Format(timeLayout), strings.Join(v.Changes, "; "), by})
				}
				return a.print(s.versions, func() { a.table(rows) })
			})
		},
	}
}

// schemaState is one word about a version.
func schemaState(v registry.SchemaVersion) string {
	switch {
	case v.Current:
		return "current"
	case len(v.Acceptances) == 0:
		return "proposed"
	}
	return "accepted"
}

// shownSchema is a version for programs: the record, and what it says.
type shownSchema struct {
	registry.SchemaVersion
	State   string        `json:"state"` // current, accepted before, or proposed
	Columns []shownColumn `json:"columns"`
	Says    schema.Schema `json:"says"`
}

// shownColumn is where a column is, by its role.
type shownColumn struct {
	Name         string               `json:"name"`
	Role         string               `json:"role"`
	Type         string               `json:"type"`
	Environments []schema.Environment `json:"environments"`
}

func (a *app) schemasShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show PIPELINE [N]", Short: "Show a version of a schema (default: the current one)", Args: between(1, 2),
		Example: "  loanops schemas show loan-eligibility\n  loanops schemas show loan-eligibility 2 --output json",
		RunE: func(c *cobra.Command, args []string) error {
			return a.withSchemas(c.Context(), args[0], func(_ registry.Registry, s schemas) error {
				v, err := s.version(strings.Join(args[1:], ""))
				if err != nil {
					return err
				}
				said, err := s.read(c.Context(), v)
				if err != nil {
					return err
				}
				shown := shownSchema{v, schemaState(v), schemaColumns(v, said), said}
				return a.print(shown, func() { a.describeSchema(shown) })
			})
		},
	}
}

// schemaColumns are all columns that a version knows.
func schemaColumns(v registry.SchemaVersion, said schema.Schema) (columns []shownColumn) {
	spec := said.Spec()
	add := func(role string, names ...string) {
		for _, name := range names {
			if name != "" {
				columns = append(columns, shownColumn{name, role, string(spec.TypeOf(name)), said.In(name)})
			}
		}
	}
	add("label", said.Label.Column)
	add("entity", said.Entity)
	add("time", said.Time)
	for _, c := range said.Columns {
		add("feature", c.Name)
	}
	add("protected", said.Protected...)
	add("ignore", said.Ignore...)
	add("unused", v.Unused...)
	return columns
}

func (a *app) describeSchema(s shownSchema) {
	fmt.Fprintf(a.out, "schema of %s, version %d (%s), recorded %s\n%s\n\n", s.Pipeline, s.Version, s.State, s.CreatedAt.Format(timeLayout), strings.Join(s.Changes, "; "))
	rows := [][]string{{"COLUMN", "ROLE", "TYPE", "VALUES", "MISSING", "IN"}}
	for _, c := range s.Columns {
		values, missing := "", ""
		if i := slices.IndexFunc(s.Says.Columns, func(of pipeline.Column) bool { return of.Name == c.Name }); i >= 0 && c.Role == "feature" {
			if values, missing = schema.Admitted(s.Says.Columns[i]), "required"; s.Says.Columns[i].MissingMax > 0 {
				missing = fmt.Sprintf("up to %.4g %%", 100*s.Says.Columns[i].MissingMax)
			}
		}
		in := make([]string, len(c.Environments))
		for i, e := range c.Environments {
			in[i] = string(e)
		}
		rows = append(rows, []string{c.Name, c.Role, c.Type, values, missing, strings.Join(in, ", ")})
	}
	a.table(rows)
}

// schemaDiff is what changed between two versions.
type schemaDiff struct {
	Pipeline string          `json:"pipeline"`
	From     int             `json:"from"`
	To       int             `json:"to"`
	Changes  []schema.Change `json:"changes"`
	// Unused are columns that To records and From does not.
	Unused []string `json:"unused"`
}

func (a *app) schemasDiffCommand() *cobra.Command {
	return &cobra.Command{
		Use: "diff PIPELINE [[FROM] N]", Short: "Show what a version (default: the newest) changes, against its parent or another", Args: between(1, 3),
		Example: "  loanops schemas diff loan-eligibility\n  loanops schemas diff loan-eligibility 1 3",
		RunE: func(c *cobra.Command, args []string) error {
			return a.withSchemas(c.Context(), args[0], func(_ registry.Registry, s schemas) error {
				diff, err := s.diff(c.Context(), args[1:])
				if err != nil {
					return err
				}
				return a.print(diff, func() { a.describeSchemaDiff(diff) })
			})
		},
	}
}

// diff compares two versions: with two numbers these, with one that and its parent, with none the newest and its parent.
func (s schemas) diff(ctx context.Context, named []string) (schemaDiff, error) {
	newest := strconv.Itoa(s.versions[0].Version)
	if len(named) > 0 {
		newest = named[len(named)-1]
	}
	to, err := s.version(newest)
	if err != nil {
		return schemaDiff{}, err
	}
	parent := strconv.Itoa(to.Parent)
	if len(named) == 2 {
		parent = named[0]
	}
	d := schemaDiff{Pipeline: to.Pipeline, To: to.Version, Changes: []schema.Change{}, Unused: []string{}}
	if parent == "0" {
		return d, nil // the first version changes nothing
	}
	from, err := s.version(parent)
	if err != nil {
		return d, err
	}
	d.From = from.Version
	was, err := s.read(ctx, from)
	if err != nil {
		return d, err
	}
	is, err := s.read(ctx, to)
	if err != nil {
		return d, err
	}
	d.Changes = append(d.Changes, schema.Diff(was, is)...)
	for _, name := range to.Unused {
		if !slices.Contains(from.Unused, name) {
			d.Unused = append(d.Unused, name)
		}
	}
	return d, nil
}

func (a *app) describeSchemaDiff(d schemaDiff) {
	fmt.Fprintf(a.out, "schema of %s, from version %d to %d\n\n", d.Pipeline, d.From, d.To)
	rows := [][]string{{"COLUMN", "CHANGE", "FROM", "TO"}}
	for _, c := range d.Changes {
		rows = append(rows, []string{c.Column, string(c.Aspect), c.From, c.To})
	}
	for _, name := range d.Unused {
		rows = append(rows, []string{name, "new, not used", "", ""})
	}
	a.table(rows)
}

func (a *app) schemasAcceptCommand() *cobra.Command {
	var by registry.SchemaAcceptance
	c := &cobra.Command{
		Use: "accept PIPELINE N", Short: "Hold data against a version from now on: a proposed one, or an earlier one again", Args: between(2, 2),
		Example: "  loanops schemas accept loan-eligibility 3 --reason \"the bureau sends income in dollars since May\"",
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkRecorded(by.Reason, by.Actor, "schema"); err != nil {
				return err
			}
			number, err := schemaNumber(args[1])
			if err != nil {
				return err
			}
			return a.withSchemas(c.Context(), args[0], func(reg registry.Registry, _ schemas) error {
				v, err := reg.AcceptSchema(c.Context(), args[0], number, by)
				if err != nil {
					return err
				}
				return a.print(v, func() { fmt.Fprintf(a.out, "version %d of the schema of %s is current\n", v.Version, v.Pipeline) })
			})
		},
	}
	c.Flags().StringVar(&by.Reason, "reason", "", "why, for the record")
	c.Flags().StringVar(&by.Actor, "actor", actor(), "who decides, for the record")
	_ = c.MarkFlagRequired("reason")
	return c
}
