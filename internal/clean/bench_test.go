package clean_test

import (
	"strconv"
	"testing"

	"github.com/loanops/loanops/internal/pipeline"
)

// One value each; the first is what a number costs at least.
func BenchmarkClean(b *testing.B) {
	b.Run("strconv", func(b *testing.B) {
		for b.Loop() {
			if _, err := strconv.ParseFloat("-1234.56", 64); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, bench := range []struct {
		name  string
		of    pipeline.ColumnType
		raw   string
		steps []pipeline.CleanStep
	}{
		{"number", pipeline.Number, "-1234.56", nil},
		{"number of 17 digits", pipeline.Number, "0.12345678901234567", nil},
		{"number with codes", pipeline.Number, "74", []pipeline.CleanStep{codes("none", "-9", "-8", "-7")}},
		{"integer", pipeline.Integer, "123456", nil},
		{"decimal", pipeline.Decimal, "1234.56", nil},
		{"boolean", pipeline.Boolean, "False", nil},
		{"category", pipeline.Category, "debt_consolidation", nil},
		{"category with steps", pipeline.Category, "debt_consolidation", []pipeline.CleanStep{trim(), letters("lower"), mapped(map[string]string{"car": "auto"})}},
		{"amount", pipeline.Number, "$60,000.00 ", []pipeline.CleanStep{amount("$", "", "")}},
		{"date", pipeline.Day, "2026-06-30", nil},
		{"date with formats", pipeline.Day, "2/28/97", []pipeline.CleanStep{dates(0, "M/D/YYYY", "M/D/YY")}},
		{"timestamp", pipeline.Timestamp, "2026-06-30T15:04:05.123456Z", nil},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := cleaner(b, bench.of, bench.steps...)
			b.ReportAllocs()
			b.SetBytes(int64(len(bench.raw)))
			for b.Loop() {
				if _, fault := c.Clean(bench.raw); fault != 0 {
					b.Fatal(c.Words(fault))
				}
			}
		})
	}
}
