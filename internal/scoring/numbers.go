package scoring

import (
	"math"
	"strconv"

	"github.com/loanops/loanops/internal/dataset"
)

// numbers is a column of text read as numbers; the column itself where a text is none.
func numbers(c *dataset.Column) *dataset.Column {
	read := &dataset.Column{Name: c.Name, Kind: dataset.Float, Floats: make([]float64, c.Len())}
	for i, text := range c.Texts {
		if c.Missing(i) {
			read.Floats[i] = math.NaN()
			continue
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
			return c
		}
		read.Floats[i] = value
	}
	return read
}
