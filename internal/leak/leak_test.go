package leak_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/leak"
	"github.com/loanops/loanops/internal/pipeline"
)

// data are labels, a table and its spec, made column by column.
type data struct {
	rng   *rand.Rand
	y     []float64
	spec  pipeline.Spec
	table dataset.Table
}

// draw gives so many rows, a share of them positive.
func draw(rows int, share float64) *data {
	d := &data{rng: rand.New(rand.NewPCG(7, uint64(rows)))}
	for range rows {
		d.y = append(d.y, 0)
		if d.rng.Float64() < share {
			d.y[len(d.y)-1] = 1
		}
	}
	return d
}

func (d *data) number(name string, value func(i int, bad bool) float64) *data {
	c := dataset.Column{Name: name, Kind: dataset.Float}
	for i := range d.y {
		c.Floats = append(c.Floats, value(i, d.y[i] == 1))
	}
	return d.add(c)
}

// text adds a column of texts; an empty one is missing.
func (d *data) text(name string, value func(i int, bad bool) string) *data {
	c := dataset.Column{Name: name, Kind: dataset.Text}
	for i := range d.y {
		text := value(i, d.y[i] == 1)
		c.Texts, c.Valid = append(c.Texts, text), append(c.Valid, text != "")
	}
	return d.add(c)
}

func (d *data) add(c dataset.Column) *data {
	d.table.Columns = append(d.table.Columns, c)
	d.spec.Columns = append(d.spec.Columns, pipeline.Column{Name: c.Name})
	return d
}

// entity adds the identifier.
func (d *data) entity(value func(i int, bad bool) string) *data {
	d.text("id", value)
	d.spec.Columns, d.spec.Entity = d.spec.Columns[:len(d.spec.Columns)-1], "id"
	return d
}

func (d *data) vetoes() []leak.Veto { return features(d.spec, d.table, d.y, leak.Options{}) }

// names are the vetoes' columns and rules.
func names(vetoes []leak.Veto) []string {
	named := []string{}
	for _, v := range vetoes {
		named = append(named, strings.TrimSpace(v.Column+" "+string(v.Rule)))
	}
	return named
}

func (d *data) chance(share float64) bool { return d.rng.Float64() < share }

func TestFindsLeaks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		data *data
		want string
	}{
		"a number that is the label, nearly": {draw(2000, 0.2).number("x", func(i int, bad bool) float64 {
			if bad {
				return 100 + math.Mod(float64(i), 17)
			}
			return 84 + math.Mod(float64(i), 18)
		}), "x auc"},
		"the same the other way round": {draw(2000, 0.8).number("x", func(i int, bad bool) float64 {
			if bad {
				return 84 + math.Mod(float64(i), 18)
			}
			return 100 + math.Mod(float64(i), 17)
		}), "x auc"},
		"a middle range": {draw(2000, 0.2).number("x", func(i int, bad bool) float64 {
			if bad {
				return 40 + math.Mod(float64(i), 20)
			}
			return math.Mod(float64(i)*37, 40) + 60*math.Mod(float64(i), 2)
		}), "x auc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, []string{test.want}, names(test.data.vetoes()))
		})
	}
}

func TestFindsACategoryThatIsTheLabel(t *testing.T) {
	t.Parallel()
	d := draw(1000, 0.3)
	d.text("state", func(_ int, bad bool) string {
		if bad != d.chance(0.02) {
			return []string{"sold", "charged off"}[d.rng.IntN(2)]
		}
		return []string{"current", "paid"}[d.rng.IntN(2)]
	})
	require.Contains(t, names(d.vetoes()), "state auc")
}

// A mean that is filled in per class, as in the leaky HELOC file: no single AUC shows it.
func TestFindsValuesFilledInPerClass(t *testing.T) {
	t.Parallel()
	d := draw(8000, 0.5)
	d.number("burden", func(_ int, bad bool) float64 {
		switch {
		case d.chance(0.9):
			return float64(d.rng.IntN(130))
		case bad:
			return 70.21
		default:
			return 66.52
		}
	})
	vetoes := d.vetoes()
	require.Equal(t, []string{"burden pure_values"}, names(vetoes))
	require.Equal(t, 1., vetoes[0].Effect)
	require.InDelta(t, 800, vetoes[0].Count, 100)
	require.Contains(t, vetoes[0].Message, "2 values")
}

