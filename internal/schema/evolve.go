package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/statistics"
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
// them than the domain has already, and values outside the range; each while the column's rows are no more than maxShare, 0 to 1, of all, as exceeds
// says it. columns are those that the rows had; known are columns that were recorded before.
func Evolve(s Schema, seen dataset.Checked, columns []dataset.Field, known []string, maxShare float64, exceeds statistics.Exceeds) Evolution {
	e := Evolution{taken: map[string]dataset.Novelty{}}
	tooMany := func(rows int64) bool { return exceeds(rows, seen.Rows, maxShare) }
	next := slices.Clone(s.Columns)
	for i := range next {
		novel := seen.Novel[next[i].Name].Within(next[i], tooMany)
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

// Rows is how many rows hold what a change takes in.
func (e Evolution) Rows(c Change) int64 {
	if c.Aspect == Domain {
		return e.taken[c.Column].Categories()
	}
	return e.taken[c.Column].Numbers
}

// grown is the column with what was new in it.
func grown(c pipeline.Column, novel dataset.Novelty) pipeline.Column {
	if len(novel.Texts) > 0 {
		c.Domain = append(slices.Clone(c.Domain), slices.Sorted(maps.Keys(novel.Texts))...)
	}
	if novel.Low != nil {
		c.Min = past(*novel.Low, -1)
	}
	if novel.High != nil {
		c.Max = past(*novel.High, 1)
	}
	return c
}

// past is the next number of two digits below (-1) or above (1) an applicant's, whose own is nobody's business.
func past(x, way float64) *float64 {
	next := dataset.Past(x, way)
	return &next
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
		if b.Count -= taken; b.Count > 0 {
			breaches = append(breaches, b)
		}
	}
	seen.Breaches = breaches
	good := e.good(seen)
	seen.Failing -= good
	seen.Kept += good
	return seen
}

// good is how many rows break no rule any more, at least.
func (e Evolution) good(seen dataset.Checked) (rows int64) {
	whole := func(column string) bool { return e.taken[column].Rows() > 0 && !e.taken[column].Partial }
	for _, novel := range e.taken {
		rows += novel.RowsAlone()
	}
	for columns, together := range seen.Sets() {
		if !slices.ContainsFunc(columns, func(c string) bool { return !whole(c) }) {
			rows += together
		}
	}
	return rows
}

// Propose is the schema under which data that lack columns, or hold another type in them, could be trained on, if a person accepts it; the same
// schema where there is none. A column counts as of another type when at least half of the rows cannot be read as its own. Where rules or steps of
// cleaning need the column as it was, the spec has to change, and nothing is proposed.
func Propose(s Schema, rules []pipeline.Rule, seen dataset.Checked, columns []dataset.Field) (proposed Schema, changes []Change) {
	if !dataset.Named(s.Spec(), columns) {
		return s, nil
	}
	var next []pipeline.Column
	for _, c := range s.Columns {
		there := slices.ContainsFunc(columns, func(f dataset.Field) bool { return f.Name == c.Name })
		if !there && needed(s, rules, c.Name) {
			return s, nil
		}
		if there {
			c = retyped(c, seen)
			if _, err := clean.New(s.Clean, c.Name, c.Type); err != nil {
				return s, nil
			}
			next = append(next, c)
		}
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

// needed reports whether a rule, or a step of tables, names a column. What an SQL condition names is not parsed: it is enough that the name is there.
func needed(s Schema, rules []pipeline.Rule, column string) bool {
	return slices.ContainsFunc(rules, func(r pipeline.Rule) bool { return strings.Contains(r.Expression, column) }) ||
		slices.ContainsFunc(s.Clean, func(step pipeline.CleanStep) bool {
			return step.DropDuplicates != nil && slices.Contains(step.DropDuplicates.Key, column) || step.Filter != nil && strings.Contains(step.Filter.Keep, column)
		})
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
