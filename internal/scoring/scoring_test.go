package scoring_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/scoring"
	"github.com/loanops/loanops/internal/transform"
)

// loans is a model of a nullable number and a category.
func loans() *model.Model {
	return &model.Model{
		Name: "loans",
		Contract: request.Contract{Fields: []request.Field{
			{Name: "income", Type: pipeline.Number, Nullable: true}, {Name: "home", Type: pipeline.Category, Domain: []string{"own", "rent"}},
		}},
		Encoder: transform.Encoder{
			Fields: []transform.Field{{Name: "income", Type: pipeline.Number, Nullable: true}, {Name: "home", Type: pipeline.Category, Levels: []string{"own", "rent"}}},
			Scales: []transform.Scale{{Mean: 10, SD: 2}, {SD: 1}},
		},
		Intercept: -1, Coefficients: []float64{0.5, 0.25, 1, -1}, Background: []float64{0, 0.1, 0.5, 0.5},
	}
}

func floats(name string, values ...float64) dataset.Column {
	return dataset.Column{Name: name, Kind: dataset.Float, Floats: values}
}

// texts makes a column in which the empty text is missing.
func texts(name string, values ...string) dataset.Column {
	c := dataset.Column{Name: name, Kind: dataset.Text, Texts: values}
	for _, text := range values {
		c.Valid = append(c.Valid, text != "")
	}
	return c
}

func table(columns ...dataset.Column) dataset.Table { return dataset.Table{Columns: columns} }

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// Wanted values by hand: z = -1 + 0.5·(14-10)/2 + 1 = 1; -1 + 0.25 - 1 = -1.75; -1 - 0.5 + 1 = -0.5. Order and further columns of the
// table do not matter.
func TestTableScoresEveryRow(t *testing.T) {
	t.Parallel()
	p, err := scoring.Table(loans(), table(texts("gender", "f", "m", ""), texts("home", "own", "rent", "own"), floats("income", 14, math.NaN(), 8)))
	require.NoError(t, err)
	require.InDeltaSlice(t, []float64{sigmoid(1), sigmoid(-1.75), sigmoid(-0.5)}, p, 1e-15)
}

func TestTableRefuses(t *testing.T) {
	t.Parallel()
	home := texts("home", "own")
	for _, test := range []struct {
		name  string
		table dataset.Table
		says  string
	}{
		{"no columns", table(), `column "home" is missing`},
		{"a column is missing", table(floats("income", 1)), `column "home" is missing`},
		{"a text where a number is", table(texts("income", "much"), home), `column "income" is not a number`},
		{"a day where a number is", table(dataset.Column{Name: "income", Kind: dataset.Date, Floats: []float64{20000}}, home), `column "income" is not a number`},
		{"a number where a text is", table(floats("income", 1), floats("home", 1)), `column "home" is not a category`},
		{"unseen category", table(floats("income", 1), texts("home", "secret")), `field "home" has a value that the model does not know`},
		{"missing where it must not be", table(floats("income", 1), texts("home", "")), `field "home" is missing`},
		{"infinity", table(floats("income", math.Inf(1)), home), `field "income" is not a finite number`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p, err := scoring.Table(loans(), test.table)
			require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), "secret")
			require.Nil(t, p)
		})
	}
}

// A request may leave out what may be missing, and so may a table: both are scored alike, to the bit.
func TestATableMayLackWhatRequestsMayLeaveOut(t *testing.T) {
	t.Parallel()
	home := texts("home", "own", "rent")
	got, err := scoring.Table(loans(), table(home))
	require.NoError(t, err)
	want, err := scoring.Table(loans(), table(home, floats("income", math.NaN(), math.NaN())))
	require.NoError(t, err)
	require.Equal(t, want, got)
	golden, err := scoring.Golden(loans(), table(home), 1)
	require.NoError(t, err)
	require.Equal(t, []model.GoldenRow{{Application: map[string]any{"income": nil, "home": "own"}, Probability: want[0]}}, golden.Rows)
	means, err := scoring.MeanContributions(loans(), table(home))
	require.NoError(t, err)
	wanted, err := scoring.MeanContributions(loans(), table(home, floats("income", math.NaN(), math.NaN())))
	require.NoError(t, err)
	require.Equal(t, wanted, means)
}

