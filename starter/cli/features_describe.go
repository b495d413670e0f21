package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/profile"
	"github.com/loanops/loanops/internal/report"
)

// describeFreshness says how old what is served of a view is.
func (a *app) describeFreshness(f *report.Freshness) {
	if f == nil {
		return
	}
	promised := "nothing is promised"
	if f.Promised > 0 {
		promised = "at most " + report.Age(f.Promised) + " is promised"
	}
	switch f.State {
	case report.Absent:
		fmt.Fprintf(a.out, "freshness: nothing of its files is served, it was not materialized; %s\n", promised)
	default:
		fmt.Fprintf(a.out, "freshness: %s; what was known until %s is served, %s ago; %s\n", f.State, f.Until.Format(timeLayout), report.Age(f.Age), promised)
	}
	if f.Newest != nil {
		fmt.Fprintf(a.out, "newest event: %s\n", f.Newest.Format(timeLayout))
	}
	fmt.Fprintln(a.out)
}

// describeStatistics shows the features of a view in a line each.
func (a *app) describeStatistics(d shownDefinition) {
	if d.Kind != feature.KindView || len(d.Of.View.Features) == 0 {
		return
	}
	if d.Statistics == nil {
		fmt.Fprintf(a.out, "%s\n\n", withoutStatistics(d))
		return
	}
	fmt.Fprintf(a.out, "what it says of %s entities, by %s rows of %s days, as known on %s:\n", counted(d.Statistics.Entities), counted(d.Statistics.Rows), counted(int64(d.Statistics.Days)),
		d.Statistics.At.Time().Format(timeLayout))
	rows := [][]string{{"FEATURE", "MISSING", "DISTINCT", "MIN", "MEDIAN", "MAX", "MEAN", "SHAPE"}}
	for _, of := range d.Of.View.Features {
		c := d.Statistics.Feature(of.Name)
		if c == nil {
			rows = append(rows, []string{of.Name, "", "", "", "", "", "", ""})
			continue
		}
		row := []string{of.Name, shareOf(c.Missing, d.Statistics.Entities), counted(int64(c.Distinct)), "", "", "", "", sparked(*c, int(d.Statistics.Entities), 10)}
		if n := c.Numbers; n != nil {
			row[3], row[4], row[5], row[6] = written(*c, n.Min), written(*c, n.Median), written(*c, n.Max), profile.Written(dataset.Float, n.Mean)
		}
		rows = append(rows, row)
	}
	a.table(rows)
	fmt.Fprintln(a.out)
}

func withoutStatistics(d shownDefinition) string {
	if d.Unknown != "" {
		return "statistics are not known: " + d.Unknown
	}
	return fmt.Sprintf("there are no statistics of what is served; `loanops features materialize %s@%d` computes them", d.Name, d.Version)
}

// describeFeature shows one feature of a view, with its distribution.
func (a *app) describeFeature(d shownDefinition) {
	of := d.Of.View.Feature(d.Feature)
	rows := [][]string{{"type", string(d.Of.View.TypeOf(of))}}
	if !of.Plain() {
		rows = append(rows, []string{"computed", report.WindowOf(of)})
	}
	for _, row := range [][]string{
		{"unit", of.Unit}, {"range", report.RangeOf(d.Of.View, of)}, {"owner", d.Of.View.OwnerOf(of)}, {"tags", strings.Join(of.Tags, ", ")}, {"description", of.Description}, {"reason", of.Reason},
	} {
		if row[1] != "" {
			rows = append(rows, row)
		}
	}
	if of.Default != nil {
		rows = append(rows, []string{"default", fmt.Sprint(of.Default)})
	}
	a.table(rows)
	fmt.Fprintln(a.out)
	a.describeFreshness(d.Freshness)
	c := d.Statistics.Feature(d.Feature)
	if c == nil {
		fmt.Fprintf(a.out, "%s\n\n", withoutStatistics(d))
		return
	}
	entities := int(d.Statistics.Entities)
	fmt.Fprintf(a.out, "of %s entities, as known on %s: %s missing, %s different values\n", counted(d.Statistics.Entities), d.Statistics.At.Time().Format(timeLayout),
		shareOf(c.Missing, d.Statistics.Entities), counted(int64(c.Distinct)))
	if n := c.Numbers; n != nil {
		table := [][]string{{"MIN", "5 %", "25 %", "MEDIAN", "75 %", "95 %", "MAX", "MEAN", "SD"}, {}}
		for _, x := range []float64{n.Min, n.Q05, n.Q25, n.Median, n.Q75, n.Q95, n.Max} {
			table[1] = append(table[1], written(*c, x))
		}
		table[1] = append(table[1], profile.Written(dataset.Float, n.Mean), profile.Written(dataset.Float, n.SD))
		a.table(table)
	}
	fmt.Fprintln(a.out)
	lines := plotted(*c, entities)
	if len(lines) == 0 && c.Missing < entities {
		lines = []string{"  its values are of too few entities each to be told"}
	}
	for _, line := range lines {
		fmt.Fprintln(a.out, line)
	}
	fmt.Fprintln(a.out)
}

// describeUsers says who uses a definition.
func (a *app) describeUsers(d shownDefinition) {
	if len(d.Used.Definitions) > 0 {
		fmt.Fprintf(a.out, "named by %s\n", strings.Join(d.Used.Definitions, ", "))
	}
	rows := [][]string{{"USED BY", "VERSIONS", "TAKES"}}
	for _, p := range d.Used.Pipelines {
		rows = append(rows, []string{"pipeline " + p.Pipeline, publishedAs(p.Published), takes(d.Name, p.Version, p.Features)})
	}
	for _, m := range report.ModelsTogether(d.Used.Models) {
		rows = append(rows, []string{"model " + m.Model, m.Versions, takes(d.Name, m.Of, m.Features)})
	}
	switch {
	case len(rows) > 1:
		a.table(rows)
		fmt.Fprintln(a.out)
	case d.Unknown != "":
		fmt.Fprintf(a.out, "who uses it is not known: %s\n\n", d.Unknown)
	case d.Kind != feature.KindEntity:
		fmt.Fprint(a.out, "no pipeline and no model uses it\n\n")
	default:
		fmt.Fprintln(a.out)
	}
}

func publishedAs(version int) string {
	if version == 0 {
		return "current"
	}
	return fmt.Sprintf("current (published %d)", version)
}

// takes says what somebody takes of a view; empty of what is taken as a whole.
func takes(name string, version int, features []string) string {
	if version == 0 {
		return ""
	}
	return fmt.Sprintf("%s@%d: %s", name, version, strings.Join(slices.Sorted(slices.Values(features)), ", "))
}

func counted(n int64) string { return profile.Written(dataset.Integer, float64(n)) }

func shareOf(n int, all int64) string {
	if all == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(all))
}
