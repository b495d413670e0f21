package schema

import (
	"fmt"
	"maps"
	"slices"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
)

// Evolution is what data make of a schema.
type Evolution struct {
	Schema  Schema
	Changes []Change
	// Unused are columns that the schema did not know. They are recorded, and not used until a person lists them: they may be leaks, or protected.
	Unused []string
	taken  map[string]dataset.Novelty
}

// Words tell what changes, without values.
func (e Evolution) Words() []string {
	words := Words(e.Changes)
	for _, name := range e.Unused {
		words = append(words, fmt.Sprintf("column %q: new, not used until the spec lists it", name))
	}
	return words
}

// Evolve takes in what rows held beyond the schema and beyond nothing else: new categories in at least dataset.MinNovel rows each, no more of
// them than the domain has already, and values outside the range; each while the column's rows are at most maxShare, 0 to 1, of all. columns are
// those that the rows had; known are columns that were recorded before.
func Evolve(s Schema, seen dataset.Checked, columns []dataset.Field, known []string, maxShare float64) Evolution {
	e := Evolution{taken: map[string]dataset.Novelty{}}
	next := slices.Clone(s.Columns)
	for i := range next {
		novel := seen.Novel[next[i].Name].Within(next[i], maxShare*float64(seen.Rows))
		if novel.Rows() == 0 {
			continue
		}
		e.taken[next[i].Name] = novel
		next[i] = grown(next[i], novel)
	}
	e.Schema = s.with(next)
	e.Changes = Diff(s, e.Schema)
	e.Unused = unknown(s, columns, known)
	return e
}

// grown is the column with what was new in it.
func grown(c pipeline.Column, novel dataset.Novelty) pipeline.Column {
	if len(novel.Texts) > 0 {
		c.Domain = append(slices.Clone(c.Domain), slices.Sorted(maps.Keys(novel.Texts))...)
	}
	if novel.Low != nil {
		c.Min = novel.Low
	}
	if novel.High != nil {
		c.Max = novel.High
	}
	return c
}

// unknown are the columns that have no role and were not recorded yet. Where most of what is known is missing the header may be a row of
// data: nothing is recorded then.
func unknown(s Schema, columns []dataset.Field, known []string) (names []string) {
	spec := s.Spec()
	if !dataset.Named(spec, columns) {
		return nil
	}
	for _, f := range columns {
		if f.Name != dataset.RowColumn && !spec.Knows(f.Name) && !slices.Contains(known, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}

// Rest is what was found but for what the evolution takes in.
func (e Evolution) Rest(seen dataset.Checked) dataset.Checked {
	breaches := []dataset.Breach{}
	for _, b := range seen.Breaches {
		taken := int64(0)
		switch novel := e.taken[b.Column]; b.Rule {
		case dataset.RuleDomain:
			taken = novel.Categories()
		case dataset.RuleRange:
			taken = novel.Numbers
		}
		seen.Failing -= taken
		seen.Kept += taken
		if b.Count -= taken; b.Count > 0 {
			breaches = append(breaches, b)
		}
	}
	seen.Breaches = breaches
	return seen
}

// Propose is the schema under which data that lack columns, or hold another type in them, could be trained on, if a person accepts it; the same
// schema where there is none. A column counts as of another type when at least half of the rows cannot be read as its own.
func Propose(s Schema, seen dataset.Checked, columns []dataset.Field) (proposed Schema, changes []Change) {
	if !dataset.Named(s.Spec(), columns) {
		return s, nil
	}
	var next []pipeline.Column
	for _, c := range s.Columns {
		if !slices.ContainsFunc(columns, func(f dataset.Field) bool { return f.Name == c.Name }) {
			continue
		}
		next = append(next, retyped(c, seen))
	}
	proposed = s.with(next)
	changes = Diff(s, proposed)
	for i := range changes {
		if changes[i].Aspect == Removed {
			changes[i].Breaking, changes[i].words = true, "the data lack it"
		}
	}
	return proposed, changes
}

func retyped(c pipeline.Column, seen dataset.Checked) pipeline.Column {
	i := slices.IndexFunc(seen.Breaches, func(b dataset.Breach) bool { return b.Column == c.Name && b.Rule == dataset.RuleType })
	if i < 0 || 2*seen.Breaches[i].Count < seen.Rows {
		return c
	}
	to := pipeline.Column{Name: c.Name, Type: pipeline.Category, MissingMax: c.MissingMax, Known: c.Known}
	if seen.Numbers[c.Name] == seen.Breaches[i].Count {
		to.Type, to.Unit, to.Min, to.Max = pipeline.Number, c.Unit, c.Min, c.Max
	}
	return to
}
