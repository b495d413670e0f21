package scoring

import (
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/request"
)

// Admitted are the places of the rows that are good requests under each of the contracts by itself. A declared column that the table does not have,
// or has as another type, is fault.Invalid, but for one that requests may leave out.
func Admitted(t dataset.Table, contracts ...request.Contract) ([]int, error) {
	good := make([]bool, t.Rows())
	for i := range good {
		good[i] = true
	}
	for _, c := range contracts {
		var fields []request.Field
		for _, f := range c.Fields {
			if !f.Nullable || t.Column(f.Name) != nil {
				fields = append(fields, f)
			}
		}
		rows, err := declared(t, fields)
		if err != nil {
			return nil, err
		}
		for i := range good {
			good[i] = good[i] && admitted(rows, i, fields, []request.Contract{c})
		}
	}
	var places []int
	for i, is := range good {
		if is {
			places = append(places, i)
		}
	}
	return places, nil
}
