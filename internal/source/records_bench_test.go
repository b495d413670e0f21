package source

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkRecords says what reading records without encoding/csv gains.
func BenchmarkRecords(b *testing.B) {
	const rows = 131_072
	for name, line := range map[string]string{
		"plain":  "1234.56,0.123456,-33.5,12.25,1234.56,0.123456,-33.5,12.25,1234.56,0.123456,-33.5,12.25,1,2,3,400,category_1,category_2,category_3,category_4\n",
		"quoted": "1234.56,0.123456,-33.5,12.25,1234.56,0.123456,-33.5,12.25,1234.56,0.123456,-33.5,12.25,1,2,3,400,\"a, b\",category_2,category_3,\"x \"\"y\"\"\"\n",
	} {
		raw := bytes.Repeat([]byte(line), rows)
		b.Run(name+"/encoding-csv", func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				reader := csv.NewReader(bytes.NewReader(raw))
				reader.ReuseRecord = true
				for {
					if _, err := reader.Read(); errors.Is(err, io.EOF) {
						break
					}
				}
			}
		})
		b.Run(name+"/records", func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				reader := records{raw: raw, comma: ',', quote: '"'}
				for {
					reader.forget()
					if err := reader.next(); errors.Is(err, io.EOF) {
						break
					}
				}
			}
		})
		b.Run(name+"/batch", func(b *testing.B) {
			f := &csvFormat{comma: ',', quote: '"'}
			names := strings.Split("abcdefghijklmnopqrst", "")
			l := newLayout(names, []string{"NA"}, make([]bool, 20))
			places := make([]int, 20)
			for i := range places {
				places[i] = i
			}
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				t := l.table(rows, len(raw))
				require.NoError(b, f.rows(context.Background(), piece{cut: cut{raw: raw, rows: rows}, file: &textFile{places: places}}, t))
				t.batch(l)
			}
		})
	}
}
