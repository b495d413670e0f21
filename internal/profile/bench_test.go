package profile_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/profile"
)

// lending is a batch of 20 columns as lenders have them: counts, amounts, ratios with missing values and categories.
func lending(rows int) dataset.Table {
	r := rand.New(rand.NewPCG(1, 2))
	var t dataset.Table
	for i := range 20 {
		c := dataset.Column{Name: "c" + strconv.Itoa(i)}
		for range rows {
			switch i % 5 {
			case 0:
				c.Kind, c.Floats = dataset.Integer, append(c.Floats, float64(r.IntN(40)))
			case 1:
				c.Floats = append(c.Floats, math.Round(math.Exp(10+r.NormFloat64())))
			case 2:
				x := r.Float64()
				if r.IntN(8) == 0 {
					x = math.NaN()
				}
				c.Floats = append(c.Floats, x)
			case 3:
				c.Floats = append(c.Floats, 500+80*r.NormFloat64())
			default:
				c.Kind, c.Texts, c.Valid = dataset.Text, append(c.Texts, "level "+strconv.Itoa(r.IntN(12))), append(c.Valid, true)
			}
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}

// BenchmarkOf describes 65,536 rows of 20 columns by label and over 22 months.
func BenchmarkOf(b *testing.B) {
	t, days := lending(65_536), dataset.Column{Name: "day", Kind: dataset.Date}
	about := profile.About{Time: "day", Role: func(name string) profile.Role {
		if name == "day" {
			return ""
		}
		return profile.Feature
	}}
	for i := range t.Rows() {
		about.Label = append(about.Label, float64(i%5/4))
		days.Floats = append(days.Floats, float64(19_000+i/100))
	}
	t.Columns = append(t.Columns, days)
	b.ReportAllocs()
	b.SetBytes(int64(t.Rows()))
	for b.Loop() {
		profile.Of(t, about)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*t.Rows()), "ns/row")
}

// BenchmarkProfile adds the batches of 65,536 rows of 20 columns up and describes them.
func BenchmarkProfile(b *testing.B) {
	t := lending(65_536)
	ordinals := dataset.Column{Name: dataset.RowColumn, Kind: dataset.Integer}
	for i := range t.Rows() {
		ordinals.Floats = append(ordinals.Floats, float64(i+1))
	}
	t.Columns = append(t.Columns, ordinals)
	about := profile.About{Role: hidden}
	for i := range t.Rows() {
		about.Label = append(about.Label, float64(i%5/4))
	}
	for b.Loop() {
		b.StopTimer()
		var batches []*profile.Accumulator
		for range 8 {
			batches = append(batches, profile.Of(t, about))
		}
		b.StartTimer()
		all := &profile.Accumulator{}
		for _, batch := range batches {
			if err := all.Add(batch); err != nil {
				b.Fatal(err)
			}
		}
		all.Profile("x")
	}
}
