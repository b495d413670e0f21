package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/monitor"
)

// scoreName is what the champion's score is called, which no column is.
const scoreName = "the champion's score"

// featureName is how a feature is called for people.
func featureName(name string) string {
	if name == monitor.Score.Name {
		return scoreName
	}
	return name
}

// minus writes a number with the sign that people write.
func minus(text string) string { return strings.Replace(text, "-", "−", 1) }

// decimals writes a number with three digits after the point, larger ones with fewer.
func decimals(x float64) string {
	switch size := math.Abs(x); {
	case size >= 1000:
		return minus(short(math.Round(x)))
	case size >= 100:
		return minus(fmt.Sprintf("%.1f", x))
	default:
		return minus(fmt.Sprintf("%.3f", x))
	}
}

// signed is the same with a sign.
func signed(x float64) string {
	if math.Abs(x) < 0.0005 {
		return "0.000"
	}
	if x > 0 {
		return "+" + decimals(x)
	}
	return decimals(x)
}

// probability writes a p-value.
func probability(p float64) string {
	switch {
	case p < 0.0001:
		return "<0.0001"
	case p >= 0.1:
		return fmt.Sprintf("%.2f", p)
	default:
		return strconv.FormatFloat(p, 'g', 2, 64)
	}
}

// between writes an interval.
func between(m evaluate.Metric, write func(float64) string) string {
	return write(m.Lower) + " to " + write(m.Upper)
}

// groupName is how the rows of a value are called.
func groupName(name string, merged int) string {
	switch {
	case merged == 1:
		return "1 rare value"
	case merged > 1:
		return fmt.Sprintf("%d rarer values", merged)
	case name == "":
		return "missing"
	default:
		return name
	}
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// notNamed says how many groups of rows have no name here.
func notNamed(n int, one, many string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("Not named: %s of fewer than %d rows.", counted(n, one, many), dataset.LeastNamed)
}

// sortedBy orders by falling size, equal ones as they are.
func sortedBy[T any](of []T, size func(T) float64) []T {
	sorted := slices.Clone(of)
	slices.SortStableFunc(sorted, func(a, b T) int { return cmp.Compare(size(b), size(a)) })
	return sorted
}
