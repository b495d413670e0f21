package request

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// Rule names what a value that is sent breaks; those that a row of data can break are called as there, see dataset.Rule.
type Rule string

// The rules.
const (
	Required Rule = "required" // it is null, left out, or means a missing value, and may not
	Type     Rule = "type"     // it is nothing that the field can hold
	Domain   Rule = "domain"   // it is a text that the category does not take
	Range    Rule = "range"    // it is a number that is too small or too large
	Repeated Rule = "repeated" // the field stands twice
	Unknown  Rule = "unknown"  // there is no such field
)

// Complaint says what is wrong with what was sent in a field; the zero value: nothing is.
type Complaint struct {
	Rule Rule
	Text string // what would be right; it never repeats the value
}

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

// Read reads a JSON value.
func (r *Reader) Read(raw json.RawMessage) (value transform.Value, complaint Complaint) {
	f := &r.field
	var v clean.Value
	var fault clean.Fault
	var text string
	switch {
	case string(raw) == "null":
		if f.Nullable {
			return transform.Value{Missing: true}, Complaint{}
		}
		return transform.Value{}, Complaint{Required, fmt.Sprintf("is null; %s is wanted", f.Wanted())}
	case raw[0] == '"' && f.TakesTexts() && utf8.Valid(raw) && json.Unmarshal(raw, &text) == nil && (text != "" || len(f.Clean) > 0):
		v, fault = r.cleaner.Clean(text)
	case (raw[0] == 't' || raw[0] == 'f') && f.Type == pipeline.Boolean:
		v, fault = r.cleaner.Clean(string(raw))
	case (raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9') && f.Type.Quantity():
		v, fault = r.cleaner.CleanLiteral(string(raw))
	case raw[0] == '"' && f.Type == pipeline.Category:
		return transform.Value{}, Complaint{Domain, f.Wanted() + " is wanted"}
	default:
		return transform.Value{}, Complaint{Type, f.Wanted() + " is wanted"}
	}
	value = valueOf(v)
	switch {
	case fault == clean.TooLarge && f.Type == pipeline.Number:
		return transform.Value{}, Complaint{Range, fmt.Sprintf("is too large; %s, of at most %v either way, is wanted", f.Wanted(), pipeline.MaxNumber)}
	case fault == clean.TooLarge:
		return transform.Value{}, Complaint{Range, fmt.Sprintf("is too large; %s is wanted", f.Wanted())}
	case fault == clean.None && value.Missing && !f.Nullable:
		return transform.Value{}, Complaint{Required, fmt.Sprintf("means a missing value; %s is wanted", f.Wanted())}
	case fault != clean.None || !f.Admits(value):
		return transform.Value{}, Complaint{f.broken(value, fault), f.Wanted() + " is wanted"}
	}
	return value, Complaint{}
}

// broken is the rule that a value, which the field does not take, breaks.
func (f *Field) broken(v transform.Value, fault clean.Fault) Rule {
	switch {
	case f.Type == pipeline.Category:
		return Domain
	case fault != clean.None || !pipeline.Holds(f.Type, v.Number):
		return Type
	}
	return Range
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
	return complaint.Rule == "" && value == v
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
