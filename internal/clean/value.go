package clean

import (
	"fmt"
	"strings"

	"github.com/loanops/loanops/internal/pipeline"
)

// Value is one clean value of a cleaner's type, or missing.
type Value struct {
	Missing bool
	// Reason is why a value is missing, where the spec's code for that says it; empty otherwise.
	Reason string
	// Number is what a model reads: a number; an integer or a decimal as the nearest float64; a boolean as 1 or 0.
	Number float64
	// Integer is exact: an integer; a decimal in units of 0.0001 (pipeline.DecimalPlaces); a date as days since 1970-01-01; a timestamp as
	// microseconds since 1970-01-01T00:00:00Z.
	Integer int64
	// Text is a category or text.
	Text string
}

// decimal is the value of so many units of 0.0001.
func decimal(units int64) Value { return Value{Integer: units, Number: DecimalNumber(units)} }

// DecimalNumber is what a model reads of a decimal. Whoever keeps decimals as integers alone reads them by it, bit for bit as Clean.
func DecimalNumber(units int64) float64 { return float64(units) / 1e4 }

// Fault says what is wrong with a raw text.
type Fault uint8

// The faults; None is none.
const (
	None Fault = iota
	NotUTF8
	HasNUL
	NoNumber
	TooLarge
	NotWhole
	TooFine
	NoBoolean
	NoAmount
	NoDate
	NoTimestamp
	NoZone
)

// Words are what is wrong, to be put after the name of what holds the value; they never repeat it.
func (c *Cleaner) Words(fault Fault) string {
	switch fault {
	case NotUTF8:
		return "is not UTF-8"
	case HasNUL:
		return "holds a NUL character"
	case NoNumber:
		return "is no number"
	case TooLarge:
		return "is too large for " + map[pipeline.ColumnType]string{
			pipeline.Number:  fmt.Sprintf("a number: at most %v either way is wanted", pipeline.MaxNumber),
			pipeline.Integer: "an integer: at most 64 bits are wanted",
			pipeline.Decimal: fmt.Sprintf("a decimal: at most %d digits before the point are wanted", pipeline.DecimalDigits-pipeline.DecimalPlaces),
		}[c.of]
	case NotWhole:
		return "is no whole number"
	case TooFine:
		return fmt.Sprintf("has more than %d digits after the point", pipeline.DecimalPlaces)
	case NoBoolean:
		return "is neither true nor false: true, t, yes, y or 1, or false, f, no, n or 0 is wanted"
	case NoAmount:
		return "is no amount"
	case NoDate:
		if len(c.formats) == 0 {
			return "is no date such as 2026-06-30"
		}
		return "is no date in " + strings.Join(c.formats, " or ")
	case NoTimestamp:
		return "is no timestamp such as 2026-06-30T15:04:05Z"
	case NoZone:
		return "is a timestamp without a zone: Z or an offset such as +01:00 is wanted at its end"
	}
	return ""
}
