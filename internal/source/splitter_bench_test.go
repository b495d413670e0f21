package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkSplitter(b *testing.B) {
	for name, line := range map[string]string{
		"20 fields": "1234.56,0.123456,-33.5,12.25,1234.56,0.123456,-33.5,12.25,1234.56,0.123456,-33.5,12.25,1,2,3,400,category_1,category_2,category_3,category_4\n",
		"quotes":    "1234.56,0.123456,-33.5,12.25,1234.56,0.123456,-33.5,12.25,1234.56,0.123456,-33.5,12.25,1,2,3,400,\"a, b\",category_2,category_3,\"x\"\n",
		"short":     "1234.56,9\n",
	} {
		content := bytes.Repeat([]byte(line), 50_000_000/len(line))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				s := splitter{from: bytes.NewReader(content), where: "x", quote: '"', line: 1}
				for {
					c, err := s.next(context.Background(), 131072)
					if errors.Is(err, io.EOF) {
						break
					}
					require.NoError(b, err)
					c.recycle()
				}
			}
		})
	}
}
