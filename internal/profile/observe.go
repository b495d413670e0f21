package profile

import (
	"fmt"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/dataset"
)

// Severity says how soon an analyst should look.
type Severity string

// The severities.
const (
	High   Severity = "high"   // a model of these data may be wrong
	Medium Severity = "medium" // a model would be better without it
	Low    Severity = "low"    // good to know
)

// Observation is one thing that an analyst should know, about one column or several.
type Observation struct {
	Rule     string     `json:"rule"`
	Severity Severity   `json:"severity"`
	Title    string     `json:"title"`
	Advice   string     `json:"advice"`
	Columns  []Observed `json:"columns"`
	// Fragment is YAML of a pipeline spec that does it; empty where a person has to decide first.
	Fragment string `json:"fragment,omitempty"`
}

// Observed is a column and what was seen of it, as counts and figures; never a text of a row.
type Observed struct {
	Column string `json:"column"`
	Detail string `json:"detail"`
}

// Bounds of the rules.
const (
	manyMissing     = 0.5  // share of rows
	fewMissing      = 0.02 // information value below which a column of many missing values says nothing
	nearlyUnique    = 0.95 // distinct values per row
	strongIV        = 0.5
	leakIV          = 1.0
	sameAssociation = 0.95
	skewed          = 5.0  // skewness, either way
	missingByLabel  = 0.05 // difference of the shares of missing values between the classes
	certain         = 5.0  // that difference in standard errors
)

// observe lists what is to be told, the most severe first, else in the order of the rules.
func observe(p *Profile) []Observation {
	found := []Observation{}
	for _, rule := range []func(*Profile) []Observation{strong, specialCodes, unstable, labelledMissing, constant, unique, correlated, missingMuch, outlying, skew} {
		found = append(found, rule(p)...)
	}
	order := []Severity{High, Medium, Low}
	slices.SortStableFunc(found, func(a, b Observation) int { return slices.Index(order, a.Severity) - slices.Index(order, b.Severity) })
	return found
}

// each makes one observation of all columns of which a rule has something to say.
func each(p *Profile, o Observation, detail func(*Column) string) []Observation {
	for i := range p.Columns {
		if c := &p.Columns[i]; c.Role != Label {
			if text := detail(c); text != "" {
				o.Columns = append(o.Columns, Observed{c.Name, text})
			}
		}
	}
	if len(o.Columns) == 0 {
		return nil
	}
	return []Observation{o}
}

// of are the features of an observation; protected columns need no preparation.
func (o *Observation) of(p *Profile) (columns []*Column) {
	for _, seen := range o.Columns {
		for i := range p.Columns {
			if c := &p.Columns[i]; c.Name == seen.Column && c.Role == Feature {
				columns = append(columns, c)
			}
		}
	}
	return columns
}

func strong(p *Profile) []Observation {
	severity := Medium
	found := each(p, Observation{
		Rule: "strong", Title: "Suspiciously strong",
		Advice: "An information value above 0.5 is rare for what is known at the application. Ask when and by whom the column is filled. What is known only after the outcome is a leak and has to go; what is not is your best column.",
	}, func(c *Column) string {
		if c.Role != Feature || c.ByLabel == nil || c.ByLabel.IV-c.ByLabel.Chance <= strongIV {
			return ""
		}
		if c.ByLabel.IV > leakIV {
			severity = High
		}
		return fmt.Sprintf("information value %.2f", c.ByLabel.IV)
	})
	for i := range found {
		found[i].Severity = severity
	}
	return withFragment(p, found, func(columns []*Column) string {
		return "# only those that are known after the outcome\n" + leaveOut(columns)
	})
}

func unstable(p *Profile) []Observation {
	return each(p, Observation{
		Rule: "unstable", Severity: Medium, Title: "Unstable over time",
		Advice: "A population stability index above 0.25 means that the column holds other values than in all rows. Look for a change of process, coding or source in that period; train on the time after it, or leave the column out.",
	}, func(c *Column) string {
		if c.Stability == nil || c.Stability.PSI == nil || *c.Stability.PSI <= UnstablePSI {
			return ""
		}
		return fmt.Sprintf("stability index %.2f in %s", *c.Stability.PSI, c.Stability.Worst)
	})
}

func labelledMissing(p *Profile) []Observation {
	return each(p, Observation{
		Rule: "missing_by_label", Severity: High, Title: "Missing more often with one label",
		Advice: "Whether the value is missing says something about the outcome. That is fine when it is missing for a reason known at the application; when it is filled in later, for some outcomes only, it is a leak.",
	}, func(c *Column) string {
		n, m := shareMissing(c, p)
		if d := m.share - n.share; math.Abs(d) < missingByLabel || math.Abs(d) < certain*math.Sqrt(n.variance+m.variance) {
			return ""
		}
		return fmt.Sprintf("missing in %.1f %% of the positive and %.1f %% of the negative rows", 100*m.share, 100*n.share)
	})
}

// estimate is a share with the variance of its estimate.
type estimate struct{ share, variance float64 }

