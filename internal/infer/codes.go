package infer

import (
	"slices"
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
