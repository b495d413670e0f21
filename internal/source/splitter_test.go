package source

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// cuts splits a text to its end.
func cuts(t require.TestingT, s *splitter, n int) (list []cut, err error) {
	for {
		c, err := s.next(context.Background(), n)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		require.LessOrEqual(t, c.rows, n)
		if len(list) > 0 {
			require.Equal(t, n, list[len(list)-1].rows, "only the last cut is not full")
		}
		list = append(list, c)
	}
}

// same holds that a text, cut anywhere, is the records that encoding/csv reads, or wrong for both.
func same(t require.TestingT, text string, n int, from io.Reader) {
	reader := csv.NewReader(strings.NewReader(text))
	reader.FieldsPerRecord = -1
	want, wrong := reader.ReadAll()
	var got [][]string
	list, err := cuts(t, &splitter{from: from, where: "x", quote: '"', line: 1}, n)
	line := int64(1)
	var whole []byte
	for _, c := range list {
		require.Equal(t, line, c.line)
		line += int64(bytes.Count(c.raw, []byte{'\n'}))
		whole = append(whole, c.raw...)
		r := records{raw: c.raw, comma: ',', quote: '"'}
		rows := 0
		for err == nil {
			r.forget()
			if err = r.next(); err != nil {
				break
			}
			row := []string{}
			for _, field := range r.fields {
				row = append(row, string(field))
			}
			got = append(got, row)
			rows++
		}
		if errors.Is(err, io.EOF) {
			err = nil
			require.Equal(t, c.rows, rows)
		}
	}
	if wrong != nil {
		require.Error(t, err, "encoding/csv says %v", wrong)
		return
	}
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.True(t, strings.HasPrefix(text, string(whole)))
}

func TestCutsAreWhatEncodingCSVReads(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("aé,,\"\"\"\n\n\r"))).Draw(t, "text")
		n := rapid.IntRange(1, 4).Draw(t, "rows")
		same(t, text, n, strings.NewReader(text))
		same(t, text, n, iotest.OneByteReader(strings.NewReader(text)))
		same(t, text, n, iotest.DataErrReader(strings.NewReader(text)))
	})
}

// Records lie across the blocks that are read at once.
func TestCutsAcrossBlocks(t *testing.T) {
	t.Parallel()
	record := "\"" + strings.Repeat("a,\n\"\"", 997) + "\",b\r\n\n"
	text := strings.Repeat(record+strings.Repeat("c,d\n", 301), 3*readBytes/len(record))
	for _, n := range []int{100, 1000, 1 << 20} {
		same(t, text, n, iotest.HalfReader(strings.NewReader(text)))
	}
}

func FuzzCuts(f *testing.F) {
	for _, text := range []string{"a,b\n1,2\n", "\"a\n\",b\r\n", "a\"b\n", "\"\"\"\n", "\r\n\r", "\"a\"\r"} {
		f.Add(text, 2)
	}
	f.Fuzz(func(t *testing.T, text string, n int) {
		same(t, text, max(1, n), strings.NewReader(text))
	})
}

func TestAnErrorOfTheStreamIsPassedOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	s := splitter{from: io.MultiReader(strings.NewReader("a\nb\n"), iotest.ErrReader(broken)), quote: '"', line: 1}
	_, err := s.next(t.Context(), 10)
	require.ErrorIs(t, err, broken)
}
