package logit

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// drawn is a table of numbers (the odd ones nullable), categories, and an outcome that depends on them.
func drawn(rng *rand.Rand, rows, numbers, categories int) (pipeline.Spec, dataset.Table) {
	spec := pipeline.Spec{Name: "drawn", Label: pipeline.Label{Column: "y", Positive: "1", Negative: "0"}, Algorithm: pipeline.Algorithm{L2: []float64{0.01}, MaxIterations: 200}}
	odds := make([]float64, rows)
	var t dataset.Table
	for j := range numbers {
		c := dataset.Column{Name: fmt.Sprint("n", j)}
		for i := range rows {
			x := 3 + 2*rng.NormFloat64()
			if j%2 == 1 && rng.IntN(10) == 0 {
				x = math.NaN()
			} else {
				odds[i] += (x - 3) * float64(j%3) / 4
			}
			c.Floats = append(c.Floats, x)
		}
		t.Columns = append(t.Columns, c)
		spec.Columns = append(spec.Columns, pipeline.Column{Name: c.Name, Type: pipeline.Number, MissingMax: float64(j % 2)})
	}
	for j := range categories {
		c := dataset.Column{Name: fmt.Sprint("c", j), Kind: dataset.Text}
		for i := range rows {
			level := rng.IntN(3 + j)
			odds[i] += float64(level) / 3
			c.Texts, c.Valid = append(c.Texts, fmt.Sprint("level ", level)), append(c.Valid, true)
		}
		t.Columns = append(t.Columns, c)
		spec.Columns = append(spec.Columns, pipeline.Column{Name: c.Name, Type: pipeline.Category})
	}
	y := dataset.Column{Name: "y", Kind: dataset.Text}
	for i := range rows {
		label := "0"
		if rng.Float64() < 1/(1+math.Exp(1-odds[i])) {
			label = "1"
		}
		y.Texts, y.Valid = append(y.Texts, label), append(y.Valid, true)
	}
	t.Columns = append(t.Columns, y)
	return spec, t
}

func designOf(t require.TestingT, spec pipeline.Spec, table dataset.Table) *design {
	_, d, err := fitDesign(context.Background(), spec, dataset.ColumnsOf(table))
	require.NoError(t, err)
	return d
}

// dense is the design row by row, with a 1 for the intercept.
func (d *design) dense() [][]float64 {
	x := make([][]float64, len(d.y))
	for i := range x {
		x[i] = make([]float64, 1+d.width)
		x[i][0] = 1
		for f, field := range d.fields {
			if field.Numbers != nil {
				x[i][1+d.first[f]] = field.Numbers[i]
			}
			if field.Ones != nil && field.Ones[i] >= 0 {
				x[i][1+d.first[f]+int(field.Ones[i])] = 1
			}
		}
	}
	return x
}

// plainly is the penalised mean loss and its gradient, row by row.
func plainly(x [][]float64, y, w []float64, l2 float64) (loss float64, gradient []float64) {
	gradient = make([]float64, len(w))
	n := float64(len(y))
	for i, row := range x {
		z := 0.0
		for j := range row {
			z += w[j] * row[j]
		}
		loss += (math.Log1p(math.Exp(-math.Abs(z))) + math.Max(z, 0) - y[i]*z) / n
		for j := range row {
			gradient[j] += (1/(1+math.Exp(-z)) - y[i]) * row[j] / n
		}
	}
	for j := 1; j < len(w); j++ {
		loss += l2 / 2 * w[j] * w[j]
		gradient[j] += l2 * w[j]
	}
	return loss, gradient
}

// The loss by columns, tiles and stretches is that by rows; its gradient as well, and the curvature is how the gradient changes.
func TestObjectiveIsThatOfTheRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SampledFrom([]int{40, tile + 1, 2*minStretch + 5}).Draw(t, "rows")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		spec, table := drawn(rng, rows, rapid.IntRange(0, 4).Draw(t, "numbers"), rapid.IntRange(1, 3).Draw(t, "categories"))
		d := designOf(t, spec, table)
		w := make([]float64, 1+d.width)
		for j := range w {
			w[j] = rng.NormFloat64()
		}
		o, x, gradient := newObjective(d), d.dense(), make([]float64, len(w))
		loss := o.at(w, 0.1, gradient)
		wantLoss, wantGradient := plainly(x, d.y, w, 0.1)
		require.InDelta(t, wantLoss, loss, 1e-12)
		require.InDeltaSlice(t, wantGradient, gradient, 1e-12)
		require.Equal(t, loss, o.at(w, 0.1, nil), "the same without a gradient")

		h := mat.NewSymDense(len(w), nil)
		o.curvature(h)
		for j := range w {
			for k := range w {
				want := 0.0
				for i, row := range x {
					want += o.slope[i] * row[j] * row[k] / float64(rows)
				}
				require.InDelta(t, want, h.At(j, k), 1e-12, "%d, %d", j, k)
			}
		}
	})
}

