package monitor

import (
	"fmt"

	"github.com/loanops/loanops/internal/pipeline"
)

// NewData finds that there is enough to learn from: rows with a final label that are newer than those the champion was made and judged of.
func NewData(m pipeline.Monitor, rows int64) []Finding {
	if m.NewRows == 0 || rows < int64(m.NewRows) {
		return nil
	}
	return []Finding{{
		Kind: OfNewData, Statistic: labelledRows, Value: float64(rows), Limit: float64(m.NewRows), Rows: rows,
		Message: fmt.Sprintf("%d rows with a final label are newer than those that the champion was made of; %d are enough for a training (monitor.new_rows)", rows, m.NewRows),
	}}
}