// shareMissing is the share of missing values among the negative and the positive rows.
func shareMissing(c *Column, p *Profile) (negatives, positives estimate) {
	if c.ByLabel == nil || p.Positive == 0 || p.Positive == p.Labelled {
		return negatives, positives
	}
	of := func(missing, rows int) estimate {
		share := float64(missing) / float64(rows)
		return estimate{share, (share*(1-share) + 0.25/float64(rows)) / float64(rows)}
	}
	for _, b := range c.ByLabel.Bins {
		if b.Kind == BinMissing {
			return of(b.Labelled-b.Positive, p.Labelled-p.Positive), of(b.Positive, p.Positive)
		}
	}
	return negatives, positives
}

func constant(p *Profile) []Observation {
	found := each(p, Observation{
		Rule: "constant", Severity: Medium, Title: "Constant or empty",
		Advice: "The column says the same of every row. Leave it out, or ask why nothing else arrives.",
	}, func(c *Column) string {
		switch {
		case c.Missing == p.Rows && p.Rows > 0:
			return "no values"
		case c.Distinct == 1 && c.Missing == 0:
			return "one value"
		case c.Distinct == 1 && c.ByLabel != nil && c.ByLabel.IV-c.ByLabel.Chance < fewMissing:
			return fmt.Sprintf("one value, or missing (%.1f %%)", share(c.Missing, p.Rows))
		}
		return ""
	})
	return withFragment(p, found, leaveOut)
}

func unique(p *Profile) []Observation {
	found := each(p, Observation{
		Rule: "nearly_unique", Severity: Medium, Title: "Nearly unique",
		Advice: "Almost every row has a value of its own, as identifiers have. No model learns from that; it may identify a person.",
	}, func(c *Column) string {
		present := p.Rows - c.Missing
		whole := c.Type == dataset.Text || c.Type == dataset.Integer
		if !whole || present < 100 || float64(c.Distinct) < nearlyUnique*float64(present) {
			return ""
		}
		return fmt.Sprintf("about %s different values in %s rows", rowsWritten(c.Distinct), rowsWritten(present))
	})
	return withFragment(p, found, leaveOut)
}

func missingMuch(p *Profile) []Observation {
	keep := Observation{
		Rule: "missing", Severity: Low, Title: "Missing in most rows",
		Advice: "The column goes with the label all the same. Accept what is missing now, so that validation notices when it becomes more.",
	}
	drop := Observation{
		Rule: "missing_useless", Severity: Medium, Title: "Missing in most rows and of no use",
		Advice: "More than half of the values are missing, and the rest hardly goes with the label (information value below 0.02). Leave it out.",
	}
	of := func(useful bool) func(*Column) string {
		return func(c *Column) string {
			if c.Missing == p.Rows || c.Distinct < 2 || float64(c.Missing) <= manyMissing*float64(p.Rows) || (c.ByLabel == nil || c.ByLabel.IV-c.ByLabel.Chance >= fewMissing) != useful {
				return ""
			}
			return fmt.Sprintf("%.1f %% missing", share(c.Missing, p.Rows))
		}
	}
	return append(withFragment(p, each(p, drop, of(false)), leaveOut), withFragment(p, each(p, keep, of(true)), func(columns []*Column) string { return accept(columns, p.Rows) })...)
}

func outlying(p *Profile) []Observation {
	found := each(p, Observation{
		Rule: "outliers", Severity: Low, Title: "Extreme outliers",
		Advice: "A few numbers lie more than ten interquartile ranges beyond the quartiles. Check the units and typing errors first; then move them to the 1st or 99th percentile, so that they do not pull a line.",
	}, func(c *Column) string {
		if c.Numbers == nil || c.Numbers.Outliers == 0 {
			return ""
		}
		rows := "rows"
		if c.Numbers.Outliers == 1 {
			rows = "row"
		}
		what := "numbers "
		if c.Type == dataset.Date || c.Type == dataset.Timestamp {
			what = ""
		}
		text := func(x float64) string { return Written(c.Type, x) }
		return fmt.Sprintf("%s %s; %sfrom %s to %s, the middle 98 %% from %s to %s",
			rowsWritten(c.Numbers.Outliers), rows, what, text(c.Numbers.Min), text(c.Numbers.Max), text(c.Numbers.Q01), text(c.Numbers.Q99))
	})
	return withFragment(p, found, clip)
}

func skew(p *Profile) []Observation {
	found := each(p, Observation{
		Rule: "skewed", Severity: Low, Title: "Heavily skewed",
		Advice: "Most numbers are close together and some are far away. A linear model sees little but the tail: move it to the 1st or 99th percentile.",
	}, func(c *Column) string {
		if c.Numbers == nil || c.Numbers.Outliers > 0 || len(c.Numbers.Codes) > 0 || c.Distinct < 3 || math.Abs(c.Numbers.Skewness) < skewed {
			return ""
		}
		return fmt.Sprintf("skewness %.1f", c.Numbers.Skewness)
	})
	return withFragment(p, found, clip)
}

// withFragment adds what to do about the features of an observation.
func withFragment(p *Profile, found []Observation, fragment func([]*Column) string) []Observation {
	for i := range found {
		if columns := found[i].of(p); len(columns) > 0 {
			found[i].Fragment = fragment(columns)
		}
	}
	return found
}

// share in percent.
func share(part, whole int) float64 { return 100 * float64(part) / float64(whole) }
