package profile

import (
	"fmt"
	"math"
	"slices"
)

// specialCodes makes one observation of each code, for the same one stands for the same in many columns.
func specialCodes(p *Profile) []Observation {
	var values []float64
	for i := range p.Columns {
		if n := p.Columns[i].Numbers; n != nil {
			for _, c := range n.Codes {
				if !slices.Contains(values, c.Value) {
					values = append(values, c.Value)
				}
			}
		}
	}
	slices.Sort(values)
	var found []Observation
	for _, value := range values {
		of := each(p, Observation{
			Rule: "special_code", Severity: High, Title: fmt.Sprintf("%s looks like a code", figure(value)),
			Advice: "The number lies far outside the others and repeats. If it says why there is no value, make it missing, and write down what it means.",
		}, func(c *Column) string {
			if c.Numbers != nil {
				for _, code := range c.Numbers.Codes {
					if code.Value == value {
						return fmt.Sprintf("%s rows (%.1f %%)", readable(float64(code.Rows)), share(code.Rows, p.Rows))
					}
				}
			}
			return ""
		})
		found = append(found, withFragment(p, of, func(columns []*Column) string { return missingCode(columns, value) })...)
	}
	return found
}

// correlated names of each pair the column that says less of the label, or the later one; a column that is left out already says nothing of others.
func correlated(p *Profile) []Observation {
	if p.Associations == nil {
		return nil
	}
	byName := map[string]*Column{}
	for i := range p.Columns {
		byName[p.Columns[i].Name] = &p.Columns[i]
	}
	o := Observation{
		Rule: "correlated", Severity: Medium, Title: "Nearly the same as another column",
		Advice: "Two columns that say the same share their weight in a model, and its reasons with it. Of each pair the one that says less of the label can go.",
	}
	out := map[string]bool{}
	for i, row := range p.Associations.Values {
		for j, value := range row {
			if value == nil || math.Abs(*value) < sameAssociation {
				continue
			}
			a, b := byName[p.Associations.Columns[i]], byName[p.Associations.Columns[j]]
			if a.Role != Feature || b.Role != Feature || out[a.Name] || out[b.Name] {
				continue
			}
			drop, keep := a, b
			if a.ByLabel != nil && b.ByLabel != nil && a.ByLabel.IV > b.ByLabel.IV {
				drop, keep = b, a
			}
			out[drop.Name] = true
			o.Columns = append(o.Columns, Observed{drop.Name, fmt.Sprintf("%.2f with %s", *value, keep.Name)})
		}
	}
	if len(o.Columns) == 0 {
		return nil
	}
	return withFragment(p, []Observation{o}, leaveOut)
}
