package dataset

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/pipeline"
)

// Severity says whether a finding refuses training.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is one thing that validation saw. It names columns and counts, never an applicant's values.
type Finding struct {
	Severity Severity `json:"severity"`
	Column   string   `json:"column"`
	Rule     string   `json:"rule"`
	Message  string   `json:"message"`
	Count    int      `json:"count"`
}

// Report is the outcome of Validate.
type Report struct {
	Rows     int       `json:"rows"`
	Labelled int       `json:"labelled"` // rows with a known, matured label
	Positive int       `json:"positive"`
	Findings []Finding `json:"findings"`
}

// Messages returns the texts of the findings of a severity.
func (r Report) Messages(severity Severity) []string {
	texts := []string{}
	for _, f := range r.Findings {
		if f.Severity == severity {
			texts = append(texts, f.Message)
		}
	}
	return texts
}

func (r *Report) add(severity Severity, column, rule string, count int, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{severity, column, rule, fmt.Sprintf(format, args...), count})
}

// minClass is the fewest labels of each class with which training makes sense at all.
const minClass = 10

// Validate holds a table against its spec: types, domains, ranges, missing rates, missing and unexpected columns, the
// entity's uniqueness and the label. A column that the spec does not know is a warning: new columns must not stop a retraining.
func Validate(spec pipeline.Spec, t Table, asOf time.Time) Report {
	r := Report{Rows: t.Rows(), Findings: []Finding{}}
	if t.Rows() == 0 {
		r.add(Error, "", "rows", 0, "the data have no rows")
		return r
	}
	for _, column := range spec.Columns {
		r.feature(column, t.Column(column.Name))
	}
	r.unexpected(spec, t)
	r.entity(spec, t)
	r.time(spec, t)
	for _, name := range spec.Protected {
		if t.Column(name) == nil {
			r.add(Warning, name, "protected", 0, "protected attribute %q is missing: fairness cannot be measured", name)
		}
	}
	r.label(spec, t, asOf)
	return r
}

func (r *Report) feature(want pipeline.Column, c *Column) {
	if c == nil {
		r.add(Error, want.Name, "missing_column", r.Rows, "column %q is missing", want.Name)
		return
	}
	missing := c.missing()
	if share := float64(missing) / float64(r.Rows); share > want.MissingMax {
		r.add(Error, want.Name, "missing_rate", missing, "column %q: %d of %d values (%.1f %%) are missing, %.1f %% are accepted",
			want.Name, missing, r.Rows, 100*share, 100*want.MissingMax)
	}
	if want.Type == pipeline.Category {
		r.category(want, c)
		return
	}
	if c.Kind != Float {
		r.add(Error, want.Name, "type", c.Len(), "column %q is not a number", want.Name)
		return
	}
	var below, above int
	for _, value := range c.Floats {
		if want.Min != nil && value < *want.Min {
			below++
		}
		if want.Max != nil && value > *want.Max {
			above++
		}
	}
	if below > 0 {
		r.add(Error, want.Name, "range", below, "column %q: %d values below %v", want.Name, below, *want.Min)
	}
	if above > 0 {
		r.add(Error, want.Name, "range", above, "column %q: %d values above %v", want.Name, above, *want.Max)
	}
}

// category looks for values outside the domain. Up to five are shown, clipped: they are a column's vocabulary, not a person's.
func (r *Report) category(want pipeline.Column, c *Column) {
	if c.Kind != Text {
		r.add(Error, want.Name, "type", c.Len(), "column %q is not text", want.Name)
		return
	}
	if len(want.Domain) == 0 {
		return
	}
	outside, strange := 0, map[string]bool{}
	for i, value := range c.Texts {
		if c.Valid[i] && !slices.Contains(want.Domain, value) {
			outside++
			strange[value] = true
		}
	}
	if outside == 0 {
		return
	}
	shown := []string{}
	for value := range strange {
		if len(value) > 40 {
			value = value[:40] + "…"
		}
		shown = append(shown, fmt.Sprintf("%q", value))
	}
	slices.Sort(shown)
	if len(shown) > 5 {
		shown = append(shown[:5], "…")
	}
	r.add(Error, want.Name, "domain", outside, "column %q: %d values outside the domain (%s)", want.Name, outside, strings.Join(shown, ", "))
}

func (r *Report) unexpected(spec pipeline.Spec, t Table) {
	known := map[string]bool{spec.Entity: true, spec.Time: true, spec.Label.Column: true}
	for _, names := range [][]string{spec.Protected, spec.Ignore} {
		for _, name := range names {
			known[name] = true
		}
	}
	for _, column := range spec.Columns {
		known[column.Name] = true
	}
	for i := range t.Columns {
		if name := t.Columns[i].Name; !known[name] {
			r.add(Warning, name, "unexpected_column", r.Rows, "column %q is not in the spec and is not used; add it to columns, protected or ignore", name)
		}
	}
}

func (r *Report) entity(spec pipeline.Spec, t Table) {
	if spec.Entity == "" {
		return
	}
	c := t.Column(spec.Entity)
	if c == nil {
		r.add(Error, spec.Entity, "missing_column", r.Rows, "the entity column %q is missing", spec.Entity)
		return
	}
	seen := make(map[string]bool, r.Rows)
	repeated := 0
	for i := range c.Len() {
		text := c.text(i)
		if seen[text] && !c.Missing(i) {
			repeated++
		}
		seen[text] = true
	}
	if missing := c.missing(); missing > 0 {
		r.add(Error, spec.Entity, "missing_rate", missing, "the entity column %q is missing in %d rows", spec.Entity, missing)
	}
	if repeated > 0 {
		r.add(Error, spec.Entity, "duplicates", repeated, "the entity column %q repeats in %d rows; one row per application is wanted", spec.Entity, repeated)
	}
}

func (r *Report) time(spec pipeline.Spec, t Table) {
	if spec.Time == "" {
		return
	}
	c := t.Column(spec.Time)
	if c == nil || c.Kind != Date {
		r.add(Error, spec.Time, "missing_column", r.Rows, "the time column %q is missing or not a date", spec.Time)
		return
	}
	if missing := c.missing(); missing > 0 {
		r.add(Error, spec.Time, "missing_rate", missing, "the time column %q is missing in %d rows", spec.Time, missing)
	}
}

func (r *Report) label(spec pipeline.Spec, t Table, asOf time.Time) {
	y, err := Label(spec, t, asOf)
	if err != nil {
		r.add(Error, spec.Label.Column, "label", 0, "%s", err)
		return
	}
	for _, value := range y {
		if !math.IsNaN(value) {
			r.Labelled++
			r.Positive += int(value)
		}
	}
	if r.Positive < minClass || r.Labelled-r.Positive < minClass {
		r.add(Error, spec.Label.Column, "label", r.Labelled, "%d labelled rows with %d positive; at least %d of each class are needed", r.Labelled, r.Positive, minClass)
	}
}
