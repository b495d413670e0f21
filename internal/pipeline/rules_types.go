package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// types checks the types of columns that are no features.
func (c *checker) types(s *Spec) {
	for _, name := range slices.Sorted(maps.Keys(s.Types)) {
		path, of := "types."+name, s.Types[name]
		switch {
		case slices.ContainsFunc(s.Columns, func(column Column) bool { return column.Name == name }):
			c.wrongAt(path, "column %q is a feature, whose type stands in columns; types is for the others", clip(name))
		case !s.named(name):
			c.wrongAt(path, "column %q is not in the spec; name it in protected, ignore, entity, time or label", clip(name))
		case !slices.Contains(columnTypes, of):
			c.wrongAt(path, "type is %q; %s is wanted", clip(string(of)), oneOf(columnTypes))
		case name == s.Time && of != Day && of != Timestamp:
			c.wrongAt(path, "type is %q; the time column is a date or a timestamp", clip(string(of)))
		case s.Outcomes.dates(name) && of != Day && of != Timestamp:
			c.wrongAt(path, "type is %q; outcomes.known_at is a date or a timestamp", clip(string(of)))
		}
	}
}

// values checks the type of a feature and what is allowed in it.
func (c *checker) values(path string, column Column) {
	bounded := column.Min != nil || column.Max != nil
	switch of := column.Type; {
	case !slices.Contains(columnTypes, of):
		c.wrongAt(path+".type", "type is %q; %s is wanted", clip(string(of)), oneOf(featureTypes))
	case !slices.Contains(featureTypes, of):
		c.wrongAt(path+".type", "type is %q; a feature is %s: move the column to ignore and its type to types, or make a %s of it", clip(string(of)), oneOf(featureTypes), alternative(of))
	case of == Category && bounded:
		c.wrongAt(path, "a category has a domain, not min and max")
	case of == Boolean && bounded:
		c.wrongAt(path, "a boolean is true or false and has no min and max")
	case of != Category && len(column.Domain) > 0:
		c.wrongAt(path+".domain", "%s has %s, not a domain", of.Noun(), map[bool]string{true: "min and max", false: "true and false"}[of.Quantity()])
	case column.Min != nil && column.Max != nil && *column.Min > *column.Max:
		c.wrongAt(path+".min", "min %v is above max %v", *column.Min, *column.Max)
	}
	for i, value := range column.Domain {
		at := fmt.Sprintf("%s.domain[%d]", path, i)
		if value == "" {
			c.wrongAt(at, "the domain of %q names the empty text, which means a missing value; set missing_max instead", clip(column.Name))
		}
		c.composed(at, "value", value)
	}
	if sorted := slices.Sorted(slices.Values(column.Domain)); len(slices.Compact(sorted)) != len(column.Domain) {
		c.wrongAt(path+".domain", "the domain of %q names a value twice", clip(column.Name))
	}
}

// alternative is the type of feature that can hold the texts of a type that is none.
func alternative(of ColumnType) ColumnType {
	if of == Text {
		return Category
	}
	return Number
}

// oneOf lists types for people: number, integer or category.
func oneOf(types []ColumnType) string {
	names := make([]string, len(types))
	for i, of := range types {
		names[i] = string(of)
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}
