package feature

import (
	"slices"
	"time"

	"github.com/loanops/loanops/internal/pipeline"
)

// valueTypes are those that features and expressions have.
var valueTypes = []pipeline.ColumnType{pipeline.Number, pipeline.Integer, pipeline.Decimal, pipeline.Boolean, pipeline.Category}

func (r *rules) feature(path string, v *View, f *Feature) {
	r.about(path, &f.About)
	if !namePattern.MatchString(f.Name) {
		return // it is told of, and nothing else can name it
	}
	if f.Plain() {
		r.plain(path, v, f)
	} else {
		r.aggregate(path, v, f)
	}
	made := !f.Plain() || f.Of != ""
	of := v.TypeOf(f)
	if !slices.Contains(valueTypes, of) {
		of = "" // it is told of where the column stands
	}
	if made && (f.Min != nil || f.Max != nil || len(f.Domain) > 0) {
		r.Wrong(path, "feature %q is made of another column; min, max and domain stand with that", f.Name)
	}
	if made && of != "" && f.Type != "" && f.Type != of {
		r.Wrong(path+".type", "type is %q; what feature %q is made of makes it %s: leave it out", clip(string(f.Type)), f.Name, of.Noun())
	}
	if made && of != "" {
		r.words(path, f.Name, f.Unit, f.Reason, of)
	}
	if f.Default != nil && of != "" {
		r.fallback(path+".default", v, f, of)
	}
}

// plain checks a column of the newest row.
func (r *rules) plain(path string, v *View, f *Feature) {
	if f.Over != 0 {
		r.Wrong(path+".over", "over is the window of an aggregate; give aggregate as well, or leave over out")
	}
	switch {
	case f.Of != "" && (v.Input(f.Of) < 0 || f.Of == f.Name):
		r.ofNoColumn(path, v, f)
	case f.Of == "" && f.Type == "":
		r.Wrong(path+".type", "feature %q needs a type: number, integer, boolean, decimal or category", f.Name)
	case f.Of == "":
		r.column(path, pipeline.Column{Name: f.Name, Type: f.Type, Min: f.Min, Max: f.Max, Domain: f.Domain, Unit: f.Unit})
		r.words(path, f.Name, "", f.Reason, pipeline.Number)
	}
}

// ofNoColumn says that of names no column.
func (r *rules) ofNoColumn(path string, v *View, f *Feature) {
	var known []string
	for _, input := range v.Inputs() {
		if input.Name != f.Name {
			known = append(known, input.Name)
		}
	}
	if len(known) == 0 {
		r.Wrong(path+".of", "of is %q; declare that column in columns", clip(f.Of))
		return
	}
	r.Wrong(path+".of", "of is %q, which is no column of view %q; declare it in columns, or: %s", clip(f.Of), clip(v.Name), near(f.Of, known))
}

// aggregate checks what is made of the rows of a window.
func (r *rules) aggregate(path string, v *View, f *Feature) {
	if !slices.Contains(Aggregates, f.Aggregate) {
		names := make([]string, len(Aggregates))
		for i, aggregate := range Aggregates {
			names[i] = string(aggregate)
		}
		r.Wrong(path+".aggregate", "aggregate is %q; %s", clip(string(f.Aggregate)), near(string(f.Aggregate), names))
		return
	}
	switch over := time.Duration(f.Over); {
	case over == 0:
		r.Wrong(path, "feature %q needs over, the window of its aggregate in whole days, such as 90d", f.Name)
	case over%oneDay != 0 || over > maxDays*oneDay:
		r.Wrong(path+".over", "over is %s; whole days are wanted, 1d to %dd", f.Over, maxDays)
	}
	input := v.Input(f.Of)
	switch {
	case f.Of == "" && f.Aggregate != Count:
		r.Wrong(path, "feature %q needs of, the column of which it is the %s; only count is of rows", f.Name, f.Aggregate)
	case f.Of == "":
	case input < 0:
		r.ofNoColumn(path, v, f)
	case slices.Contains([]Aggregate{Sum, Mean, Min, Max}, f.Aggregate) && slices.Contains(valueTypes, v.Inputs()[input].Type) && !v.Inputs()[input].Type.Numeric():
		r.Wrong(path+".of", "%q is %s; %s is of numbers: count, last and distinct take any", f.Of, v.Inputs()[input].Type.Noun(), f.Aggregate)
	}
}

// fallback checks that a default is a value that the feature can have.
func (r *rules) fallback(path string, v *View, f *Feature, of pipeline.ColumnType) {
	bounds := pipeline.Column{}
	least := 0.0
	switch input := v.Input(f.Column()); {
	case f.Aggregate == Count || f.Aggregate == Distinct:
		bounds.Min = &least
	case input >= 0 && f.Aggregate != Sum:
		bounds = v.Inputs()[input]
	}
	switch value := f.Default.(type) {
	case bool:
		if of != pipeline.Boolean {
			r.Wrong(path, "default is %v; feature %q is %s", value, f.Name, of.Noun())
		}
	case float64:
		switch {
		case !of.Quantity() || !pipeline.Holds(of, value):
			r.Wrong(path, "default is %v, which %s cannot be", value, of.Noun())
		case bounds.Min != nil && value < *bounds.Min || bounds.Max != nil && value > *bounds.Max:
			r.Wrong(path, "default is %v, which is out of the range of feature %q", value, f.Name)
		}
	case string:
		switch {
		case of != pipeline.Category || value == "":
			r.Wrong(path, "default is %q; feature %q is %s, and null is a missing value", clip(value), f.Name, of.Noun())
		case len(bounds.Domain) > 0 && !slices.Contains(bounds.Domain, value):
			r.Wrong(path, "default is %q, which is not in the domain of feature %q; %s", clip(value), f.Name, near(value, bounds.Domain))
		}
	default:
		r.Wrong(path, "default is neither a number, a text nor true or false; leave it out where a missing value is meant")
	}
}
