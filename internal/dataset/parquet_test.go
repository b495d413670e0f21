package dataset_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
)

// texts is a column of so many different texts, each of ten bytes, over and over, with some missing.
func texts(rows, different int) dataset.Table {
	c := dataset.Column{Name: "t", Kind: dataset.Text}
	for i := range rows {
		text := strconv.Itoa(i % different)
		c.Texts, c.Valid = append(c.Texts, strings.Repeat("x", 10-len(text))+text), append(c.Valid, i < different || i%7 != 3)
	}
	return dataset.Table{Columns: []dataset.Column{c}}
}

// A column with so many texts that a dictionary of them is given up in the midst has pages of two kinds, which the codec's footer lists in the order
// of a map: the digest of the same rows would be one of two.
func TestManyTextsGiveTheSameBytes(t *testing.T) {
	t.Parallel()
	for name, different := range map[string]int{"few": 100, "the most that a dictionary has": 74_898, "one more": 74_899, "all": 100_000} { // 14 bytes each, of a MiB
		table := texts(100_000, different)
		var want bytes.Buffer
		require.NoError(t, dataset.WriteParquet(&want, table))
		for range 12 { // by chance the same once in 4,096 times
			var got bytes.Buffer
			require.NoError(t, dataset.WriteParquet(&got, table))
			require.True(t, bytes.Equal(want.Bytes(), got.Bytes()), name)
		}
		read, err := dataset.ReadParquet(want.Bytes())
		require.NoError(t, err)
		for i, text := range table.Columns[0].Texts {
			if table.Columns[0].Valid[i] {
				require.Equal(t, text, read.Columns[0].Texts[i])
			}
		}
	}
}
