package scoring

import (
	"math"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
)

// numbers is a column of text read as values of a numeric type; the column itself where a text is none.
func numbers(c *dataset.Column, of pipeline.ColumnType) *dataset.Column {
	cleaner, err := clean.New(nil, c.Name, of)
	if err != nil {
		return c
	}
	read := &dataset.Column{Name: c.Name, Kind: dataset.Float, Floats: make([]float64, c.Len())}
	for i, text := range c.Texts {
		if c.Missing(i) {
			read.Floats[i] = math.NaN()
			continue
		}
		value, fault := cleaner.Clean(text)
		if fault != clean.None || value.Missing {
			return c
		}
		read.Floats[i] = value.Number
	}
	return read
}
