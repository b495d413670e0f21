package scoring

import (
	"slices"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// Applications takes n of the rows that are good requests under every contract, evenly spaced, as a lender would send them: number,
// boolean, text or null by field, with the fields that all the contracts declare, and which each of them reads as the row has them. picked are their places in the table. There may be fewer, or none.
func Applications(t dataset.Table, n int, contracts ...request.Contract) (applications []map[string]any, picked []int, err error) {
	fields := common(contracts)
	rows, err := declared(t, fields)
	if err != nil {
		return nil, nil, err
	}
	good, err := goodRows(rows, fields, contracts)
	if err != nil {
		return nil, nil, err
	}
	n = min(n, len(good))
	for i := range n {
		row := good[i*len(good)/n]
		picked = append(picked, row)
		applications = append(applications, application(rows, row, fields))
	}
	return applications, picked, nil
}

// goodRows are the rows that every contract takes. Blocks of them are looked at side by side.
func goodRows(rows Rows, fields []request.Field, contracts []request.Contract) ([]int, error) {
	if demandsMore(contracts, fields) {
		return nil, nil
	}
	found := make([][]int, (rows.Len()+block-1)/block)
	err := inBlocks(rows.Len(), func(from, to int) error {
		readers, err := readersOf(fields, contracts)
		for i := from; i < to && err == nil; i++ {
			if admitted(rows, i, fields, contracts) && kept(rows, i, readers) {
				found[from/block] = append(found[from/block], i)
			}
		}
		return err
	})
	return slices.Concat(found...), err
}

// common are the fields of the first contract that all of them declare, as the same type.
func common(contracts []request.Contract) []request.Field {
	fields := slices.Clone(contracts[0].Fields)
	return slices.DeleteFunc(fields, func(f request.Field) bool {
		return slices.ContainsFunc(contracts, func(c request.Contract) bool {
			i := c.Index(f.Name)
			return i < 0 || c.Fields[i].Type != f.Type
		})
	})
}

// demandsMore reports whether a contract requires a field that is not common to all.
func demandsMore(contracts []request.Contract, fields []request.Field) bool {
	for _, c := range contracts {
		for _, f := range c.Fields {
			if !f.Nullable && !slices.ContainsFunc(fields, func(o request.Field) bool { return o.Name == f.Name }) {
				return true
			}
		}
	}
	return false
}

func declared(t dataset.Table, fields []request.Field) (Rows, error) {
	read := make([]transform.Field, len(fields))
	for i, f := range fields {
		read[i] = transform.Field{Name: f.Name, Type: f.Type, Nullable: f.Nullable}
	}
	rows, err := newRows(t, read)
	return rows, fault.Wrap(fault.Invalid, err, "the contract of requests")
}

func admitted(rows Rows, row int, fields []request.Field, contracts []request.Contract) bool {
	for i, f := range fields {
		value := rows.Value(row, i)
		for _, c := range contracts {
			if !c.Fields[c.Index(f.Name)].Admits(value) {
				return false
			}
		}
	}
	return true
}

// readersOf are the readers of each field, one of every contract.
func readersOf(fields []request.Field, contracts []request.Contract) ([][]*request.Reader, error) {
	readers := make([][]*request.Reader, len(fields))
	for i, f := range fields {
		for _, c := range contracts {
			reader, err := request.NewReader(c.Fields[c.Index(f.Name)])
			if err != nil {
				return nil, err
			}
			readers[i] = append(readers[i], reader)
		}
	}
	return readers, nil
}

// kept reports whether every reader of a field takes the row's value for itself.
func kept(rows Rows, row int, readers [][]*request.Reader) bool {
	for i := range readers {
		for _, r := range readers[i] {
			if !r.Keeps(rows.Value(row, i)) {
				return false
			}
		}
	}
	return true
}

func application(rows Rows, row int, fields []request.Field) map[string]any {
	sent := map[string]any{}
	for i := range fields {
		sent[fields[i].Name] = fields[i].Send(rows.Value(row, i))
	}
	return sent
}
