package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/loanops/loanops/internal/fault"
)

// object reads the members of one flat JSON object from its line, as encoding/json would (a test compares them), without a value for each.
type object struct {
	line  []byte
	at    int
	key   []byte // the last one
	plain []byte // texts whose escapes were replaced
}

var (
	errNoObject = errors.New("this is no JSON object")
	errNested   = errors.New("its value is an object or a list; flatten it: values are texts, numbers, true, false and null")
)

// read calls member for every key and its value: a text without quotes and escapes, a number or a truth value as it is written, nil for null.
// Both are valid as long as the line and plain are.
func (o *object) read(member func(key, value []byte) error) error {
	o.key = nil
	if !o.next('{') {
		return errNoObject
	}
	for first := true; ; first = false {
		if o.next('}') {
			break
		}
		if !first && !o.next(',') {
			return errNoObject
		}
		key, ok := o.text()
		if !ok || !o.next(':') {
			return errNoObject
		}
		o.key = key
		value, err := o.value()
		if err != nil {
			return err
		}
		if err := member(key, value); err != nil {
			return err
		}
		o.key = nil
	}
	if o.space(); o.at < len(o.line) {
		return errNoObject
	}
	return nil
}

func (o *object) space() {
	for o.at < len(o.line) && (o.line[o.at] == ' ' || o.line[o.at] == '\t' || o.line[o.at] == '\r') {
		o.at++
	}
}

// next passes over white space, and over the byte if it is the next.
func (o *object) next(b byte) bool {
	o.space()
	if o.at == len(o.line) || o.line[o.at] != b {
		return false
	}
	o.at++
	return true
}

func (o *object) value() ([]byte, error) {
	o.space()
	if o.at == len(o.line) {
		return nil, errNoObject
	}
	switch b := o.line[o.at]; {
	case b == '"':
		if value, ok := o.text(); ok {
			return value, nil
		}
	case b == '{' || b == '[':
		return nil, errNested
	case b == '-' || b >= '0' && b <= '9':
		if value := o.number(); value != nil {
			return value, nil
		}
	case o.word("null"):
		return nil, nil
	case o.word("true"):
		return o.line[o.at-len("true") : o.at], nil
	case o.word("false"):
		return o.line[o.at-len("false") : o.at], nil
	}
	return nil, errNoObject
}

func (o *object) word(w string) bool {
	if !bytes.HasPrefix(o.line[o.at:], []byte(w)) {
		return false
	}
	o.at += len(w)
	return true
}

// text reads a quoted text.
func (o *object) text() ([]byte, bool) {
	if !o.next('"') {
		return nil, false
	}
	from := o.at
	for ; o.at < len(o.line); o.at++ {
		switch b := o.line[o.at]; {
		case b == '"':
			o.at++
			return o.line[from : o.at-1], true
		case b == '\\':
			return o.escaped(from)
		case b < ' ':
			return nil, false
		}
	}
	return nil, false
}

// escaped reads the rest of a text that has escapes; those are rare.
func (o *object) escaped(from int) ([]byte, bool) {
	for ; o.at < len(o.line); o.at++ {
		switch o.line[o.at] {
		case '\\':
			o.at++
		case '"':
			o.at++
			var text string
			if json.Unmarshal(o.line[from-1:o.at], &text) != nil {
				return nil, false
			}
			start := len(o.plain)
			o.plain = append(o.plain, text...)
			return o.plain[start:], true
		}
	}
	return nil, false
}

// number reads a number as JSON writes them; nil is none.
func (o *object) number() []byte {
	from := o.at
	o.word("-")
	if !o.word("0") && o.digits() == 0 {
		return nil
	}
	if o.word(".") && o.digits() == 0 {
		return nil
	}
	if o.word("e") || o.word("E") {
		if !o.word("+") {
			o.word("-")
		}
		if o.digits() == 0 {
			return nil
		}
	}
	return o.line[from:o.at]
}

func (o *object) digits() (n int) {
	for o.at < len(o.line) && o.line[o.at] >= '0' && o.line[o.at] <= '9' {
		o.at++
		n++
	}
	return n
}

// fault says where a line is wrong, and with which key; never with which value.
func (o *object) fault(err error, where string, line int64) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, errNoObject):
		return fault.New(fault.Invalid, "%s:%d:%d: the line is no JSON object from here on", where, line, 1+utf8.RuneCount(o.line[:min(o.at, len(o.line))]))
	}
	return fault.New(fault.Invalid, "%s:%d: key %q: %s", where, line, clip(string(o.key)), err.Error())
}
