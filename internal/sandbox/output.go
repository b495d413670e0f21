package sandbox

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// output takes all that a command prints, so that it never waits for us, and keeps the beginning and the end. Once it has more than most, it calls tooMuch.
type output struct {
	half    int // bytes kept of the beginning, and as many of the end
	most    int64
	tooMuch func()

	mu    sync.Mutex
	head  []byte
	tail  []byte // the newest bytes after head, at most twice half
	total int64
}

// Write never fails.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	was := o.total
	o.total += int64(len(p))
	if was <= o.most && o.total > o.most {
		o.tooMuch()
	}
	n := len(p)
	room := min(o.half-len(o.head), len(p))
	o.head, p = append(o.head, p[:room]...), p[room:]
	p = p[max(0, len(p)-o.half):]
	if o.tail = append(o.tail, p...); len(o.tail) > 2*o.half {
		o.tail = append(o.tail[:0], o.tail[len(o.tail)-o.half:]...)
	}
	return n, nil
}

// lineBytes is how long a kept line is on the average, at least: a line costs memory besides its text, so of a half there are no more than it has room for.
const lineBytes = 16

// lines are what was kept, printable, and in between how much was not.
func (o *output) lines() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	head, tail, most := o.head, o.tail[max(0, len(o.tail)-o.half):], o.half/lineBytes+1
	if o.total == int64(len(head)+len(tail)) {
		all := slices.Concat(head, tail)
		if bytes.Count(all, newline) <= 2*most {
			return printable(string(all))
		}
		head, tail = all, all
	}
	head, tail = firstLines(head, most), lastLines(tail, most)
	lines := append(printable(string(head)), fmt.Sprintf("[%d bytes are left out]", o.total-int64(len(head)+len(tail))))
	return append(lines, printable(string(tail))...)
}

var newline = []byte("\n")

// firstLines are the first n lines of a text.
func firstLines(text []byte, n int) []byte {
	end := 0
	for range n {
		at := bytes.IndexByte(text[end:], '\n')
		if at < 0 {
			return text
		}
		end += at + 1
	}
	return text[:end]
}

// lastLines are the last n lines of a text, and what has no end yet.
func lastLines(text []byte, n int) []byte {
	end := len(text)
	for range n + 1 {
		if end = bytes.LastIndexByte(text[:end], '\n'); end < 0 {
			return text
		}
	}
	return text[end+1:]
}

// printable are the lines of a text, escaped.
func printable(text string) []string {
	if text == "" {
		return nil
	}
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	return strings.Split(escaped(strings.ReplaceAll(text, "\r\n", "\n")), "\n") // lines share one text
}

// escaped puts a letter that stands for it in the place of what is no UTF-8, and of what a terminal would not print: nothing printed can move a cursor, turn a
// line around or hide what stands before it. It is one letter for each, of at most three bytes, since what is kept bounds what is stored.
func escaped(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || unicode.IsPrint(r):
			return r
		case r < ' ':
			return '\u2400' + r // the picture of the control character
		case r == '\x7f':
			return '\u2421'
		}
		return utf8.RuneError
	}, text)
}
