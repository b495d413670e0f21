package infer

import (
	"slices"
	"strconv"
)

// said is how surely a word says that there is no value.
type said int

const (
	notSaid said = iota
	// perhaps: it does in a column of numbers, dates or truths; in a category it may be a value like the others, such as none.
	perhaps
	surely
)

// missingWords are what programs and people write where there is no value: those of pandas.read_csv
// (https://pandas.pydata.org/docs/reference/api/pandas.read_csv.html, na_values), R's NA, databases' \N, UCI's ?, SAS's point.
var missingWords = map[string]said{
	"NA": surely, "N/A": surely, "n/a": surely, "#N/A": surely, "#NA": surely, "<NA>": surely, "NaN": surely, "nan": surely, "-nan": surely, "NULL": surely,
	"null": surely, "Null": surely, "(null)": surely, `\N`: surely, "?": surely, "-": surely, "--": surely, ".": surely, "#VALUE!": surely, "NaT": surely,
	"None": perhaps, "none": perhaps, "NONE": perhaps, "Unknown": perhaps, "unknown": perhaps, "UNKNOWN": perhaps, "missing": perhaps, "Missing": perhaps,
	"na": perhaps, "not available": perhaps, "Not Available": perhaps, "not applicable": perhaps, "Not Applicable": perhaps, "nil": perhaps,
}

// numberCodes are numbers by which old systems say that there is none, and why.
var numberCodes = [...]float64{
	-7, -8, -9, -97, -98, -99, -997, -998, -999, -9999, -99999, -999999, 99, 999, 9999, 99999, 999999, 9999999, 99999999, 999999999,
}

func codeOf(x float64) int { return slices.Index(numberCodes[:], x) }

// leastCommon is in how many rows a value must be to be told: a rarer one may be a person's.
const leastCommon = 5

// codes are the numbers that look like codes, as texts, and the bounds of the others. A code is common, and stands apart: below a range that begins
// at 0 or more, or at more than twice the greatest of the others.
func (t *tally) numberCodes() (codes []string, rows int64, rest bounds) {
	rest = t.bounds[0]
	is := func(i int) bool {
		x := numberCodes[i]
		return t.codes[i] >= leastCommon && t.bounds[0].some && (x < 0 && t.bounds[0].least >= 0 || x > 0 && t.bounds[0].most < x/2)
	}
	for i, x := range numberCodes {
		switch {
		case t.codes[i] == 0:
		case is(i):
			codes, rows = append(codes, strconv.FormatFloat(x, 'f', -1, 64)), rows+t.codes[i]
		default:
			rest.add(x)
		}
	}
	return codes, rows, rest
}

// saidMissing are the words of the column that say that there is no value, in order, and in how many rows.
func (t *tally) saidMissing(least said) (words []string, rows int64) {
	for word, times := range t.words {
		if missingWords[word] >= least {
			words, rows = append(words, word), rows+times
		}
	}
	slices.Sort(words)
	return words, rows
}
