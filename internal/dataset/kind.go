package dataset

import (
	"slices"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// kindNames are the words of the kinds, in a manifest and in messages.
var kindNames = []string{Float: "number", Text: "text", Date: "date", Integer: "integer", Boolean: "boolean", Decimal: "decimal", Timestamp: "timestamp"}

func (k Kind) String() string { return kindNames[k] }

// MarshalText writes the kind's word.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads it.
func (k *Kind) UnmarshalText(text []byte) error {
	i := slices.Index(kindNames, string(text))
	if i < 0 {
		return fault.New(fault.Invalid, "%q is no kind of column", text)
	}
	*k = Kind(i)
	return nil
}

// KindOf is how values of a type are held.
func KindOf(of pipeline.ColumnType) Kind {
	switch of {
	case pipeline.Integer:
		return Integer
	case pipeline.Boolean:
		return Boolean
	case pipeline.Decimal:
		return Decimal
	case pipeline.Category, pipeline.Text:
		return Text
	case pipeline.Day:
		return Date
	case pipeline.Timestamp:
		return Timestamp
	}
	return Float
}
