package dataset

import (
	"fmt"
	"slices"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/statistics"
)

// minClass is the fewest labels of each class with which training makes sense at all.
const minClass = 10

// Judge makes findings of what was found in all rows. Columns are those that the rows had. Rows that break a rule refuse training when they are
// more than the spec lets into quarantine; a column that the spec does not know is a warning: new columns must not stop a retraining. So do too few
// labels of either class.
func (v *Validator) Judge(all Checked, columns []Field) Report {
	r := v.judge(all, columns, Error, statistics.Above)
	if all.Rows > 0 && (all.Positive < minClass || all.Labelled-all.Positive < minClass) {
		r.add(Error, v.spec.Label.Column, RuleLabel, Breach{Count: all.Labelled}, "%d labelled rows with %d positive; at least %d of each class are needed",
			all.Labelled, all.Positive, minClass)
	}
	return r
}

// JudgeYoung is Judge of rows that are looked at and not trained on: nobody expects labels of them, so that a missing column of labels is a
// warning, and shares are those of all rows to come, of which there may be few yet: so many of them break a rule, or are missing, only where that is beyond chance.
func (v *Validator) JudgeYoung(all Checked, columns []Field) Report {
	return v.judge(all, columns, Warning, statistics.BeyondChance)
}

// judge finds what is wrong; how bad it is that there is no column of labels is unlabelled.
func (v *Validator) judge(all Checked, columns []Field, unlabelled Severity, exceeds statistics.Exceeds) Report {
	r := Report{Rows: all.Rows, Labelled: all.Labelled, Positive: all.Positive, Findings: []Finding{}}
	if all.Rows == 0 {
		r.add(Error, "", RuleRows, Breach{}, "the data have no rows")
		return r
	}
	r.columns(v.spec, columns, unlabelled)
	severity := Warning
	if exceeds(all.Failing, all.Rows, v.spec.Schema.Quarantine.MaxShare) {
		severity = Error
	}
	for _, breach := range all.Breaches {
		r.add(severity, breach.Column, breach.Rule, breach, "column %q: %d values %s", breach.Column, breach.Count, v.broken(breach))
	}
	if severity == Error {
		r.add(Error, "", RuleQuarantine, Breach{Count: all.Failing}, "%d of %d rows (%s) break a rule, %s are accepted (schema.quarantine.max_share)",
			all.Failing, all.Rows, percent(all.Failing, all.Rows), percentOf(v.spec.Schema.Quarantine.MaxShare))
	}
	kept := all.Kept
	for _, c := range v.spec.Columns {
		if missing := all.Missing[c.Name]; exceeds(missing, kept, c.MissingMax) {
			r.add(Error, c.Name, RuleMissingRate, Breach{Count: missing}, "column %q: %d of %d values (%s) are missing, %s are accepted (missing_max)",
				c.Name, missing, kept, percent(missing, kept), percentOf(c.MissingMax))
		}
	}
	return r
}

// broken says in words what is wrong with a breach's values.
func (v *Validator) broken(b Breach) string {
	i := slices.IndexFunc(v.spec.Columns, func(c pipeline.Column) bool { return c.Name == b.Column })
	switch b.Rule {
	case RuleType:
		return "are no " + string(v.spec.TypeOf(b.Column)) + " after cleaning"
	case RuleDomain:
		return "are outside the domain"
	case RuleRange:
		return "are outside " + bounds(v.spec.Columns[i])
	case RuleRequired:
		return "are missing"
	case RuleFutureDate:
		return "are after the day on which the data were known, " + v.knownAt.Format(pipeline.DateLayout)
	default:
		return fmt.Sprintf("are other than %q and %q", v.spec.Label.Positive, v.spec.Label.Negative)
	}
}

func bounds(c pipeline.Column) string {
	switch {
	case c.Min == nil:
		return fmt.Sprintf("the range up to %v", *c.Max)
	case c.Max == nil:
		return fmt.Sprintf("the range from %v", *c.Min)
	}
	return fmt.Sprintf("the range from %v to %v", *c.Min, *c.Max)
}

