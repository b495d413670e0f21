package ingest

import (
	"math"
	"strings"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
)

// reserved refuses columns of a source whose names are taken. dataset.RowColumn itself may come: rows of a dataset, or joined ones, bring their
// ordinals.
func reserved(name string) error {
	if strings.EqualFold(name, rulesColumn) || strings.EqualFold(name, dataset.RowColumn) && name != dataset.RowColumn {
		return taken(name)
	}
	return nil
}

func taken(name string) error {
	return fault.New(fault.Invalid, "the source has a column %q, and that name is taken: rename it (source.rename), or select the others (source.select)", name)
}

// span is the first and the last ordinal of a slice's rows, as they were read.
type span struct{ First, Last float64 }

// spanned holds ordinals that a source brings to being some: whole numbers from 1 that grow from row to row. Where two rows had one, neither an order
// nor a name of theirs would be left. first is the place of the first one in the source.
func spanned(ordinals []float64, first int64) (span, error) {
	last := 0.0
	for row, ordinal := range ordinals {
		if !(ordinal > last && ordinal <= mostOrdinal && ordinal == math.Trunc(ordinal)) {
			return span{}, unordered(first + int64(row) + 1)
		}
		last = ordinal
	}
	if len(ordinals) == 0 {
		return span{}, nil
	}
	return span{ordinals[0], last}, nil
}

// mostOrdinal is the largest number up to which all whole ones are exact.
const mostOrdinal = 1 << 53

func unordered(row int64) error {
	return fault.New(fault.Invalid, "the source has a column %q, which numbers the rows of a dataset: whole numbers from 1 that grow from row to row are wanted, and row %d has none; "+
		"leave the column out (source.select) or rename it (source.rename)", dataset.RowColumn, row)
}
