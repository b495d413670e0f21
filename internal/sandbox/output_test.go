package sandbox

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// What a terminal or a reader could take for something else is written as Go writes it in quotes.
func TestPrintable(t *testing.T) {
	t.Parallel()
	for text, wanted := range map[string][]string{
		"":                      nil,
		"\n":                    {""},
		"a\n\nb":                {"a", "", "b"},
		"dos\r\nend\r\n":        {"dos", "end"},
		"done 1%\rdone 99%\n":   {`done 1%\rdone 99%`},
		"\ttab, ä, 日本, €":       {"\ttab, ä, 日本, €"},
		"\x1b[31mred\x1b[0m":    {`\x1b[31mred\x1b[0m`},
		"nul \x00 bell \a":      {`nul \x00 bell \a`},
		"broken \xff\xfe \xc3(": {`broken \xff\xfe \xc3(`},
		"turned \u202e round":   {`turned \u202e round`},
		"honest \ufffd":         {"honest \ufffd"},
		"\u0085next":            {`\u0085next`},
	} {
		require.Equal(t, wanted, printable(text), "%q", text)
	}
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
		if len(all) <= 2*half {
			require.Equal(t, printable(string(all)), lines)
		} else {
			head, tail := printable(string(all[:half])), printable(string(all[len(all)-half:]))
			require.Equal(t, head, lines[:len(head)])
			require.Equal(t, tail, lines[len(lines)-len(tail):])
			require.Len(t, lines, len(head)+1+len(tail))
		}
		require.Equal(t, len(all) > 30, tooMuch == 1)
		require.LessOrEqual(t, tooMuch, 1)
	})
}
