package sandbox

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// What a terminal or a reader could take for something else is one letter that stands for it.
func TestPrintable(t *testing.T) {
	t.Parallel()
	for text, wanted := range map[string][]string{
		"":                      nil,
		"\n":                    {""},
		"a\n\nb":                {"a", "", "b"},
		"dos\r\nend\r\n":        {"dos", "end"},
		"done 1%\rdone 99%\n":   {"done 1%␍done 99%"},
		"\ttab, ä, 日本, €":       {"\ttab, ä, 日本, €"},
		"\x1b[31mred\x1b[0m":    {"␛[31mred␛[0m"},
		"nul \x00 bell \a":      {"nul ␀ bell ␇"},
		"broken \xff\xfe \xc3(": {"broken \ufffd\ufffd \ufffd("},
		"turned \u202e round":   {"turned \ufffd round"},
		"honest \ufffd":         {"honest \ufffd"},
		"gone\x7f\n\r\n\r":      {"gone␡", "", ""},
		"\u0085next":            {"\ufffdnext"},
	} {
		require.Equal(t, wanted, printable(text), "%q", text)
	}
}

// Whatever is printed, what is kept of it takes memory in proportion: neither lines nor what they are escaped with multiply it.
func TestWhatIsKeptIsBounded(t *testing.T) {
	t.Parallel()
	const half = 1 << 16
	for name, piece := range map[string]string{
		"empty lines": "\n", "short lines": "y\n", "of another system": "\r\n", "zeros": "\x00", "no UTF-8": "\xff", "escapes": "\x1b\n", "long": "\u202e", "tags": "\U000e0001", "text": "a line of a usual length, as programs print them\n",
	} {
		for _, size := range []int{half, 2 * half, 100 * half} { // all of it in the beginning, in both, and more than that
			o := &output{half: half, most: 1 << 40}
			_, err := o.Write([]byte("first\n" + strings.Repeat(piece, size/len(piece)-3) + "\nlast\n"))
			require.NoError(t, err)
			lines := o.lines()
			bytes := 0
			for _, line := range lines {
				bytes += len(line) + int(unsafe.Sizeof(line))
			}
			require.LessOrEqual(t, bytes, 4*2*half+1000, "%s, %d", name, size) // three bytes for one, and the lines
			require.Equal(t, "first", lines[0], name)
			require.Equal(t, "last", lines[len(lines)-1], name)
			if name == "text" && size <= 2*half {
				require.NotContains(t, strings.Join(lines, ""), "left out")
			}
		}
	}
}

// Where lines are left out since they are many, it says how many bytes they have.
func TestManyLinesAreLeftOut(t *testing.T) {
	t.Parallel()
	o := &output{half: 32, most: 1 << 40} // three lines of each half
	_, err := o.Write([]byte("1\n2\n3\n4\n5\n6\n7\n8\n"))
	require.NoError(t, err)
	require.Equal(t, []string{"1", "2", "3", "[4 bytes are left out]", "6", "7", "8"}, o.lines())
	_, err = o.Write([]byte("9"))
	require.NoError(t, err)
	require.Equal(t, []string{"1", "2", "3", "[4 bytes are left out]", "6", "7", "8", "9"}, o.lines(), "what has no end yet is no line more")
}

// Whatever is printed, in whatever pieces: lines are printable, and all of the bytes are kept or counted.
func TestOutputKeepsBeginningAndEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		half := rapid.IntRange(1, 20).Draw(t, "half")
		tooMuch := 0
		o := &output{half: half, most: 30, tooMuch: func() { tooMuch++ }}
		var all []byte
		for _, piece := range rapid.SliceOf(rapid.SliceOfN(rapid.Byte(), 0, 60)).Draw(t, "pieces") {
			n, err := o.Write(piece)
			require.NoError(t, err)
			require.Equal(t, len(piece), n)
			all = append(all, piece...)
		}
		lines := o.lines()
		for _, line := range lines {
			require.True(t, utf8.ValidString(line))
			require.NotContains(t, line, "\n")
			require.Equal(t, -1, strings.IndexFunc(line, func(r rune) bool { return r != '\t' && !unicode.IsPrint(r) }))
		}
		head, tail := all, all
		if len(all) > 2*half {
			head, tail = all[:half], all[len(all)-half:]
		}
		most := half/lineBytes + 1
		if len(all) <= 2*half && strings.Count(string(all), "\n") <= 2*most {
			require.Equal(t, printable(string(all)), lines)
		} else {
			first := strings.SplitAfter(string(head), "\n")
			last := strings.SplitAfter(string(tail), "\n")
			head, tail := printable(strings.Join(first[:min(most, len(first))], "")), printable(strings.Join(last[max(0, len(last)-most-1):], ""))
			require.Equal(t, head, lines[:len(head)])
			require.Equal(t, tail, lines[len(lines)-len(tail):])
			require.Len(t, lines, len(head)+1+len(tail))
		}
		require.Equal(t, len(all) > 30, tooMuch == 1)
		require.LessOrEqual(t, tooMuch, 1)
	})
}