// byLBFGS minimises the loss of the rows by another algorithm and another code path.
func byLBFGS(t *testing.T, x [][]float64, y []float64, l2 float64) []float64 {
	t.Helper()
	problem := optimize.Problem{
		Func: func(w []float64) float64 { loss, _ := plainly(x, y, w, l2); return loss },
		Grad: func(to, w []float64) { _, g := plainly(x, y, w, l2); copy(to, g) },
	}
	result, err := optimize.Minimize(problem, make([]float64, len(x[0])), &optimize.Settings{GradientThreshold: 1e-12, MajorIterations: 2000, Converger: optimize.NeverTerminate{}}, &optimize.LBFGS{})
	require.NotNil(t, result, "%v", err)
	require.Less(t, largest(result.Gradient), 1e-8, "as near as its line search can tell losses apart")
	return result.X
}

// Along the whole path of penalties the weights are those of another algorithm that begins at zero each time.
func TestWeightsAreThoseOfLBFGS(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		spec, table := drawn(rand.New(rand.NewPCG(seed, 2)), 1500, 5, 3)
		d := designOf(t, spec, table)
		x := d.dense()
		f := newFitter(d, 200, func(int, float64) {})
		weights := make([]float64, 1+d.width)
		for _, l2 := range []float64{1, 0.1, 0.01, 0.001} {
			var err error
			var iterations int
			weights, iterations, err = f.fit(t.Context(), weights, l2)
			require.NoError(t, err)
			require.LessOrEqual(t, iterations, 12)
			require.InDeltaSlice(t, byLBFGS(t, x, d.y, l2), weights, 1e-6, "seed %d, l2 %v", seed, l2)
			// The loss is at least as curved as its penalty, so that weights are no farther from the minimum than the gradient over it.
			_, gradient := plainly(x, d.y, weights, l2)
			require.Less(t, largest(gradient[1:])/l2, 1e-8)
		}
	}
}

// Above maxNewton weights another method is taken: it comes to the same ones.
func TestBothMethodsComeToTheSame(t *testing.T) {
	t.Parallel()
	spec, table := drawn(rand.New(rand.NewPCG(1, 3)), 3000, 3, 2)
	f := newFitter(designOf(t, spec, table), 500, func(int, float64) {})
	zero := make([]float64, 1+f.width)
	newton, err := f.newton(t.Context(), zero, 0.01)
	require.NoError(t, err)
	lbfgs, err := f.lbfgs(t.Context(), zero, 0.01)
	require.NoError(t, err)
	require.Equal(t, optimize.GradientThreshold, lbfgs.Status)
	require.InDeltaSlice(t, newton.X, lbfgs.X, 1e-5) // its gradient's 1e-7 over the penalty's 1e-2

	wide := dataset.Column{Name: "c0", Kind: dataset.Text}
	for i := range 3000 {
		wide.Texts, wide.Valid = append(wide.Texts, fmt.Sprint("level ", i%600)), append(wide.Valid, true)
	}
	table.Columns[3] = wide
	m, _, err := Train(t.Context(), spec, dataset.ColumnsOf(table), dataset.ColumnsOf(table), func(int, float64) {})
	require.NoError(t, err)
	require.Greater(t, len(m.Coefficients), maxNewton)
	narrow := newFitter(designOf(t, spec, table), 500, func(int, float64) {})
	end, err := narrow.newton(t.Context(), make([]float64, 1+narrow.width), 0.01)
	require.NoError(t, err)
	require.InDeltaSlice(t, end.X[1:], m.Coefficients, 1e-5)
}

// One processor or several: the same bits.
func TestProcessorsDoNotMatter(t *testing.T) {
	spec, table := drawn(rand.New(rand.NewPCG(1, 4)), 5*minStretch+17, 4, 3)
	spec.Algorithm.L2 = []float64{0.001, 0.1}
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	var want []byte
	for _, processors := range []int{1, 2, 5} {
		runtime.GOMAXPROCS(processors)
		m, _, err := Train(t.Context(), spec, dataset.ColumnsOf(table), dataset.ColumnsOf(table), func(int, float64) {})
		require.NoError(t, err)
		bundle, err := m.Encode()
		require.NoError(t, err)
		if want == nil {
			want = bundle
		}
		require.Equal(t, want, bundle, "%d processors", processors)
	}
}