func TestFindsMissingnessThatTells(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		good, bad float64
		text      bool
		want      []string
	}{
		"by a difference":           {good: 0.1, bad: 0.6, want: []string{"x missingness"}},
		"the other way":             {good: 0.6, bad: 0.1, want: []string{"x missingness"}},
		"of a text":                 {good: 0.1, bad: 0.6, text: true, want: []string{"x missingness"}},
		"the bad alone":             {good: 0, bad: 0.15, want: []string{"x missingness"}},
		"there for some of the bad": {good: 1, bad: 0.8, want: []string{"x missingness"}},
		"an income left out":        {good: 0.05, bad: 0.1, want: []string{}},
		"by half, and of many":      {good: 0.4, bad: 0.6, want: []string{}},
		"always":                    {good: 1, bad: 1, want: []string{}},
		"never":                     {good: 0, bad: 0, want: []string{}},
		"a third of the good alone": {good: 0.3, bad: 0, want: []string{"x missingness"}},
		"a tenth of the good alone": {good: 0.1, bad: 0, want: []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := draw(4000, 0.2)
			share := func(bad bool) float64 {
				if bad {
					return test.bad
				}
				return test.good
			}
			if test.text {
				d.text("x", func(i int, bad bool) string {
					if d.chance(share(bad)) {
						return ""
					}
					return fmt.Sprint("v", i%7)
				})
			} else {
				d.number("x", func(_ int, bad bool) float64 {
					if d.chance(share(bad)) {
						return math.NaN()
					}
					return d.rng.NormFloat64()
				})
			}
			require.Equal(t, test.want, names(d.vetoes()))
		})
	}
}

func TestFindsIdentifiersThatTell(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		id   func(i int, bad bool) string
		want []string
	}{
		"a prefix": {func(i int, bad bool) string { return fmt.Sprintf("%v-%06d", bad, i) }, []string{"id identifier"}},
		"a suffix": {func(i int, bad bool) string {
			if bad {
				return fmt.Sprintf("%06dC", i)
			}
			return fmt.Sprintf("%06d", i)
		}, []string{"id identifier"}},
		"numbers of their own": {func(i int, bad bool) string {
			if bad {
				return fmt.Sprintf("L%d", 500+i)
			}
			return fmt.Sprintf("L%d", 9000+i)
		}, []string{"id identifier"}},
		"numbers in turn":          {func(i int, _ bool) string { return fmt.Sprintf("L%d", i) }, []string{}},
		"no digits":                {func(i int, _ bool) string { return strings.Repeat("x", 1+i%50) }, []string{}},
		"missing":                  {func(int, bool) string { return "" }, []string{}},
		"more digits than a float": {func(i int, _ bool) string { return strings.Repeat("9", 400) + fmt.Sprint(i) }, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, names(draw(2000, 0.2).entity(test.id).vetoes()))
			// The same column as a feature that names rows.
			got := names(draw(2000, 0.2).text("id", test.id).vetoes())
			require.Equal(t, test.want, got)
		})
	}
}

func TestFindsAnIdentifierThatIsANumber(t *testing.T) {
	t.Parallel()
	d := draw(2000, 0.2).number("id", func(i int, bad bool) float64 {
		if bad {
			return float64(i)
		}
		return float64(i + 1500)
	})
	d.spec.Entity, d.spec.Columns = "id", nil
	require.Equal(t, []string{"id identifier"}, names(d.vetoes()))
}

func TestFindsRowsInTheOrderOfTheirLabels(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		label func(i int) float64 // of 4,000
		want  []string
	}{
		"sorted":                {func(i int) float64 { return float64(i / 3000) }, []string{"row_order"}},
		"three files":           {func(i int) float64 { return float64(i / 1000 % 3 % 2) }, []string{"row_order"}},
		"short runs":            {func(i int) float64 { return float64(i / 15 % 2) }, []string{"row_order"}},
		"in turn":               {func(i int) float64 { return float64(i % 2) }, []string{"row_order"}},
		"a rate that grows":     {func(i int) float64 { return below(i, 0.05+0.3*float64(i)/4000) }, []string{}},
		"a rate that jumps":     {func(i int) float64 { return below(i, 0.1+0.2*float64(i/2000)) }, []string{}},
		"a rate of the seasons": {func(i int) float64 { return below(i, 0.2+0.15*math.Sin(float64(i)/50)) }, []string{}},
		"one label":             {func(int) float64 { return 1 }, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := draw(4000, 0)
			for i := range d.y {
				d.y[i] = test.label(i)
			}
			require.Equal(t, test.want, names(d.vetoes()))
		})
	}
}

// below is 1 with a probability, by the row's number.
func below(i int, probability float64) float64 {
	if rand.New(rand.NewPCG(uint64(i), 3)).Float64() < probability {
		return 1
	}
	return 0
}

// What is decided after the application may predict little; only the spec says it.
func TestADeclaredColumnIsVetoed(t *testing.T) {
	t.Parallel()
	d := draw(300, 0.2)
	d.number("insurance", func(int, bool) float64 { return d.rng.NormFloat64() })
	d.number("income", func(int, bool) float64 { return d.rng.NormFloat64() })
	d.spec.Columns[0].Known = pipeline.KnownAfterOutcome
	vetoes := d.vetoes()
	require.Equal(t, []string{"insurance known_later"}, names(vetoes))
	require.Equal(t, 300, vetoes[0].Count)
	require.Contains(t, vetoes[0].Message, "move it from columns to ignore")
}

