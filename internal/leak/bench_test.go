package leak_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/leak"
	"github.com/loanops/loanops/internal/pipeline"
)

// wide draws a table of so many columns, two thirds of them numbers, with an identifier.
func wide(rows, columns int) (pipeline.Spec, dataset.Table, []float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	spec := pipeline.Spec{Entity: "id"}
	y := make([]float64, rows)
	id := dataset.Column{Name: "id", Kind: dataset.Text}
	for i := range y {
		if rng.Float64() < 0.1 {
			y[i] = 1
		}
		id.Texts, id.Valid = append(id.Texts, fmt.Sprintf("L%09d", rng.Uint32())), append(id.Valid, true)
	}
	table := dataset.Table{Columns: []dataset.Column{id}}
	for j := range columns {
		c := dataset.Column{Name: fmt.Sprintf("c%d", j), Kind: dataset.Float}
		if j%3 == 2 {
			c.Kind = dataset.Text
		}
		for range rows {
			if c.Kind == dataset.Text {
				c.Texts, c.Valid = append(c.Texts, fmt.Sprint(rng.IntN(1000))), append(c.Valid, true)
			} else {
				c.Floats = append(c.Floats, rng.NormFloat64())
			}
		}
		spec.Columns = append(spec.Columns, pipeline.Column{Name: c.Name})
		table.Columns = append(table.Columns, c)
	}
	return spec, table, y
}

func BenchmarkFeatures(b *testing.B) {
	for _, rows := range []int{10_000, 200_000} {
		b.Run(fmt.Sprintf("%dx30", rows), func(b *testing.B) {
			spec, table, y := wide(rows, 30)
			b.ReportAllocs()
			for b.Loop() {
				features(spec, table, y, leak.Options{})
			}
		})
	}
}

func BenchmarkSplit(b *testing.B) {
	for _, rows := range []int{10_000, 200_000} {
		b.Run(fmt.Sprintf("%dx30", rows), func(b *testing.B) {
			spec, table, _ := wide(rows, 30)
			var parts [3][]int
			for i := range rows {
				parts[i%3] = append(parts[i%3], i)
			}
			parts[2] = append(parts[2], parts[0][:rows/50]...)
			train, validation, test := table.Select(parts[0]), table.Select(parts[1]), table.Select(parts[2])
			b.ReportAllocs()
			for b.Loop() {
				acrossSplit(spec, train, validation, test)
			}
		})
	}
}
