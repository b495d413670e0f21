package feature

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/expression"
	"github.com/loanops/loanops/internal/pipeline"
)

// Feeds are those that are simulated.
var Feeds = []string{"bureau", "payments"}

func (r *rules) view(path string, v *View) {
	r.about(path, &v.About)
	r.whose(path, v)
	r.origin(path, v)
	columns := r.columns(path, v)
	r.files(path, v)
	r.times(path, v)
	r.cleaning(path, v, columns)
	if len(v.Rules) > maxRules {
		r.Wrong(path+".rules", "%d rules; at most %d are wanted", len(v.Rules), maxRules)
	} else {
		r.severities(path+".rules", v.Rules)
		r.conditions(path+".rules", v)
	}
	r.CheckShare(path+".quarantine.max_share", v.Quarantine.MaxShare)
	for i := range v.Features {
		if i < maxFeatures {
			r.feature(fmt.Sprintf("%s.features[%d]", path, i), v, &v.Features[i])
		}
	}
	if len(v.Features) == 0 && !r.read(v.Name) {
		r.Wrong(path, "view %q has no features, and no view in SQL reads its rows; list what is made of them", clip(v.Name))
	}
}

// severities checks rules as a pipeline's are checked, which may be warnings: what breaks a view's rule is never taken.
func (r *rules) severities(path string, of []pipeline.Rule) {
	of = slices.Clone(of)
	for i := range of {
		if at := fmt.Sprintf("%s[%d].severity", path, i); r.Has(at) {
			r.Wrong(at, "rule %s has a severity; leave it out: a view takes no row that breaks a rule, see quarantine.max_share", clip(of[i].Name))
			of[i].Severity = "error"
		}
	}
	r.CheckRules(path, of)
}

// conditions checks that rules are expressions over the view's columns: files and posted rows are held against the same ones.
func (r *rules) conditions(path string, v *View) {
	types := map[string]pipeline.ColumnType{}
	for _, c := range v.Inputs() {
		if !slices.Contains([]pipeline.ColumnType{pipeline.Number, pipeline.Integer, pipeline.Boolean, pipeline.Decimal, pipeline.Category}, c.Type) {
			return // that is told of already
		}
		types[c.Name] = c.Type
	}
	for i, rule := range v.Rules {
		if _, err := expression.Compile(rule.Expression, types, pipeline.Boolean); err != nil && rule.Expression != "" {
			r.Wrong(fmt.Sprintf("%s[%d].expression", path, i), "rule %s is no condition over the view's columns: %s", clip(rule.Name), err)
		}
	}
}

// whose checks whom the rows are about.
func (r *rules) whose(path string, v *View) {
	if len(v.Keys) > 0 || v.Entity != "" && r.entities[v.Entity] != "" {
		return // an entity without keys is told of where it stands
	}
	known := slices.Sorted(maps.Keys(r.entities))
	for name := range r.registered.kinds[KindEntity] {
		known = append(known, name)
	}
	switch {
	case v.Entity == "":
		r.Wrong(path+".entity", "view %q needs entity, the name of one that entities declares: whom the rows are about", clip(v.Name))
	case len(known) == 0:
		r.Wrong(path+".entity", "there is no entity %q; declare it under entities", clip(v.Entity))
	default:
		r.Wrong(path+".entity", "there is no entity %q; %s", clip(v.Entity), near(v.Entity, known))
	}
}

// origin checks where rows come from.
func (r *rules) origin(path string, v *View) {
	fed := v.Source != nil || v.Events
	switch {
	case !fed && v.SQL == nil:
		r.Wrong(path, "view %q has no rows; give source (files, a database, simulate), events: true for rows that are posted, both of these, or sql", clip(v.Name))
	case fed && v.SQL != nil:
		r.Wrong(path+".sql", "view %q has sql beside source or events; SQL makes rows of other views' rows alone", clip(v.Name))
	}
	if v.Source != nil {
		r.source(path+".source", v.Source)
	}
	if v.SQL != nil {
		r.sql(path+".sql", v.SQL)
	}
}

func (r *rules) source(path string, s *Source) {
	if s.Simulate == nil {
		r.CheckRelation(path, &s.Relation)
		return
	}
	for _, other := range []string{"uri", "csv", "parquet", "jsonl", "postgres", "missing", "select", "rename", "where"} {
		if r.Has(path + "." + other) {
			r.Wrong(path+"."+other, "%s has %s beside simulate, whose rows are made as they are; keep one", path, other)
		}
	}
	if !slices.Contains(Feeds, s.Simulate.Feed) {
		r.Wrong(path+".simulate.feed", "feed is %q; %s", clip(s.Simulate.Feed), near(s.Simulate.Feed, Feeds))
	}
	r.CheckSimulate(path+".simulate", &s.Simulate.Simulate)
}

