package performance

import (
	"math/rand/v2"
	"testing"
)

func benchmarkRows(n int) (y, p []float64) {
	random := rand.New(rand.NewPCG(1, 2))
	for range n {
		z := random.NormFloat64() - 1.5
		p = append(p, sigmoid(z))
		label := 0.0
		if random.Float64() < sigmoid(z) {
			label = 1
		}
		y = append(y, label)
	}
	return y, p
}

func BenchmarkEstimateAMillionRows(b *testing.B) {
	y, p := benchmarkRows(20_000)
	_, fresh := benchmarkRows(1_000_000)
	for b.Loop() {
		if _, err := Estimate(Reference{Labels: y, Scores: p}, fresh, nil, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRealiseAMillionRows(b *testing.B) {
	y, p := benchmarkRows(1_000_000)
	days := make([]float64, len(y))
	for i := range days {
		days[i] = float64(i / 3000)
	}
	for b.Loop() {
		if _, err := Realise(Window{Scores: p, Labels: y, Days: days}, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFitMap(b *testing.B) {
	y, p := benchmarkRows(5000)
	for b.Loop() {
		if _, ok := fitMap(y, p); !ok {
			b.Fatal("no fit")
		}
	}
}
