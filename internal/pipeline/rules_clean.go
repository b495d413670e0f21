package pipeline

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// clean checks every step, and that steps of values stand before steps of tables: the first kind runs in a predictor, where there is no
// table.
func (c *checker) clean(path string, steps []CleanStep, columns typed) {
	tables, before := "", map[string][]string{}
	for i := range steps {
		step, path := &steps[i], fmt.Sprintf("%s[%d]", path, i)
		kinds := step.kinds()
		if len(kinds) != 1 {
			c.wrongAt(path, "a step of cleaning is one of %s; this names %d", strings.Join(allSteps(), ", "), len(kinds))
			continue
		}
		path += "." + kinds[0]
		if step.OfTable() {
			tables = kinds[0]
		} else {
			if tables != "" {
				c.wrongAt(path, "%s stands after %s; steps that look at one value clean requests as well and come before those that look at the table", kinds[0], tables)
			}
			c.cleaned(path, columns, step.Columns())
			c.suits(path, kinds[0], columns, step, before)
		}
		c.step(path, step)
	}
}

// typed are the columns whose values steps of cleaning can clean.
type typed struct {
	of        func(name string) (of ColumnType, known bool)
	elsewhere string // what is said of a column that is not known
}

// typed are the columns of a spec.
func (s *Spec) typed() typed {
	of := func(name string) (ColumnType, bool) { return s.TypeOf(name), s.named(name) }
	return typed{of: of, elsewhere: "not in the spec; name it in columns, protected, ignore, entity, time or label"}
}

// kinds are the keys of the step's union that are set.
func (s *CleanStep) kinds() (kinds []string) {
	fields := reflect.ValueOf(*s)
	for i := range fields.NumField() {
		if !fields.Field(i).IsNil() {
			kinds = append(kinds, fields.Type().Field(i).Tag.Get("yaml"))
		}
	}
	return kinds
}

// allSteps are the keys of the union.
func allSteps() []string {
	_, names := fieldsOf(reflect.TypeFor[CleanStep]())
	return names
}

// cleaned checks the columns that a step names.
func (c *checker) cleaned(path string, known typed, columns []string) {
	if len(columns) == 0 {
		c.wrongAt(path, "columns is missing; list the columns to clean")
	}
	for i, name := range columns {
		if _, is := known.of(name); !is {
			c.wrongAt(fmt.Sprintf("%s.columns[%d]", path, i), "column %q is %s", clip(name), known.elsewhere)
		}
		if slices.Contains(columns[:i], name) {
			c.wrongAt(fmt.Sprintf("%s.columns[%d]", path, i), "column %q stands twice", clip(name))
		}
	}
}

func (c *checker) step(path string, s *CleanStep) {
	switch {
	case s.Case != nil:
		if s.Case.To != "lower" && s.Case.To != "upper" {
			c.wrongAt(path+".to", "to is %q; lower or upper is wanted", clip(s.Case.To))
		}
	case s.Map != nil:
		c.mapped(path, s.Map.Values)
	case s.Missing != nil:
		if len(s.Missing.Codes) == 0 || s.Missing.Reason == "" {
			c.wrongAt(path, "codes and reason are needed: which values mean that there is none, and why")
		}
		for i, code := range s.Missing.Codes {
			c.composed(fmt.Sprintf("%s.codes[%d]", path, i), "code", code)
		}
	case s.Date != nil:
		c.dateFormats(path, s.Date)
	case s.Amount != nil:
		c.amount(path, s.Amount)
	case s.Clip != nil:
		if s.Clip.Min == nil && s.Clip.Max == nil || s.Clip.Min != nil && s.Clip.Max != nil && *s.Clip.Min > *s.Clip.Max {
			c.wrongAt(path, "min, max or both are needed, min at most max")
		}
	case s.DropDuplicates != nil:
		if !slices.Contains([]string{"", "first", "last"}, s.DropDuplicates.Keep) {
			c.wrongAt(path+".keep", "keep is %q; first or last is wanted", clip(s.DropDuplicates.Keep))
		}
	case s.Filter != nil:
		if s.Filter.Name == "" || s.Filter.Keep == "" {
			c.wrongAt(path, "name and keep are needed: what the filter is for, and an SQL condition for the rows that stay")
		}
	}
}

func (c *checker) amount(path string, a *Amount) {
	thousands, decimal := a.Separators()
	if thousands == decimal || len(thousands) > 3 || len(decimal) != 1 || strings.ContainsAny(thousands+decimal, "0123456789+-()") || strings.ContainsFunc(thousands+decimal, unicode.IsLetter) {
		c.wrongAt(path, "thousands %q and decimal %q; two different separators are wanted, no digits or letters", clip(a.Thousands), clip(a.Decimal))
	}
	if len(a.Currency) > 8 || strings.ContainsAny(a.Currency, "0123456789+-()"+thousands+decimal) {
		c.wrongAt(path+".currency", "currency is %q; a sign of at most 8 bytes is wanted, without digits and separators", clip(a.Currency))
	}
}

// Separators are those of an amount, defaults filled in.
func (a *Amount) Separators() (thousands, decimal string) {
	thousands, decimal = a.Thousands, a.Decimal
	if thousands == "" {
		thousands = ","
	}
	if decimal == "" {
		decimal = "."
	}
	return thousands, decimal
}
