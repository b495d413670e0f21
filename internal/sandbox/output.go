package sandbox

import (
	"fmt"
	"strconv"
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

// lines are what was kept, printable, and in between how much was not.
func (o *output) lines() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	tail := o.tail[max(0, len(o.tail)-o.half):]
	left := o.total - int64(len(o.head)+len(tail))
	if left == 0 {
		return printable(string(o.head) + string(tail))
	}
	lines := append(printable(string(o.head)), fmt.Sprintf("[%d bytes are left out]", left))
	return append(lines, printable(string(tail))...)
}

// printable are the lines of a text. What is no UTF-8, and what a terminal would not print, is written as Go writes it in a quoted string: nothing printed
// can move a cursor, turn a line around or hide what stands before it.
func printable(text string) []string {
	if text == "" {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = escaped(strings.TrimSuffix(line, "\r"))
	}
	return lines
}

func escaped(line string) string {
	var b strings.Builder
	for len(line) > 0 {
		r, size := utf8.DecodeRuneInString(line)
		if r == '\t' || unicode.IsPrint(r) && (r != utf8.RuneError || size > 1) {
			b.WriteString(line[:size])
		} else {
			quoted := strconv.Quote(line[:size])
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		line = line[size:]
	}
	return b.String()
}
