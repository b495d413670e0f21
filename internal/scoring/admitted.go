package scoring

import (
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/request"
)

// Admitted are the places of the rows that are good requests under each of the contracts by itself. A declared column that the table does not have,
// but for one that requests may leave out, or has as another type is fault.Invalid.
func Admitted(t dataset.Table, contracts ...request.Contract) ([]int, error) {
	good := make([]bool, t.Rows())
	for i := range good {
		good[i] = true
	}
	for _, c := range contracts {
		rows, err := declared(t, c.Fields)
		if err != nil {
			return nil, err
		}
		for i := range good {
			good[i] = good[i] && admitted(rows, i, c.Fields, []request.Contract{c})
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
