package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/profile"
)

// short writes whole numbers in full, with a comma between thousands, and others in five significant digits.
func short(x float64) string {
	size := math.Abs(x)
	switch {
	case size == math.Trunc(size) && size < 1e15:
		return grouped(strconv.FormatFloat(x, 'f', -1, 64))
	case size >= 10_000 && size < 1e15:
		return grouped(strconv.FormatFloat(x, 'f', 0, 64))
	}
	return strconv.FormatFloat(x, 'g', 5, 64)
}

func thousands(n int) string { return grouped(strconv.Itoa(n)) }

// grouped puts commas between the thousands of a whole number.
func grouped(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

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

const microsPerDay = 24 * 60 * 60 * 1e6

// valueOf writes a number as what the column holds.
func valueOf(c profile.Column, x float64) string {
	switch c.Type {
	case "date":
		return time.Unix(int64(x)*24*60*60, 0).UTC().Format(pipeline.DateLayout)
	case "timestamp":
		return time.Unix(int64(math.Floor(x/microsPerDay))*24*60*60, 0).UTC().Format(pipeline.DateLayout)
	case "boolean":
		return strconv.FormatBool(x != 0)
	}
	return short(x)
}

// tickOf is the same for an axis, where there is little room.
func tickOf(c profile.Column, x float64) string {
	if c.Type == "date" || c.Type == "timestamp" || c.Type == "boolean" {
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
