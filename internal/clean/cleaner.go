// Package clean turns raw texts into clean, typed values. A batch of millions of rows and a single request are cleaned by the same Cleaner, so
// that they cannot disagree.
//
// A raw text goes through three things, in this order:
//
//  1. What is no UTF-8 or holds a NUL is refused; texts are put into Unicode's composed form (NFC), so that an accent is written one way.
//  2. The steps of the spec that name the column (trim, case, map, missing, date, amount), in the spec's order. A text that a step makes empty
//     is missing, and so is one that was empty before: no later step sees it.
//  3. The text is read as the column's type, see the types below; then numbers are clipped.
//
// How each type is written, where blanks and tabs may stand around all but category and text, and nothing but blanks is missing:
//
//   - number: an optional sign, digits with at most one point, an optional exponent (-1.5, .5, 2., 1e-3); neither infinities nor NaN, hexadecimal
//     digits or underscores. At most pipeline.MaxNumber either way. -0 is 0.
//   - integer: a number that is whole however it is written (3, 3.0, 3e2), within 64 bits.
//   - decimal: a number that has at most four digits after the point, zeros aside, and at most 18 in all; it is held exactly.
//   - boolean: true, t, yes, y, 1 and false, f, no, n, 0, in either case; 1 and 0 may be written as any number.
//   - date: 2026-06-30 and nothing else, unless a date step has formats of its own. A day that the calendar has, 1800 to 2999.
//   - timestamp: RFC 3339 with its zone (2026-06-30T15:04:05.5Z), also with a blank in place of T, and +01 or +0100 for a zone, as databases
//     write it. Without a zone it is refused. Digits after the sixth of a second are cut off; there are no leap seconds.
//   - category and text: what is left is the value.
package clean

import (
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Cleaner cleans the values of one column. It is immutable and safe for concurrent use.
type Cleaner struct {
	of    pipeline.ColumnType
	steps []step
	// plain: a number without steps, which is read at once where it is one; it takes half the time.
	plain bool
	// amount and dates read the text that the steps leave where they are the last of them: then no text is made between.
	amount *amount
	dates  *dates
	clips  []clip
	// point is the decimal separator of amounts.
	point string
	// formats are those of a date step, for people.
	formats []string
}

// New compiles those of the steps that name the column. What pipeline.Parse refuses is fault.Invalid.
func New(steps []pipeline.CleanStep, column string, of pipeline.ColumnType) (*Cleaner, error) {
	c := &Cleaner{of: of, point: "."}
	if !slices.Contains([]pipeline.ColumnType{
		pipeline.Number, pipeline.Integer, pipeline.Boolean, pipeline.Decimal, pipeline.Category, pipeline.Day, pipeline.Timestamp, pipeline.Text,
	}, of) {
		return nil, fault.New(fault.Invalid, "column %q has no usable type", column)
	}
	for i := range steps {
		if !slices.Contains(steps[i].Columns(), column) {
			continue
		}
		if err := c.add(&steps[i]); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "column %q: cleaning step %d", column, i)
		}
	}
	c.plain = of.Quantity() && len(c.steps) == 0 && c.amount == nil && len(c.clips) == 0
	return c, nil
}

// add compiles one step.
func (c *Cleaner) add(s *pipeline.CleanStep) error {
	if len(c.clips) > 0 && s.Clip == nil {
		return fault.New(fault.Invalid, "a clip comes last")
	}
	if s.Clip != nil {
		clip, err := newClip(c.of, s.Clip)
		c.clips = append(c.clips, clip)
		return err
	}
	// Another step looks at the text that they make.
	if c.amount != nil {
		c.steps = append(c.steps, step{apply: c.amount.text})
		c.amount = nil
	}
	if c.dates != nil {
		c.steps = append(c.steps, step{apply: c.dates.text})
		c.dates = nil
	}
	var err error
	switch {
	case s.Amount != nil:
		c.amount, err = newAmount(c.of, s.Amount)
		_, c.point = s.Amount.Separators()
	case s.Date != nil:
		c.dates, err = newDates(c.of, s.Date)
		c.formats = s.Date.Formats
	default:
		var compiled step
		compiled, err = newStep(s)
		c.steps = append(c.steps, compiled)
	}
	return err
}

// Clean cleans one raw text. The fault is None, or says what is wrong with it; then there is no value.
func (c *Cleaner) Clean(raw string) (Value, Fault) {
	if raw == "" {
		return Value{Missing: true}, None
	}
	if c.plain {
		if v, fault := quantity(raw, c.of); fault == None {
			return v, None
		}
	}
	text, fault := proper(raw)
	if fault != None {
		return Value{}, fault
	}
	for i := range c.steps {
		if text, fault = c.steps[i].apply(text); fault != None {
			return Value{}, fault
		}
		if text == "" {
			return Value{Missing: true, Reason: c.steps[i].reason}, None
		}
	}
	var v Value
	switch {
	case c.amount != nil:
		var buffer [64]byte
		plain, ok := c.amount.plain(buffer[:0], text)
		if !ok {
			return blank(text, NoAmount)
		}
		v, fault = quantity(plain, c.of)
		if fault == NoNumber {
			fault = NoAmount
		}
	case c.dates != nil:
		day, ok := c.dates.read(text)
		if !ok {
			return blank(text, NoDate)
		}
		return Value{Integer: day}, None
	default:
		v, fault = c.read(text)
	}
	if fault != None {
		return blank(text, fault)
	}
	for i := range c.clips {
		v = c.clips[i].apply(v)
	}
	return v, None
}

// CleanLiteral cleans a number that is written as JSON and programs write it, with a point and no grouping. It is no other than Clean, but where
// the column's amounts have another decimal separator: in a column of 1.234,50 the literal 1.234 is one and a quarter or so, not a thousand.
func (c *Cleaner) CleanLiteral(number string) (Value, Fault) {
	if c.point != "." {
		number = strings.Replace(number, ".", c.point, 1)
	}
	return c.Clean(number)
}

// read reads a text without formats of its own as the type.
func (c *Cleaner) read(text string) (Value, Fault) {
	switch c.of {
	case pipeline.Number, pipeline.Integer, pipeline.Decimal:
		return quantity(text, c.of)
	case pipeline.Boolean:
		return boolean(text)
	case pipeline.Day:
		day, ok := isoDay(strings.Trim(text, blanks))
		if !ok {
			return Value{}, NoDate
		}
		return Value{Integer: day}, None
	case pipeline.Timestamp:
		return timestamp(strings.Trim(text, blanks))
	}
	if len(c.steps) > 0 {
		text = composed(text)
	}
	return Value{Text: text}, None
}

// blanks may stand around values that are no texts.
const blanks = " \t"

// blank is the fault, but for a text of nothing but blanks, which is missing.
func blank(text string, fault Fault) (Value, Fault) {
	if strings.Trim(text, blanks) == "" {
		return Value{Missing: true}, None
	}
	return Value{}, fault
}
