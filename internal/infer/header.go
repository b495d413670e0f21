package infer

import "github.com/loanops/loanops/internal/fault"

// header refuses a CSV file whose first line looks like a row, if only in one place: what was taken for names would be an applicant's values, and
// be written.
func header(file string, names []string) error {
	values := 0
	for _, name := range names {
		if valueLike(name) {
			values++
		}
	}
	if values > 0 {
		return fault.New(fault.Invalid, "%s:1: %d of %d column names are numbers, dates or amounts; a header line with column names is wanted", file, values, len(names))
	}
	return nil
}

// valueLike says that a name reads as a number, a date or an amount. A year does so and may be a name all the same.
func valueLike(name string) bool {
	var r reading
	r.read(name, everyForm)
	year := r.fits&integerForm != 0 && r.numbers[0] >= 1900 && r.numbers[0] < 2100
	return r.fits != 0 && !year
}