// columns compares those that the rows have with those that the spec knows.
func (r *Report) columns(spec pipeline.Spec, have []Field, unlabelled Severity) {
	has := func(name string) bool {
		return name == "" || slices.ContainsFunc(have, func(f Field) bool { return f.Name == name })
	}
	for _, c := range spec.Columns {
		if !has(c.Name) {
			r.add(Error, c.Name, RuleMissingColumn, Breach{Count: r.Rows}, "column %q is missing", c.Name)
		}
	}
	for _, of := range []struct {
		role, name string
		severity   Severity
	}{{"entity", spec.Entity, Error}, {"time", spec.Time, Error}, {"label", spec.Label.Column, unlabelled}} {
		if !has(of.name) {
			r.add(of.severity, of.name, RuleMissingColumn, Breach{Count: r.Rows}, "the %s column %q is missing", of.role, of.name)
		}
	}
	for _, name := range spec.Protected {
		if !has(name) {
			r.add(Warning, name, RuleProtected, Breach{}, "protected attribute %q is missing: fairness cannot be measured", name)
		}
	}
	if !Named(spec, have) {
		r.add(Error, "", RuleUnexpectedColumn, Breach{Count: r.Rows}, "most of the spec's columns are missing; is the first line of the file a header?")
		return
	}
	for _, f := range have {
		if f.Name != RowColumn && !spec.Knows(f.Name) {
			r.add(Warning, f.Name, RuleUnexpectedColumn, Breach{Count: r.Rows}, "column %q is not in the spec and is not used; add it to columns, protected or ignore", f.Name)
		}
	}
}

// Named reports whether columns go by names that the spec knows: at least half of its features are there. Else what stands for a name may be a
// person's value, of a file without a header, and is repeated nowhere.
func Named(spec pipeline.Spec, have []Field) bool {
	there := 0
	for _, c := range spec.Columns {
		if slices.ContainsFunc(have, func(f Field) bool { return f.Name == c.Name }) {
			there++
		}
	}
	return 2*there >= len(spec.Columns)
}

func (r *Report) add(severity Severity, column string, rule Rule, found Breach, format string, args ...any) {
	f := Finding{Column: column, Rule: rule, Severity: severity, Count: found.Count, RowIDs: found.RowIDs, Message: fmt.Sprintf(format, args...)}
	if r.Rows > 0 {
		f.Share = float64(found.Count) / float64(r.Rows)
	}
	if f.RowIDs == nil {
		f.RowIDs = []string{}
	}
	r.Findings = append(r.Findings, f)
}

// Evolves notes what becomes a part of the schema.
func (r *Report) Evolves(column string, rows int64, words string) {
	r.add(Warning, column, RuleSchema, Breach{Count: rows}, "the schema grows: %s", words)
}

// Repeated notes an entity that is in more than one row.
func (r *Report) Repeated(column string, rows int64) {
	if rows > 0 {
		r.add(Error, column, RuleDuplicates, Breach{Count: rows}, "the entity column %q repeats in %d rows; one row per application is wanted", column, rows)
	}
}

// Broken notes the rows that break a rule across columns. Severity is the spec's.
func (r *Report) Broken(rule pipeline.Rule, found Breach) {
	if found.Count > 0 {
		r.add(Severity(rule.Severity), "", Rule(rule.Name), found, "rule %q: %d rows break it", rule.Name, found.Count)
	}
}

// Duplicates notes rows that equal an earlier one in every column. They may be different applications that are described alike.
func (r *Report) Duplicates(rows int64) {
	if rows > 0 {
		r.add(Warning, "", RuleDuplicates, Breach{Count: rows}, "%d rows equal an earlier one in every column; drop_duplicates leaves them out where they are the same applications", rows)
	}
}

func percent(part, whole int64) string {
	if whole == 0 {
		return "0 %"
	}
	return percentOf(float64(part) / float64(whole))
}

func percentOf(share float64) string { return fmt.Sprintf("%.4g %%", 100*share) }