func TestBoundsMove(t *testing.T) {
	t.Parallel()
	d := draw(5000, 0.3)
	d.number("strong", func(_ int, bad bool) float64 {
		if bad {
			return d.rng.NormFloat64() + 1.2 // AUC 0.80
		}
		return d.rng.NormFloat64()
	})
	d.number("absent", func(_ int, bad bool) float64 {
		if bad == d.chance(0.4) {
			return math.NaN()
		}
		return 1
	})
	require.Empty(t, d.vetoes())
	require.Equal(t, []string{"strong auc"}, names(features(d.spec, d.table, d.y, leak.Options{MaxAUC: 0.75})))
	require.Equal(t, []string{"absent missingness"}, names(features(d.spec, d.table, d.y, leak.Options{MaxMissingness: 0.1})))
	for i := range d.y {
		d.y[i] = below(i, 0.6*float64(i)/5000)
	}
	require.Equal(t, []string{"row_order"}, names(features(pipeline.Spec{}, d.table, d.y, leak.Options{MaxOrderAUC: 0.6})))
}

func TestHonestDataAreSilent(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]*data{
		"a special code of 1 %": func() *data {
			d := draw(10_000, 0.01)
			return d.number("x", func(i int, bad bool) float64 {
				if i%100 == 0 && !bad {
					return -9 // 100 rows and no default: one is expected
				}
				return d.rng.NormFloat64()
			})
		}(),
		"a strong feature in whole numbers, whose tails are pure": func() *data {
			d := draw(30_000, 0.3)
			return d.number("x", func(_ int, bad bool) float64 {
				if bad {
					return math.Round(3 * (d.rng.NormFloat64() + 1.5))
				}
				return math.Round(3 * d.rng.NormFloat64())
			})
		}(),
		"a strong flag, as av-loan-prediction's credit history": func() *data {
			d := draw(20_000, 0.31)
			return d.text("x", func(_ int, bad bool) string {
				return fmt.Sprint(d.chance(map[bool]float64{true: 0.43, false: 0.017}[bad]))
			})
		}(),
		"texts that come once": func() *data {
			d := draw(3000, 0.2)
			return d.text("x", func(i int, _ bool) string { return fmt.Sprint("employer ", (i*7919)%3000) })
		}(),
		"texts that come twice, with one label": func() *data {
			d := draw(3000, 0.2)
			return d.text("x", func(int, bool) string { return fmt.Sprint("employer ", d.rng.IntN(1500)) })
		}(),
		"constants": draw(1000, 0.5).number("x", func(int, bool) float64 { return 7 }).text("t", func(int, bool) string { return "v" }),
		"nothing":   draw(1000, 0.5).number("x", func(int, bool) float64 { return math.NaN() }).text("t", func(int, bool) string { return "" }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, d.vetoes())
		})
	}
}

// Few rows prove nothing, whatever they look like.
func TestFewRowsAreSilent(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{0, 1, 2, 3, 10, 20} {
		d := draw(rows, 0.5)
		d.number("x", func(_ int, bad bool) float64 {
			if bad {
				return 1
			}
			return math.NaN()
		}).text("t", func(_ int, bad bool) string { return fmt.Sprint(bad) })
		require.Empty(t, names(d.vetoes()), "%d rows", rows)
	}
}

func TestRowsWithoutALabelDoNotCount(t *testing.T) {
	t.Parallel()
	d := draw(2000, 0.3)
	d.number("x", func(i int, bad bool) float64 {
		if i%2 == 0 {
			d.y[i] = math.NaN()
			return 1e9
		}
		if bad {
			return 2
		}
		return 1
	})
	vetoes := d.vetoes()
	require.Equal(t, []string{"x auc", "x pure_values"}, names(vetoes))
	require.Equal(t, 1000, vetoes[0].Count)
	require.Equal(t, 1000, vetoes[1].Count)
	for i := range d.y {
		d.y[i] = math.NaN()
	}
	require.Empty(t, d.vetoes())
}

// A date is a number; a column that the table lacks is validation's.
func TestKindsOfColumns(t *testing.T) {
	t.Parallel()
	d := draw(2000, 0.3)
	d.number("day", func(i int, bad bool) float64 {
		if bad {
			return float64(20_000 + i)
		}
		return float64(10_000 + i)
	})
	d.table.Columns[0].Kind = dataset.Date
	d.spec.Columns = append(d.spec.Columns, pipeline.Column{Name: "absent", Known: pipeline.KnownAfterOutcome})
	d.spec.Entity = "absent as well"
	require.Equal(t, []string{"day auc"}, names(d.vetoes()))
}
