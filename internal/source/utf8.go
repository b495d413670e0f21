package source

import (
	"bytes"
	"unicode/utf8"

	"github.com/loanops/loanops/internal/fault"
)

// check refuses bytes that are no text in the file's encoding. Records end at line feeds, so no character is in two cuts. Decoders put the
// replacement character where bytes mean nothing; it stands for what was lost, so it is no text either.
func (t *textFile) check(c cut) error {
	if utf8.Valid(c.raw) && (t.encoding == "" || !bytes.ContainsRune(c.raw, utf8.RuneError)) {
		return nil
	}
	line, rest := c.line, c.raw
	for {
		text, after, _ := bytes.Cut(rest, []byte{'\n'})
		if column := t.firstInvalid(text); column > 0 {
			if t.encoding != "" {
				return fault.New(fault.Invalid, "%s:%d:%d: the bytes here mean nothing in %s; say which encoding the file has in source.csv.encoding", t.name, line, column, t.encoding)
			}
			return fault.New(fault.Invalid, "%s:%d:%d: the bytes here are not UTF-8; if the file has another encoding, say which in source.csv.encoding", t.name, line, column)
		}
		line, rest = line+1, after
	}
}

// firstInvalid is which character of a line, from 1, is none; 0 when all are.
func (t *textFile) firstInvalid(text []byte) int {
	for column := 1; len(text) > 0; column++ {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && (size == 1 || t.encoding != "") {
			return column
		}
		text = text[size:]
	}
	return 0
}
