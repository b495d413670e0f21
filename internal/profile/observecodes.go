package profile

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/dataset"
)

// specialCodes makes one observation of each code, for the same one stands for the same in many columns.
func specialCodes(p *Profile) []Observation {
	type code struct {
		value float64
		text  string
	}
	var codes []code
	for i := range p.Columns {
		if c := &p.Columns[i]; c.Numbers != nil {
			for _, of := range c.Numbers.Codes {
				if found := (code{of.Value, codeWritten(c, of.Value)}); !slices.Contains(codes, found) {
					codes = append(codes, found)
				}
			}
		}
	}
	slices.SortFunc(codes, func(a, b code) int { return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.text, b.text)) })
	var found []Observation
	for _, of := range codes {
		told := each(p, Observation{
			Rule: "special_code", Severity: High, Title: of.text + " looks like a code",
			Advice: "The number lies far outside the others and repeats. If it says why there is no value, make it missing, and write down what it means.",
		}, func(c *Column) string {
			if c.Numbers != nil {
				for _, code := range c.Numbers.Codes {
					if code.Value == of.value && codeWritten(c, code.Value) == of.text {
						return fmt.Sprintf("%s rows (%.1f %%)", rowsWritten(code.Rows), share(code.Rows, p.Rows))
					}
				}
			}
			return ""
		})
		found = append(found, withFragment(p, told, func(columns []*Column) string { return missingCode(columns, of.value, p.Rows) })...)
	}
	return found
}

// codeWritten is a code as data have it: a number, or a day.
func codeWritten(c *Column, x float64) string {
	if c.Type == dataset.Date || c.Type == dataset.Timestamp {
		return Written(c.Type, x)
	}
	return figure(x)
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