// columns checks that every column of a view's rows has one name and one role. It returns the types of those that cleaning can clean.
func (r *rules) columns(path string, v *View) map[string]pipeline.ColumnType {
	types, role := map[string]pipeline.ColumnType{}, map[string]string{}
	claim := func(at, name, as string, of pipeline.ColumnType) {
		if other, taken := role[name]; taken {
			r.Wrong(at, "%q is %s of the view already; it cannot be %s as well", name, other, as)
			return
		}
		role[name], types[name] = as, of
	}
	for _, key := range v.Keys {
		claim(path+".entity", key, "a key", pipeline.Text)
	}
	if v.EventTimestamp != "" {
		claim(path+".event_timestamp", v.EventTimestamp, "the event timestamp", v.Types[v.EventTimestamp])
	}
	if v.CreatedTimestamp != "" && v.CreatedTimestamp != v.EventTimestamp {
		claim(path+".created_timestamp", v.CreatedTimestamp, "the created timestamp", v.Types[v.CreatedTimestamp])
	}
	if v.ID != "" && r.name(path+".id", "column", v.ID) {
		claim(path+".id", v.ID, "the id", pipeline.Text)
	}
	if len(v.Columns) > maxFeatures || len(v.Features) > maxFeatures {
		r.Wrong(path, "view %q has %d columns and %d features; at most %d of each are wanted", clip(v.Name), len(v.Columns), len(v.Features), maxFeatures)
		return types
	}
	for i, column := range v.Columns {
		at := fmt.Sprintf("%s.columns[%d]", path, i)
		if r.name(at+".name", "column", column.Name) {
			claim(at+".name", column.Name, "a column", column.Type)
			r.column(at, column)
		}
	}
	for i := range v.Features {
		f, at := &v.Features[i], fmt.Sprintf("%s.features[%d].name", path, i)
		if !r.name(at, "feature", f.Name) {
			continue
		}
		claim(at, f.Name, "a feature", f.Type)
		if !f.Plain() || f.Of != "" {
			delete(types, f.Name) // it is made of a column, and is none
		}
	}
	return types
}

// files refuses names that columns of the view's files have of their own.
func (r *rules) files(path string, v *View) {
	name, before := v.Twice()
	if name == "" {
		return
	}
	at := path + ".entity" // a key
	for i, c := range v.Columns {
		if c.Name == name {
			at = fmt.Sprintf("%s.columns[%d].name", path, i)
		}
	}
	for i, f := range v.Features {
		if f.Name == name {
			at = fmt.Sprintf("%s.features[%d].name", path, i)
		}
	}
	r.Wrong(at, "files of view %q would have a column %q beside %q of their own; take another name", clip(v.Name), clip(name), clip(before))
}

func (r *rules) column(path string, column pipeline.Column) {
	r.CheckColumn(path, column)
	r.line(path+".unit", "unit", column.Unit, maxUnit)
	if column.Known != "" || column.Reason != "" {
		r.Wrong(path, "known and reason belong to what a model reads, and columns are none of that; give the reason to the feature that is made of %q", clip(column.Name))
	}
	if len(column.Domain) > maxDomain {
		r.Wrong(path+".domain", "%d values; at most %d are wanted", len(column.Domain), maxDomain)
	}
}

// times checks the columns of time.
func (r *rules) times(path string, v *View) {
	for _, column := range []struct{ key, name, is string }{
		{"event_timestamp", v.EventTimestamp, "when a row was true"}, {"created_timestamp", v.CreatedTimestamp, "when it was known; the same column where the feed does not say"},
	} {
		switch at := path + "." + column.key; {
		case column.name == "":
			r.Wrong(at, "view %q needs %s, the column that says %s", clip(v.Name), column.key, column.is)
		case v.Source == nil && column.name != column.key:
			r.Wrong(at, "%s is %q; rows that are posted, and those of SQL, have it in a column of that very name: leave it out", column.key, clip(column.name))
		case !namePattern.MatchString(column.name) || strings.HasPrefix(column.name, ownPrefix):
			r.Wrong(at, "%s is %q; %s, and not %s at the beginning: a source renames its columns by rename", column.key, clip(column.name), wantedName, ownPrefix)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.Types)) {
		switch of := v.Types[name]; {
		case name != v.EventTimestamp && name != v.CreatedTimestamp:
			r.Wrong(path+".types."+name, "types is for event_timestamp and created_timestamp; %q has its type in columns or features", clip(name))
		case of != pipeline.Day && of != pipeline.Timestamp:
			r.Wrong(path+".types."+name, "type is %q; date or timestamp is wanted", clip(string(of)))
		}
	}
}

func (r *rules) cleaning(path string, v *View, columns map[string]pipeline.ColumnType) {
	switch {
	case len(v.Clean) > maxSteps:
		r.Wrong(path+".clean", "%d steps of cleaning; at most %d are wanted", len(v.Clean), maxSteps)
		return
	case len(v.Clean) > 0 && v.SQL != nil:
		r.Wrong(path+".clean", "view %q has sql, whose rows are made of clean ones; clean them where they come in", clip(v.Name))
		return
	}
	r.CheckCleaning(path+".clean", v.Clean, columns, "not in the view; name it in columns or features, as id, as a timestamp, or as a key of the entity")
	for i := range v.Clean {
		if v.Clean[i].OfTable() {
			r.Wrong(fmt.Sprintf("%s.clean[%d]", path, i), "%s looks at rows beside each other; a view's rows are cleaned one by one, for some come alone", v.Clean[i].Kind())
		}
	}
}
