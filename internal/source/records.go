package source

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/loanops/loanops/internal/fault"
)

// records reads delimited text record by record, as encoding/csv does without its lazy modes (a test compares them), but for any quote, and
// without a string for every record: fields are views of the text.
type records struct {
	raw          []byte
	comma, quote byte

	at     int // of the next record
	begin  int // of the last one
	wrong  int // where it is not well-formed
	fields [][]byte
	plain  []byte // fields whose doubled quotes were made single
}

var (
	errBareQuote = errors.New("a quote stands in a field that does not begin with one; such a field is to be quoted as a whole, with quotes in it doubled")
	errQuote     = errors.New("a quoted field goes on after its closing quote; a quote in it is to be doubled")
)

// forget makes room: the fields so far are needed no longer.
func (r *records) forget() { r.fields, r.plain = r.fields[:0], r.plain[:0] }

// next adds the fields of the next record to fields, or returns io.EOF.
func (r *records) next() error {
	for r.at < len(r.raw) {
		r.begin = r.at
		end := index(r.raw, r.at, '\n')
		line := r.raw[r.at:end]
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		}
		if quote := bytes.IndexByte(line, r.quote); quote >= 0 {
			return r.quoted(r.at+quote, end)
		}
		r.at = min(end+1, len(r.raw))
		if len(line) == 0 {
			continue
		}
		for {
			i := bytes.IndexByte(line, r.comma)
			if i < 0 {
				r.fields = append(r.fields, line)
				return nil
			}
			r.fields = append(r.fields, line[:i])
			line = line[i+1:]
		}
	}
	return io.EOF
}

// quoted reads a record that has quotes. The next quote of its line and the line's end are where the arguments say; a quote at the end is
// none.
func (r *records) quoted(quote, end int) error {
	for {
		if r.at < quote || quote == end {
			stop := index(r.raw[:end], r.at, r.comma)
			if quote < stop {
				r.wrong = quote
				return errBareQuote
			}
			field := r.raw[r.at:stop]
			if n := len(field); stop == end && n > 0 && field[n-1] == '\r' {
				field = field[:n-1]
			}
			r.fields, r.at = append(r.fields, field), stop
		} else {
			if err := r.quotedField(); err != nil {
				return err
			}
			if r.at > end {
				end = index(r.raw, r.at, '\n')
			}
			quote = index(r.raw[:end], r.at, r.quote)
			if r.at+1 == end && r.raw[r.at] == '\r' {
				r.at = end
			}
		}
		switch {
		case r.at == end:
			r.at = min(end+1, len(r.raw))
			return nil
		case r.raw[r.at] != r.comma:
			r.wrong = r.at
			return errQuote
		}
		r.at++
	}
}

// quotedField takes a quoted field. Line ends in it become line feeds.
func (r *records) quotedField() error {
	from, start := r.at+1, len(r.plain)
	for copied := false; ; {
		i := index(r.raw, from, r.quote)
		if i == len(r.raw) {
			r.wrong = r.at
			return errQuote
		}
		part := r.raw[from:i]
		doubled := i+1 < len(r.raw) && r.raw[i+1] == r.quote
		if copied || doubled || bytes.Contains(part, []byte("\r\n")) {
			r.plain = appendLines(r.plain, part)
			part, copied = r.plain[start:], true
		}
		if !doubled {
			r.fields, r.at = append(r.fields, part), i+1
			return nil
		}
		r.plain = append(r.plain, r.quote)
		from = i + 2
	}
}

// appendLines appends text with its line ends as line feeds.
func appendLines(to, text []byte) []byte {
	for {
		i := bytes.Index(text, []byte("\r\n"))
		if i < 0 {
			return append(to, text...)
		}
		to = append(append(to, text[:i]...), '\n')
		text = text[i+2:]
	}
}

// line is the line of a place in the text, whose first line has the number given.
func (r *records) line(at int, first int64) int64 {
	return first + int64(bytes.Count(r.raw[:at], []byte{'\n'}))
}

// fault says where the last record is not well-formed, and never what it says.
func (r *records) fault(err error, where string, first int64) error {
	column := 1 + utf8.RuneCount(r.raw[bytes.LastIndexByte(r.raw[:r.wrong], '\n')+1:r.wrong])
	return fault.New(fault.Invalid, "%s:%d:%d: %s", where, r.line(r.wrong, first), column, err.Error())
}
