package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/loanops/loanops/internal/fault"
)

const (
	readBytes      = 256 << 10
	maxRecordBytes = 1 << 20
	maxSliceBytes  = 512 << 20
)

// splitter cuts a stream of text where records end: at line feeds before which the number of quotes is even. For well-formed text that is
// exact, as a quote within a quoted field is doubled; other text does not decode, wherever it was cut.
type splitter struct {
	from  io.Reader
	where string // the file, for messages
	quote byte   // 0 where quotes do not matter
	line  int64  // of the next record, from 1
	ahead []byte // read and not cut
	size  int    // of the last cut, which the next will be like
	ended bool
}

// cut is whole records of one file.
type cut struct {
	raw  []byte
	rows int
	line int64 // of its first byte
}

// buffers hold the bytes of slices that wait to be decoded.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// recycle gives the bytes back; nobody may hold on to them.
func (c cut) recycle() {
	raw := c.raw[:0]
	buffers.Put(&raw)
}

// next cuts off n records, fewer only before the end of the stream; none are io.EOF. Blank lines between records belong to the cut but are
// no rows.
func (s *splitter) next(ctx context.Context, n int) (cut, error) {
	raw, owned := s.ahead, false // what is ahead is copied as a whole only when it is not enough
	c := cut{line: s.line}
	var (
		record, at = 0, 0   // where this record and its line begin
		line       = s.line // which line that is
		open       = false  // in a quoted field
		// the next quote, beyond the end when there is none
		quoteAt = index(raw, 0, s.quote)
	)
	for {
		for c.rows < n {
			length := bytes.IndexByte(raw[at:], '\n')
			if length < 0 {
				break
			}
			end := at + length
			if s.quote != 0 && quoteAt < end {
				open = open != (bytes.Count(raw[at:end], []byte{s.quote})%2 == 1)
				quoteAt = index(raw, end, s.quote)
			}
			at = end + 1
			line++
			if at-record > maxRecordBytes {
				return cut{}, s.tooLong(open)
			}
			if open {
				continue
			}
			if !blank(raw[record:end]) {
				c.rows++
			}
			record, s.line = at, line
		}
		if c.rows == n {
			break
		}
		if s.ended {
			if at < len(raw) {
				open = s.quote != 0 && open != (bytes.Count(raw[at:], []byte{s.quote})%2 == 1)
			}
			if open {
				return cut{}, fault.New(fault.Invalid, "%s:%d: a quote is not closed in the record that begins here", s.where, s.line)
			}
			if !blank(raw[record:]) {
				c.rows++
			}
			at = len(raw)
			break
		}
		if len(raw)-record > maxRecordBytes {
			return cut{}, s.tooLong(open || s.quote != 0 && bytes.IndexByte(raw[at:], s.quote) >= 0)
		}
		if at > maxSliceBytes {
			return cut{}, fault.New(fault.Invalid, "%s:%d: %d rows have more than %d bytes; they are too long for a table", s.where, s.line, c.rows, maxSliceBytes)
		}
		had := len(raw)
		if !owned {
			raw, owned = append(s.buffer(), raw...), true
		}
		var err error
		if raw, err = s.read(ctx, raw); err != nil {
			return cut{}, err
		}
		if quoteAt == had {
			quoteAt = index(raw, had, s.quote)
		}
	}
	if c.rows == 0 {
		s.ahead = nil
		return cut{}, io.EOF
	}
	if owned {
		s.ahead = append(s.ahead[:0], raw[at:]...)
		c.raw = raw[:at]
	} else {
		own := (*buffers.Get().(*[]byte))[:0]
		own = append(own, raw[:at]...)
		c.raw, s.ahead = own, raw[at:]
	}
	s.size = at
	return c, nil
}

// buffer is one with room for a cut like the last one.
func (s *splitter) buffer() []byte {
	return slices.Grow((*buffers.Get().(*[]byte))[:0], s.size+s.size/16+2*readBytes)
}

// skip passes over lines, whatever is in them.
func (s *splitter) skip(ctx context.Context, lines int) error {
	for lines > 0 {
		i := bytes.IndexByte(s.ahead, '\n')
		switch {
		case i >= 0:
			s.ahead = s.ahead[i+1:]
			s.line++
			lines--
		case s.ended:
			s.ahead = nil
			return nil
		default:
			var err error
			if s.ahead, err = s.read(ctx, s.ahead[:0]); err != nil {
				return err
			}
		}
	}
	return nil
}

// read adds what the stream has, at most a block.
func (s *splitter) read(ctx context.Context, raw []byte) ([]byte, error) {
	raw = slices.Grow(raw, readBytes)
	block := raw[len(raw) : len(raw)+readBytes]
	got := 0
	for got < len(block) && !s.ended {
		if err := ctx.Err(); err != nil {
			return raw, err
		}
		n, err := s.from.Read(block[got:])
		got += n
		if errors.Is(err, io.EOF) {
			s.ended = true
		} else if err != nil {
			return raw, err
		}
	}
	return raw[:len(raw)+got], nil
}

func (s *splitter) tooLong(open bool) error {
	if open {
		return fault.New(fault.Invalid, "%s:%d: the record that begins here has more than %d bytes; is a quote not closed?", s.where, s.line, maxRecordBytes)
	}
	return fault.New(fault.Invalid, "%s:%d: the record that begins here has more than %d bytes; is this a file of text lines?", s.where, s.line, maxRecordBytes)
}

// blank says that a record is a line without anything, its end aside.
func blank(record []byte) bool {
	return len(record) == 0 || len(record) == 1 && record[0] == '\r'
}

// index is where the byte is next, from on; beyond the end when nowhere.
func index(raw []byte, from int, b byte) int {
	if i := bytes.IndexByte(raw[from:], b); i >= 0 {
		return from + i
	}
	return len(raw)
}
