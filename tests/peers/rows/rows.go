// Package rows writes what the comparisons with other systems read.
package rows

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
)

// Categories are the values of the four columns of texts.
var Categories = [][]string{
	{"bank", "credit_union", "insurer", "broker"}, {"own", "rent", "mortgage"}, {"car", "home", "debt", "school", "business", "medical"}, {"0", "1"},
}

// Write makes twelve numbers, four whole numbers and four categories a row (1.5 GB for ten million rows), and on demand an outcome whose log-odds
// depend on some of them.
func Write(path string, rows int, outcome bool) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	w := bufio.NewWriterSize(out, 1<<20)
	for i := range 12 {
		fmt.Fprintf(w, "f%d,", i)
	}
	header := "i0,i1,i2,i3,c0,c1,c2,c3"
	if outcome {
		header += ",bad"
	}
	fmt.Fprintln(w, header)
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a benchmark's data
	line := make([]byte, 0, 400)
	for range rows {
		line = line[:0]
		odds := -3.0
		for i := range 12 {
			x := float64(r.IntN(10_000_000)) / 1000
			odds += float64(i%4) * x / 10_000
			line = append(strconv.AppendFloat(line, x, 'f', 3, 64), ',')
		}
		for _, below := range []int{100, 1000, 100_000, 1 << 30} {
			x := r.IntN(below)
			odds -= float64(x) / float64(below)
			line = append(strconv.AppendInt(line, int64(x), 10), ',')
		}
		for _, values := range Categories {
			which := r.IntN(len(values))
			odds -= float64(which) / 3
			line = append(append(line, values[which]...), ',')
		}
		if outcome {
			line = append(line, '0', ',')
			if r.Float64() < 1/(1+math.Exp(-odds)) {
				line[len(line)-2] = '1'
			}
		}
		line[len(line)-1] = '\n'
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return w.Flush()
}
