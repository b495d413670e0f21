package warehouse

import (
	"errors"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/loanops/loanops/internal/fault"
)

// told is what may be said of an error that reading rows ended with. DuckDB's own messages quote what a row holds.
func (s session) told(err error, doing string) error {
	if err == nil {
		return nil
	}
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	var of *duckdb.Error
	if !errors.As(err, &of) {
		return fault.Wrap(fault.Internal, err, "%s", doing)
	}
	switch of.Type {
	case duckdb.ErrorTypeConversion, duckdb.ErrorTypeOutOfRange, duckdb.ErrorTypeInvalidInput, duckdb.ErrorTypeDivideByZero, duckdb.ErrorTypeMismatchType:
		return fault.New(fault.Invalid, "%s: a condition cannot be told of some rows, as where it takes a text for a number; TRY_CAST makes such values missing", doing)
	case duckdb.ErrorTypeOutOfMemory:
		return fault.New(fault.Unavailable, "%s: neither %s of memory nor the disk are enough", doing, s.memory)
	case duckdb.ErrorTypeIO:
		return fault.New(fault.Unavailable, "%s: a file cannot be read or written", doing)
	}
	return fault.New(fault.Internal, "%s: DuckDB's error of type %d", doing, of.Type)
}
