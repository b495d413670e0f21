package source_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// wide is a file of 12 floats, 4 integers and 4 categories, as the peers' benchmark has it.
func wide(b *testing.B, rows int, quoted bool) (file source.File, size int64) {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var content bytes.Buffer
	for i := range 20 {
		fmt.Fprintf(&content, "column_%d,", i)
	}
	content.Truncate(content.Len() - 1)
	content.WriteByte('\n')
	for range rows {
		for range 12 {
			fmt.Fprintf(&content, "%.6g,", r.NormFloat64()*1000)
		}
		for range 4 {
			fmt.Fprintf(&content, "%d,", r.IntN(1000))
		}
		for i := range 4 {
			if i > 0 {
				content.WriteByte(',')
			}
			if quoted && i == 0 {
				fmt.Fprintf(&content, `"category, %d"`, r.IntN(20))
			} else {
				fmt.Fprintf(&content, "category_%d", r.IntN(20))
			}
		}
		content.WriteByte('\n')
	}
	return written(b, "wide.csv", content.String()), int64(content.Len())
}

func BenchmarkCSV(b *testing.B) {
	for _, quoted := range []bool{false, true} {
		file, size := wide(b, 300_000, quoted)
		b.Run(fmt.Sprintf("quoted=%t", quoted), func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				relation, err := source.Open(context.Background(), pipeline.Relation{CSV: &pipeline.CSV{}}, []source.File{file}, source.Options{})
				require.NoError(b, err)
				for {
					slice, err := relation.Next(context.Background())
					if errors.Is(err, io.EOF) {
						break
					}
					require.NoError(b, err)
					_, err = slice.Decode(context.Background())
					require.NoError(b, err)
				}
				require.NoError(b, relation.Close())
			}
		})
	}
}
