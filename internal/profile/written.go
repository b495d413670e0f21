package profile

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
)

const microsPerDay = 24 * 60 * 60 * 1e6

// Written is a number of a column of that kind for people: a day of a date or a timestamp, true or false, whole numbers in full with a comma between
// thousands, and others in five significant digits.
func Written(kind dataset.Kind, x float64) string {
	switch kind {
	case dataset.Date:
		return day(x)
	case dataset.Timestamp:
		return day(math.Floor(x / microsPerDay))
	case dataset.Boolean:
		return strconv.FormatBool(x != 0)
	}
	size := math.Abs(x)
	switch {
	case size == math.Trunc(size) && size < 1e15:
		return grouped(strconv.FormatFloat(x, 'f', -1, 64))
	case size >= 10_000 && size < 1e15:
		return grouped(strconv.FormatFloat(x, 'f', 0, 64))
	}
	return strconv.FormatFloat(x, 'g', 5, 64)
}

func day(x float64) string { return time.Unix(int64(x)*24*60*60, 0).UTC().Format(pipeline.DateLayout) }

// rowsWritten is a count for people.
func rowsWritten(n int) string { return Written(dataset.Integer, float64(n)) }

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
