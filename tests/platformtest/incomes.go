package platformtest

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
)

// MultiplyIncomes changes the incomes in a file of simulated applications by a factor; one that is missing stays so.
func MultiplyIncomes(path string, factor float64) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	rows, err := csv.NewReader(in).ReadAll()
	if err = errors.Join(err, in.Close()); err != nil {
		return err
	}
	income := slices.Index(rows[0], "annual_income")
	for _, row := range rows[1:] {
		if row[income] == "" {
			continue
		}
		amount, err := strconv.ParseFloat(row[income], 64)
		if err != nil {
			return err
		}
		row[income] = fmt.Sprintf("%.0f", amount*factor)
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(csv.NewWriter(out).WriteAll(rows), out.Close())
}
