package request

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// Reader reads one field of requests: what is sent is held against the forms that the field takes, cleaned as a value of a batch is, and held
// against its bounds and domain. It is immutable and safe for concurrent use.
type Reader struct {
	field   Field
	cleaner *clean.Cleaner
}

// NewReader compiles the field's cleaning. What no spec can declare is fault.Invalid.
func NewReader(f Field) (*Reader, error) {
	cleaner, err := clean.New(f.Clean, f.Name, f.Type)
	return &Reader{field: f, cleaner: cleaner}, err
}

// Read reads a JSON value; the complaint, empty when there is none, says what would be right and never repeats the value.
func (r *Reader) Read(raw json.RawMessage) (value transform.Value, complaint string) {
	f := &r.field
	var v clean.Value
	var fault clean.Fault
	var text string
	switch {
	case string(raw) == "null":
		if f.Nullable {
			return transform.Value{Missing: true}, ""
		}
		return transform.Value{}, fmt.Sprintf("is null; %s is wanted", f.Wanted())
	case raw[0] == '"' && f.TakesTexts() && utf8.Valid(raw) && json.Unmarshal(raw, &text) == nil && (text != "" || len(f.Clean) > 0):
		v, fault = r.cleaner.Clean(text)
	case (raw[0] == 't' || raw[0] == 'f') && f.Type == pipeline.Boolean:
		v, fault = r.cleaner.Clean(string(raw))
	case (raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9') && f.Type.Quantity():
		v, fault = r.cleaner.CleanLiteral(string(raw))
	default:
		return transform.Value{}, f.Wanted() + " is wanted"
	}
	value = valueOf(v)
	switch {
	case fault == clean.TooLarge && f.Type == pipeline.Number:
		return transform.Value{}, fmt.Sprintf("is too large; %s, of at most %v either way, is wanted", f.Wanted(), pipeline.MaxNumber)
	case fault == clean.TooLarge:
		return transform.Value{}, fmt.Sprintf("is too large; %s is wanted", f.Wanted())
	case fault == clean.None && value.Missing && !f.Nullable:
		return transform.Value{}, fmt.Sprintf("means a missing value; %s is wanted", f.Wanted())
	case fault != clean.None || !f.Admits(value):
		return transform.Value{}, f.Wanted() + " is wanted"
	}
	return value, ""
}

// Keeps reports whether a clean value that is sent as Send writes it is read as itself: the rows of a table are clean, and cleaning them again
// may change them where a spec is written so.
func (r *Reader) Keeps(v transform.Value) bool {
	if len(r.field.Clean) == 0 && (r.field.Type == pipeline.Number || r.field.Type == pipeline.Category) {
		return r.field.Admits(v)
	}
	raw, err := json.Marshal(r.field.Send(v))
	if err != nil {
		return false
	}
	value, complaint := r.Read(raw)
	return complaint == "" && value == v
}

// Send is a clean value as a lender would write it: null, a text, true or false, or a number.
func (f *Field) Send(v transform.Value) any {
	switch {
	case v.Missing:
		return nil
	case f.Type == pipeline.Category:
		return v.Text
	case f.Type == pipeline.Boolean:
		return v.Number == 1
	}
	return v.Number
}

// valueOf is what a model reads of a clean value.
func valueOf(v clean.Value) transform.Value {
	return transform.Value{Number: v.Number, Text: v.Text, Missing: v.Missing}
}