// A penalty keeps weights finite where a column tells the classes apart; without one the loss has no minimum, and the fit ends where the gradient is as good as zero.
func TestSeparableClasses(t *testing.T) {
	t.Parallel()
	spec, table := drawn(rand.New(rand.NewPCG(1, 5)), 2000, 3, 1)
	for i, x := range table.Columns[0].Floats {
		table.Columns[4].Texts[i] = map[bool]string{true: "1", false: "0"}[x > 3]
	}
	for _, l2 := range []float64{0.001, 0} {
		spec.Algorithm.L2 = []float64{l2}
		m, chosen, err := Train(t.Context(), spec, dataset.ColumnsOf(table), dataset.ColumnsOf(table), func(int, float64) {})
		require.NoError(t, err)
		require.Less(t, chosen.Trials[0].ValidationLogLoss, 0.1)
		for _, w := range m.Coefficients {
			require.False(t, math.IsNaN(w) || math.IsInf(w, 0))
		}
	}
}

// Columns that add up to others, as a category's do to the intercept, leave the weights open where there is no penalty, but not the scores.
func TestCollinearColumns(t *testing.T) {
	t.Parallel()
	spec, table := drawn(rand.New(rand.NewPCG(1, 6)), 2000, 1, 1)
	d := designOf(t, spec, table)
	once, _, err := newFitter(d, 200, func(int, float64) {}).fit(t.Context(), make([]float64, 1+d.width), 0)
	require.NoError(t, err)
	for _, again := range []int{0, 1} { // the number, and the category
		twin := table.Columns[again]
		twin.Name = "twin"
		wider := dataset.Table{Columns: append(slices.Clone(table.Columns), twin)}
		more := spec
		more.Columns = append(slices.Clone(spec.Columns), pipeline.Column{Name: "twin", Type: spec.Columns[again].Type})
		e := designOf(t, more, wider)
		twice, _, err := newFitter(e, 200, func(int, float64) {}).fit(t.Context(), make([]float64, 1+e.width), 0)
		require.NoError(t, err)
		require.Less(t, largest(twice), 10., "no weight is what rounding makes it")
		x, wide := d.dense(), e.dense()
		for i := range x {
			require.InDelta(t, scoreOf(x[i], once), scoreOf(wide[i], twice), 1e-5)
		}
	}
}

func scoreOf(x, w []float64) float64 {
	z := 0.0
	for j := range x {
		z += x[j] * w[j]
	}
	return z
}

func TestTrainNamesColumnsThatItCannotTake(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		says   string
		change func(spec *pipeline.Spec, t *dataset.Table)
	}{
		{`field "n0" is missing`, func(_ *pipeline.Spec, t *dataset.Table) { t.Columns[0].Floats[7] = math.NaN() }},
		{`column "n1" is missing`, func(_ *pipeline.Spec, t *dataset.Table) { t.Columns[1].Name = "other" }},
		{`column "n1" has no values in training`, func(_ *pipeline.Spec, t *dataset.Table) {
			for i := range t.Columns[1].Floats {
				t.Columns[1].Floats[i] = math.NaN()
			}
		}},
		{`column "n1" has 2 rows, the label 50`, func(_ *pipeline.Spec, t *dataset.Table) { t.Columns[1].Floats = t.Columns[1].Floats[:2] }},
		{`column "c0" is not a number`, func(s *pipeline.Spec, _ *dataset.Table) { s.Columns[2].Type = pipeline.Number }},
		{`the label column "y" is missing`, func(_ *pipeline.Spec, t *dataset.Table) { t.Columns[3].Name = "other" }},
		{`a row to train on has no label`, func(_ *pipeline.Spec, t *dataset.Table) { t.Columns[3].Valid[9] = false }},
	} {
		spec, table := drawn(rand.New(rand.NewPCG(1, 7)), 50, 2, 1)
		test.change(&spec, &table)
		_, _, err := Train(t.Context(), spec, dataset.ColumnsOf(table), dataset.ColumnsOf(table), func(int, float64) {})
		require.ErrorContains(t, err, test.says)
		require.NotEqual(t, fault.Internal, fault.CodeOf(err))
	}
}

// A column that says nothing has weight 0 whatever the penalty, so that all of them tie. Trials stand in the order of the spec.
func TestATieGoesToTheLargerPenalty(t *testing.T) {
	t.Parallel()
	spec, table := drawn(rand.New(rand.NewPCG(1, 8)), 60, 1, 0)
	for i := range table.Columns[0].Floats {
		table.Columns[0].Floats[i] = 1
	}
	spec.Algorithm.L2 = []float64{0.01, 1, 0.1}
	_, chosen, err := Train(t.Context(), spec, dataset.ColumnsOf(table), dataset.ColumnsOf(table), func(int, float64) {})
	require.NoError(t, err)
	require.Equal(t, 1., chosen.L2)
	for i, trial := range chosen.Trials {
		require.Equal(t, spec.Algorithm.L2[i], trial.L2)
		require.Equal(t, chosen.Trials[0].ValidationLogLoss, trial.ValidationLogLoss)
	}
}
