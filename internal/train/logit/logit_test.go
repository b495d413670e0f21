package logit_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/explain"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/scoring"
	"github.com/loanops/loanops/internal/simulate"
	"github.com/loanops/loanops/internal/train/logit"
	"github.com/loanops/loanops/internal/transform"
	"github.com/loanops/loanops/pipelines"
)

func silent(int, float64) {}

func parts(t testing.TB, rows int) (spec pipeline.Spec, train, validation, test dataset.Table) {
	data, err := pipelines.FS.ReadFile("loan-eligibility.yaml")
	require.NoError(t, err)
	spec, err = pipeline.Parse("loan-eligibility.yaml", data)
	require.NoError(t, err)
	simulation := *spec.Source.Simulate
	simulation.Rows = rows
	table := simulate.Flat(simulation, time.Time{})
	splitter := dataset.NewSplitter(spec, time.Time{})
	marks, err := splitter.Mark(table)
	require.NoError(t, err)
	division, err := splitter.Divide([]dataset.Marks{marks})
	require.NoError(t, err)
	dealt := division.Deal(table, 0)
	return spec, dealt[dataset.Train], dealt[dataset.Validation], dealt[dataset.Test]
}

func TestTrainedModelSeparatesAndIsDeterministic(t *testing.T) {
	spec, train, validation, test := parts(t, 8000)
	m, chosen, err := logit.Train(context.Background(), spec, dataset.ColumnsOf(train), dataset.ColumnsOf(validation), silent)
	require.NoError(t, err)
	require.Len(t, chosen.Trials, 4)
	p, err := scoring.Table(m, test)
	require.NoError(t, err)
	spec.Label.MaturesAfterDays = 0
	y, err := dataset.Label(spec, test, time.Time{})
	require.NoError(t, err)
	e, err := evaluate.Evaluate(y, p)
	require.NoError(t, err)
	t.Logf("AUC %+v, KS %.3f, Brier %.3f", e.Metrics["auc"], e.Metrics["ks"].Estimate, e.Metrics["brier"].Estimate)
	require.Greater(t, e.Metrics["auc"].Lower, 0.68)

	again, _, err := logit.Train(context.Background(), spec, dataset.ColumnsOf(train), dataset.ColumnsOf(validation), silent)
	require.NoError(t, err)
	first, err := m.Encode()
	require.NoError(t, err)
	second, err := again.Encode()
	require.NoError(t, err)
	require.Equal(t, model.Digest(first), model.Digest(second))
}

// newton solves the same problem by Newton's method with dense algebra: another algorithm and another code path.
func newton(x [][]float64, y []float64, l2 float64) []float64 {
	n, width := len(x), len(x[0])
	w := make([]float64, width)
	for range 50 {
		gradient, hessian := make([]float64, width), mat.NewSymDense(width, nil)
		for i, row := range x {
			z := 0.0
			for j, value := range row {
				z += w[j] * value
			}
			p := 1 / (1 + math.Exp(-z))
			for j, a := range row {
				gradient[j] += a * (p - y[i]) / float64(n)
				for k := j; k < width; k++ {
					hessian.SetSym(j, k, hessian.At(j, k)+a*row[k]*p*(1-p)/float64(n))
				}
			}
		}
		for j := 1; j < width; j++ {
			gradient[j] += l2 * w[j]
			hessian.SetSym(j, j, hessian.At(j, j)+l2)
		}
		var step mat.VecDense
		if err := step.SolveVec(hessian, mat.NewVecDense(width, gradient)); err != nil {
			panic(err)
		}
		for j := range w {
			w[j] -= step.AtVec(j)
		}
	}
	return w
}

func TestCoefficientsAgainstNewton(t *testing.T) {
	spec, train, validation, _ := parts(t, 3000)
	spec.Algorithm.L2 = []float64{0.01}
	m, _, err := logit.Train(context.Background(), spec, dataset.ColumnsOf(train), dataset.ColumnsOf(validation), silent)
	require.NoError(t, err)
	spec.Label.MaturesAfterDays = 0
	y, err := dataset.Label(spec, train, time.Time{})
	require.NoError(t, err)
	var x [][]float64
	for i := range train.Rows() {
		encoded := make([]float64, m.Encoder.Width())
		require.NoError(t, m.Encoder.Encode(values(m, train, i), encoded))
		x = append(x, append([]float64{1}, encoded...))
	}
	want := newton(x, y, 0.01)
	require.InDelta(t, want[0], m.Intercept, 1e-8)
	require.InDeltaSlice(t, want[1:], m.Coefficients, 1e-8)
}

