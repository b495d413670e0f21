package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/profile"
)

// short writes a number that is no column's value.
func short(x float64) string { return profile.Written(dataset.Float, x) }

func thousands(n int) string { return profile.Written(dataset.Integer, float64(n)) }

// brief is a number for an axis: 1.2M.
func brief(x float64) string {
	size := math.Abs(x)
	for _, unit := range []struct {
		of   float64
		name string
	}{{1e12, "T"}, {1e9, "B"}, {1e6, "M"}, {1e4, "k"}} {
		if size >= unit.of && size < 1e15 {
			of := unit.of
			if unit.name == "k" {
				of = 1e3
			}
			return strconv.FormatFloat(math.Round(x/of*10)/10, 'f', -1, 64) + unit.name
		}
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

// valueOf writes a number as what the column holds.
func valueOf(c profile.Column, x float64) string { return profile.Written(c.Type, x) }

// tickOf is the same for an axis, where there is little room.
func tickOf(c profile.Column, x float64) string {
	if c.Type == dataset.Date || c.Type == dataset.Timestamp || c.Type == dataset.Boolean {
		return valueOf(c, x)
	}
	return brief(x)
}

// width of a bar as percent of the space.
func width(x, whole float64) string {
	if !(whole > 0) {
		return "0"
	}
	return strconv.FormatFloat(math.Round(1000*x/whole)/10, 'f', -1, 64)
}

// at is a place in a plot, to a tenth of a pixel.
func at(x float64) string {
	text := fmt.Sprintf("%.1f", x)
	return strings.TrimSuffix(text, ".0")
}
