package infer

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// Schema is the start of a spec.
type Schema struct {
	Rows    int64    `json:"rows"`
	Columns []Column `json:"columns"`
	// Entity and Time are column names, empty where none looks like one.
	Entity string `json:"entity"`
	Time   string `json:"time"`
	Label  Label  `json:"label"`
	// Spec is YAML for pipeline.Parse; where no label was found a person has to name it first.
	Spec string `json:"spec"`

	bytes int64
	name  string
	files []source.File
	from  pipeline.Relation
	notes []string
}

// role is what a column is in the spec.
type role string

const (
	feature   role = "feature"
	labelled  role = "label"
	entity    role = "entity"
	instant   role = "time"
	protected role = "protected"
	ignored   role = "ignore"
)

// maxNameBytes is how long the name of a feature may be.
const maxNameBytes = 100

// roles gives every column its role.
func (s *Schema) roles(all []tally, wanted string) error {
	for i := range s.Columns {
		s.Columns[i].protect()
	}
	label, outcomes, err := s.findLabel(all, wanted)
	if err != nil {
		return err
	}
	if label >= 0 {
		s.labelled(&s.Columns[label], &all[label])
	}
	for _, i := range outcomes {
		s.Columns[i].give(ignored, "looks like an outcome, which nobody knows at the application")
	}
	s.entity(all)
	s.time()
	features := 0
	for i := range s.Columns {
		c := &s.Columns[i]
		c.give(c.otherwise(all[i].values))
		if c.Role == ignored {
			c.Domain, c.Rare = []string{}, 0 // nobody needs to know them
		}
		if c.Role == feature {
			if features++; features > pipeline.MaxColumns {
				c.Role, c.Why = ignored, fmt.Sprintf("a spec has at most %d features", pipeline.MaxColumns)
			}
		}
	}
	return nil
}

// give gives a role to a column that has none.
func (c *Column) give(as role, why string) {
	if c.Role == "" {
		c.Role, c.Why = as, why
	}
}

// labelled makes a column the label, which is a text.
func (s *Schema) labelled(c *Column, t *tally) {
	values, _ := t.twoValues()
	*c = Column{
		Name: c.Name, Type: pipeline.Text, Domain: []string{}, Codes: []string{}, Clean: []pipeline.CleanStep{}, Protected: c.Protected, ProtectedReason: c.ProtectedReason,
		Missing: t.missing, Distinct: 2, Unique: new(bool), Role: labelled,
	}
	t.without(c, surely)
	t.trim(c)
	c.MissingShare = float64(c.Missing) / float64(s.Rows)
	c.Domain = values
	s.Label = meaning(c.Name, values, func(remark string) { s.Label.remarks = append(s.Label.remarks, remark) })
}

// entity chooses what identifies a row: a column that is unique and never missing, of those the first whose name says so, else a text.
func (s *Schema) entity(all []tally) {
	best, score := -1, 0
	for i := range s.Columns {
		c := &s.Columns[i]
		whole := c.Type == pipeline.Text || c.Type == pipeline.Integer
		if c.Role != "" || !c.unique() || c.Missing > 0 || all[i].unreadable > 0 || !whole || s.Rows < 2 {
			continue
		}
		this := 0
		switch {
		case identifies(c.Name) && c.Name != "row":
			this = 3
		case identifies(c.Name):
			this = 2
		case c.Type == pipeline.Text:
			this = 1
		}
		c.SuggestedKey = this > 0
		if this > score {
			best, score = i, this
		}
	}
	if best < 0 {
		return
	}
	c := &s.Columns[best]
	s.Entity = c.Name
	c.Role, c.Why = entity, "unique and never missing"
	c.Clean = slices.DeleteFunc(c.Clean, func(step pipeline.CleanStep) bool { return step.Trim == nil }) // it is a text
}

// time chooses the day of the application: a date that is never missing, by its name, or the only date.
func (s *Schema) time() {
	best, score, dates := -1, 0, 0
	for i := range s.Columns {
		c := &s.Columns[i]
		if c.Role != "" || c.Type != pipeline.Day && c.Type != pipeline.Timestamp || named(c.Name, laterWords) {
			continue
		}
		dates++
		if c.Missing > 0 {
			continue
		}
		this := 1
		if named(c.Name, applicationWords) {
			this = 2
		}
		if this > score {
			best, score = i, this
		}
	}
	if best >= 0 && (score == 2 || dates == 1) {
		s.Time = s.Columns[best].Name
		s.Columns[best].Role, s.Columns[best].Why = instant, "a date that is never missing"
	}
}

// otherwise is the role of a column that is neither label nor entity, time or protected.
func (c *Column) otherwise(values int64) (role, string) {
	switch {
	case values == 0 && c.Type == pipeline.Text:
		return ignored, "it has no values"
	case c.Type == pipeline.Text:
		return ignored, "free text"
	case c.Type == pipeline.Day || c.Type == pipeline.Timestamp:
		return ignored, "a date is no feature"
	case identifies(c.Name) && c.Type != pipeline.Boolean && c.Distinct > maxDomain:
		return ignored, "looks like an identifier"
	case c.constant():
		return ignored, "every row has the same value"
	case len(c.Name) > maxNameBytes || !norm.NFC.IsNormalString(c.Name) || strings.ContainsFunc(c.Name, unicode.IsControl):
		return ignored, "the name cannot be a feature's; source.rename gives it another"
	}
	return feature, ""
}

// constant says that there is one value, and it is nowhere missing.
func (c *Column) constant() bool { return c.Distinct == 1 && c.Missing == 0 }