// A dataset holds whole numbers, booleans and amounts in kinds of their own, and each is a number to a model.
func TestEveryKindOfNumberIsScored(t *testing.T) {
	t.Parallel()
	want, err := scoring.Table(loans(), table(texts("home", "own", "rent"), floats("income", 1, 0)))
	require.NoError(t, err)
	for _, kind := range []dataset.Kind{dataset.Integer, dataset.Boolean, dataset.Decimal} {
		income := floats("income", 1, 0)
		income.Kind = kind
		p, err := scoring.Table(loans(), table(texts("home", "own", "rent"), income))
		require.NoError(t, err, "%s", kind)
		require.Equal(t, want, p)
	}
	_, err = scoring.Table(loans(), table(texts("home", "own"), dataset.Column{Name: "income", Kind: dataset.Timestamp, Floats: []float64{1}}))
	require.ErrorContains(t, err, `column "income" is not a number`)
}

func TestATableWithoutRowsHasNoScores(t *testing.T) {
	t.Parallel()
	p, err := scoring.Table(loans(), table(floats("income"), texts("home")))
	require.NoError(t, err)
	require.Empty(t, p)
}

// applications draws a table that the model can score.
func applications(t *rapid.T) dataset.Table {
	n := rapid.IntRange(1, 30).Draw(t, "rows")
	income := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(-100, 100), rapid.Just(math.NaN())), n, n).Draw(t, "income")
	home := rapid.SliceOfN(rapid.SampledFrom([]string{"own", "rent"}), n, n).Draw(t, "home")
	return table(floats("income", income...), texts("home", home...))
}

// There is one code path for a batch and a request: the same bits.
func TestABatchIsItsRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, data := loans(), applications(t)
		batch, err := scoring.Table(m, data)
		require.NoError(t, err)
		for i := range batch {
			one, err := m.Score([]transform.Value{
				{Number: data.Columns[0].Floats[i], Missing: data.Columns[0].Missing(i)}, {Text: data.Columns[1].Texts[i]},
			})
			require.NoError(t, err)
			require.Equal(t, math.Float64bits(one), math.Float64bits(batch[i]))
		}
	})
}

// Golden applications are asked of a deployed predictor: after a way as JSON they must score to what is written beside them.
func TestGoldenApplicationsScoreAsTheySay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, data := loans(), applications(t)
		n := rapid.IntRange(0, 40).Draw(t, "n")
		golden, err := scoring.Golden(m, data, n)
		require.NoError(t, err)
		require.Len(t, golden.Rows, min(n, data.Rows()))
		text, err := json.Marshal(golden)
		require.NoError(t, err)
		var back model.Golden
		require.NoError(t, json.Unmarshal(text, &back))
		for _, row := range back.Rows {
			require.Len(t, row.Application, 2, "the fields of the model and nothing else")
			income, known := row.Application["income"].(float64)
			p, err := m.Score([]transform.Value{{Number: income, Missing: !known}, {Text: row.Application["home"].(string)}})
			require.NoError(t, err)
			require.Equal(t, math.Float64bits(row.Probability), math.Float64bits(p))
		}
	})
}

// Evenly spaced by hand: 3 of 7 rows are 0, ⌊7/3⌋ = 2 and ⌊14/3⌋ = 4.
func TestGoldenRowsAreEvenlySpaced(t *testing.T) {
	t.Parallel()
	data := table(floats("income", 0, 1, 2, 3, 4, 5, 6), texts("home", "own", "own", "own", "own", "own", "own", "rent"), texts("gender", "f", "f", "f", "f", "f", "f", "f"))
	golden, err := scoring.Golden(loans(), data, 3)
	require.NoError(t, err)
	var incomes []any
	for _, row := range golden.Rows {
		incomes = append(incomes, row.Application["income"])
		require.NotContains(t, row.Application, "gender", "a protected column never reaches a predictor")
	}
	require.Equal(t, []any{0.0, 2.0, 4.0}, incomes)

	data.Columns[0].Floats[0] = math.NaN()
	golden, err = scoring.Golden(loans(), data, 1)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"income": nil, "home": "own"}, golden.Rows[0].Application, "a missing value is null")

	_, err = scoring.Golden(loans(), table(floats("income", 1)), 1)
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}
