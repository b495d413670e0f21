package scoring

import (
	"math"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
)

// unreadable is what a text that is no value of a numeric type is read as. No column holds it, no contract admits it, and no model takes it.
var unreadable = math.Inf(1)

// numbers is a column of text read as values of a numeric type, with how many texts are one and how many are none: these are unreadable.
func numbers(c *dataset.Column, of pipeline.ColumnType) (as *dataset.Column, readable, none int, err error) {
	cleaner, err := clean.New(nil, c.Name, of)
	if err != nil {
		return nil, 0, 0, err
	}
	as = &dataset.Column{Name: c.Name, Kind: dataset.Float, Floats: make([]float64, c.Len())}
	for i, text := range c.Texts {
		if c.Missing(i) {
			as.Floats[i] = math.NaN()
			continue
		}
		value, fault := cleaner.Clean(text)
		if fault != clean.None || value.Missing {
			as.Floats[i] = unreadable
			none++
			continue
		}
		as.Floats[i] = value.Number
		readable++
	}
	return as, readable, none, nil
}