// values is row i in signature order.
func values(m *model.Model, t dataset.Table, i int) []transform.Value {
	row := make([]transform.Value, len(m.Signature()))
	for field, f := range m.Signature() {
		c := t.Column(f.Name)
		row[field].Missing = c.Missing(i)
		if c.Kind == dataset.Text {
			row[field].Text = c.Texts[i]
		} else {
			row[field].Number = c.Floats[i]
		}
	}
	return row
}

// Training and serving must not disagree: the bundle that was written, read again, gives the same bits row by row.
func TestBatchAndSingleScoresAreTheSameBits(t *testing.T) {
	spec, train, validation, test := parts(t, 3000)
	m, _, err := logit.Train(context.Background(), spec, dataset.ColumnsOf(train), dataset.ColumnsOf(validation), silent)
	require.NoError(t, err)
	batch, err := scoring.Table(m, test)
	require.NoError(t, err)
	bundle, err := m.Encode()
	require.NoError(t, err)
	served, err := model.Decode(bundle, model.Digest(bundle))
	require.NoError(t, err)
	for i, want := range batch {
		got, err := served.Score(values(served, test, i))
		require.NoError(t, err)
		require.Equal(t, math.Float64bits(want), math.Float64bits(got))
	}
	golden, err := scoring.Golden(m, test, 20)
	require.NoError(t, err)
	require.Len(t, golden.Rows, 20)
	require.InDelta(t, batch[0], golden.Rows[0].Probability, 0)
	for _, name := range append(spec.Protected, spec.Label.Column) {
		require.NotContains(t, golden.Rows[0].Application, name)
	}
}

func TestReasonsPushTowardsADecline(t *testing.T) {
	spec, train, validation, test := parts(t, 3000)
	m, _, err := logit.Train(context.Background(), spec, dataset.ColumnsOf(train), dataset.ColumnsOf(validation), silent)
	require.NoError(t, err)
	for i := range 50 {
		reasons, err := explain.Principal(m, values(m, test, i), pipeline.MeaningDefault)
		require.NoError(t, err)
		require.LessOrEqual(t, len(reasons), explain.MaxReasons)
		for k, reason := range reasons {
			require.Positive(t, reason.Contribution)
			if k > 0 {
				require.LessOrEqual(t, reason.Contribution, reasons[k-1].Contribution)
			}
		}
		opposite, err := explain.Principal(m, values(m, test, i), pipeline.MeaningApproval)
		require.NoError(t, err)
		for _, reason := range opposite {
			require.Negative(t, reason.Contribution)
		}
	}
}

func TestTrainRefusesAndStops(t *testing.T) {
	spec, train, validation, _ := parts(t, 3000)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err := logit.Train(cancelled, spec, dataset.ColumnsOf(train), dataset.ColumnsOf(validation), silent)
	require.ErrorIs(t, err, context.Canceled)

	spec.Algorithm.MaxIterations = 1
	_, _, err = logit.Train(context.Background(), spec, dataset.ColumnsOf(train), dataset.ColumnsOf(validation), silent)
	require.Equal(t, fault.Refused, fault.CodeOf(err))
	require.ErrorContains(t, err, "max_iterations")

	label := train.Column("defaulted")
	for i := range label.Texts {
		label.Texts[i] = "0"
	}
	_, _, err = logit.Train(context.Background(), spec, dataset.ColumnsOf(train), dataset.ColumnsOf(validation), silent)
	require.Equal(t, fault.Refused, fault.CodeOf(err))
}

func BenchmarkTrain(b *testing.B) {
	spec, train, validation, _ := parts(b, 50_000)
	for b.Loop() {
		if _, _, err := logit.Train(context.Background(), spec, dataset.ColumnsOf(train), dataset.ColumnsOf(validation), silent); err != nil {
			b.Fatal(err)
		}
	}
}
