package ingest

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/derive"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

func ptr(x float64) *float64 { return &x }

// columns are fields of a request, features of the store and what is computed of both; of the latter one needs another that comes after it.
func columns() []pipeline.Column {
	return []pipeline.Column{
		{Name: "amount", Type: pipeline.Number}, {Name: "income", Type: pipeline.Number, MissingMax: 0.5}, {Name: "home", Type: pipeline.Category},
		{Name: "late_90d", Type: pipeline.Integer, Feature: "payments@1:late_90d", Default: "0"},
		{Name: "score", Type: pipeline.Integer, Min: ptr(300), Max: ptr(850), MissingMax: 1, Feature: "bureau@1:score"},
		{Name: "channel", Type: pipeline.Category, Domain: []string{"app", "mail"}, Feature: "payments@1:channel", Default: "app"},
		{Name: "burden_and_late", Type: pipeline.Number, MissingMax: 1, Expression: "burden + late_90d"},
		{Name: "burden", Type: pipeline.Number, Max: ptr(100), MissingMax: 1, Expression: "amount / income"},
		{Name: "owner", Type: pipeline.Boolean, MissingMax: 1, Expression: `home == "own" && channel == "app"`},
	}
}

// A table at a time or a row at a time: the same values, bit for bit, whether the table has the columns or lacks them.
func TestATableIsItsRows(t *testing.T) {
	t.Parallel()
	d, err := derive.New(columns())
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SampledFrom([]float64{0, 1, 2, 3, 0.1, -7.5, 1e300, 301, 700})
		value := func(c pipeline.Column) transform.Value {
			switch {
			case rapid.IntRange(0, 3).Draw(t, c.Name+"?") == 0:
				return transform.Value{Missing: true}
			case c.Type == pipeline.Category:
				return transform.Value{Text: rapid.SampledFrom([]string{"own", "rent", "app", "mail"}).Draw(t, c.Name)}
			}
			return transform.Value{Number: numbers.Draw(t, c.Name)}
		}
		lacks := rapid.Bool().Draw(t, "the table lacks what is looked up")
		var rows [][]transform.Value
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			var row []transform.Value
			for _, c := range columns() {
				v := value(c)
				if lacks && c.Looked() {
					v = transform.Value{Missing: true}
				}
				row = append(row, v)
			}
			rows = append(rows, row)
		}
		table := dataset.Table{Columns: []dataset.Column{{Name: dataset.RowColumn, Kind: dataset.Integer, Floats: make([]float64, len(rows))}}}
		for i, c := range columns() {
			if lacks && c.Looked() {
				continue
			}
			of := dataset.Column{Name: c.Name, Floats: []float64{}}
			if c.Type == pipeline.Category {
				of = dataset.Column{Name: c.Name, Kind: dataset.Text}
			}
			for _, row := range rows {
				x := row[i].Number
				if row[i].Missing {
					x = math.NaN()
				}
				if of.Kind == dataset.Text {
					of.Texts, of.Valid = append(of.Texts, row[i].Text), append(of.Valid, !row[i].Missing)
				} else {
					of.Floats = append(of.Floats, x)
				}
			}
			table.Columns = append(table.Columns, of)
		}
		derived(d, &table)
		for r, row := range rows {
			d.Row(row)
			for i, c := range columns() {
				of := table.Column(c.Name)
				require.NotNil(t, of, c.Name)
				require.Equal(t, row[i].Missing, of.Missing(r), "%s of row %d", c.Name, r)
				switch {
				case row[i].Missing:
				case of.Kind == dataset.Text:
					require.Equal(t, row[i].Text, of.Texts[r])
				default:
					require.Equal(t, math.Float64bits(row[i].Number), math.Float64bits(of.Floats[r]), "%s of row %d", c.Name, r)
				}
			}
		}
	})
}

// Where a decision is refused without a feature, its default completes no row of the past.
func TestWhatIsRefusedIsNotLearntFrom(t *testing.T) {
	t.Parallel()
	for missing, want := range map[pipeline.Fallback]string{pipeline.DefaultValue: "0", pipeline.RefuseDecision: ""} {
		spec := pipeline.Spec{Columns: columns(), FeatureStore: pipeline.FeatureStore{Missing: missing}}
		got := learnt(spec)
		require.Equal(t, want, got[3].Default, missing)
		require.Equal(t, "0", spec.Columns[3].Default, "the spec stays as it is")
		require.Len(t, got, len(columns()))
	}
}
