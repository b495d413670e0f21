package source

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/loanops/loanops/internal/fault"
)

// stream is the text of one file: decompressed, in UTF-8, without a byte order mark.
type stream struct {
	io.Reader
	file *os.File
	// encoding is what it was decoded from; empty for UTF-8.
	encoding string
}

// Close closes the file.
func (s *stream) Close() error { return s.file.Close() }

// budget is how many bytes of decompressed content may be read yet, of all files of a relation.
type budget struct {
	left, limit int64 // limit 0 is none
}

// openStream opens a file that is text in the encoding, gzipped or not: its first bytes say which, not its name.
func openStream(f File, encodingName string, b *budget) (*stream, error) {
	if err := regular(f); err != nil {
		return nil, err
	}
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, openFault(err, f)
	}
	content := bufio.NewReaderSize(file, 64<<10)
	var raw io.Reader = content
	if magic, _ := content.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		if raw, err = gzip.NewReader(content); err != nil {
			file.Close()
			return nil, gzipFault(err, f.Name)
		}
	}
	s := &stream{Reader: &counted{from: raw, name: f.Name, budget: b}, file: file}
	if err := s.decode(encodingName); err != nil {
		file.Close()
		return nil, err
	}
	return s, nil
}

// decode makes UTF-8 of an encoding and drops the byte order mark. A mark of UTF-16 overrules a name that says otherwise, as it does on the
// web. UTF-8 passes as it is and is checked when a slice is decoded, where goroutines share the work.
func (s *stream) decode(name string) error {
	text := bufio.NewReaderSize(s.Reader, 64<<10)
	s.Reader = text
	mark, err := text.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	var from encoding.Encoding
	switch {
	case bytes.HasPrefix(mark, []byte("\xef\xbb\xbf")):
		_, err = text.Discard(3)
		return err
	case bytes.HasPrefix(mark, []byte{0xff, 0xfe}):
		s.encoding, from = "utf-16le", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case bytes.HasPrefix(mark, []byte{0xfe, 0xff}):
		s.encoding, from = "utf-16be", unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	default:
		if from, err = htmlindex.Get(cmp.Or(name, "utf-8")); err != nil {
			return fault.New(fault.Invalid, "encoding %q is not known", clip(name))
		}
		if from == unicode.UTF8 {
			return nil
		}
		s.encoding = cmp.Or(name, "utf-8")
	}
	s.Reader = transform.NewReader(text, from.NewDecoder())
	return nil
}

// counted reads and takes what it reads from the budget.
type counted struct {
	from   io.Reader
	name   string
	budget *budget
}

// Read passes bytes on until the budget is spent.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	if c.budget.left -= int64(n); c.budget.left < 0 && c.budget.limit > 0 {
		return 0, tooManyBytes(c.name, c.budget.limit)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = gzipFault(err, c.name)
	}
	return n, err
}

// gzipFault says what is wrong with a compressed file; errors of the file itself keep their cause.
func gzipFault(err error, name string) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fault.New(fault.Invalid, "%s: the gzip data end too early; the file is truncated", name)
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.As(err, new(flate.CorruptInputError)):
		return fault.New(fault.Invalid, "%s: the gzip data are damaged", name)
	case fault.CodeOf(err) != fault.Internal, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return fault.Wrap(fault.Unavailable, fmt.Errorf("reading: %w", err), "%s", name)
}
