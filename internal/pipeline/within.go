package pipeline

import (
	"fmt"
	"strings"
	"unicode"
)

// Within is file:line:column of a place in a text of the file, in whichever style it is written there: of the character that stands in that line and column
// of the text, counted from 1. Where that cannot be told, as in a text with escapes, it is where the text stands and said is false.
func (d *Document) Within(path, text string, line, column int) (at string, said bool) {
	if from, has := d.c.at[path]; has {
		if l, c, found := d.place(from.Line, from.Column, text, offsetOf(text, line, column)); found {
			return fmt.Sprintf("%s:%d:%d", d.file, l, c), true
		}
	}
	return d.At(path), false
}

// offsetOf is how many characters stand before a place; what is behind the end is the end, and -1 is no place.
func offsetOf(text string, line, column int) int {
	if line < 1 || column < 1 {
		return -1
	}
	before := 0
	for i, one := range strings.Split(text, "\n") {
		length := len([]rune(one))
		if i+1 == line {
			return before + min(column-1, length)
		}
		before += length + 1
	}
	return len([]rune(text))
}

// place walks through a text as it is, and as the file has it: white space may differ, everything else is the same.
func (d *Document) place(line, column int, text string, want int) (int, int, bool) {
	w := written{rest: []rune(d.data), line: 1, column: 1}
	for w.more() && (w.line < line || w.line == line && w.column < column) {
		w.next()
	}
	quoted := false
	switch w.now() {
	case '|', '>':
		for from := w.line; w.more() && w.line == from; {
			w.next()
		}
	case '\'', '"':
		quoted = w.now() == '\''
		w.next()
	}
	last := [2]int{} // behind the character before
	for i, r := range []rune(text) {
		if unicode.IsSpace(r) {
			continue // if it is the one that is wanted, the next one that shows is told
		}
		for w.more() && unicode.IsSpace(w.now()) {
			w.next()
		}
		if !w.more() || w.now() != r {
			return 0, 0, false
		}
		at := [2]int{w.line, w.column}
		w.next()
		if r == '\'' && quoted { // which is written twice there
			w.next()
		}
		last = [2]int{w.line, w.column}
		if want >= 0 && i >= want {
			return at[0], at[1], true
		}
	}
	return last[0], last[1], want >= 0 && last[0] > 0
}

// written is a file that is read character by character.
type written struct {
	rest         []rune
	line, column int
}

func (w *written) more() bool { return len(w.rest) > 0 }

// now is the character that is next; 0 behind the end.
func (w *written) now() rune {
	if len(w.rest) == 0 {
		return 0
	}
	return w.rest[0]
}

func (w *written) next() {
	if len(w.rest) == 0 {
		return
	}
	w.column++
	if w.rest[0] == '\n' {
		w.line, w.column = w.line+1, 1
	}
	w.rest = w.rest[1:]
}
