package dataset_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
)

func judged(spec pipeline.Spec, table dataset.Table, misread dataset.Misread) dataset.Report {
	v := dataset.NewValidator(spec, knownAt)
	found, _ := v.Check(table, misread)
	return v.Judge(found, table.Fields())
}

func TestTheSimulatedPopulationIsInOrder(t *testing.T) {
	t.Parallel()
	spec, table := population(t)
	report := judged(spec, table, nil)
	require.Empty(t, report.Findings)
	require.Positive(t, report.Positive)
	require.EqualValues(t, table.Rows(), report.Rows)
}

// Each spoils rows of its own; the finding counts and names them, and no value.
func TestValidationFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		spoil   func(*dataset.Table)
		misread dataset.Misread
		rule    dataset.Rule
		count   int64
		want    string
	}{
		{"below", func(t *dataset.Table) { t.Column("loan_amount").Floats[3] = -5 }, nil, dataset.RuleRange, 1, `column "loan_amount": 1 values are outside the range from 500 to 1e+06`},
		{"above", func(t *dataset.Table) { t.Column("term_months").Floats[3] = 361 }, nil, dataset.RuleRange, 1, "outside the range from 6 to 360"},
		{"domain", func(t *dataset.Table) { t.Column("purpose").Texts[0], t.Column("purpose").Texts[7] = "yacht", "yacht" }, nil, dataset.RuleDomain, 2, `column "purpose": 2 values are outside the domain`},
		{"required", func(t *dataset.Table) { t.Column("term_months").Floats[0] = math.NaN() }, nil, dataset.RuleRequired, 1, `column "term_months": 1 values are missing`},
		{"misread", func(t *dataset.Table) { t.Column("term_months").Floats[4] = math.NaN() }, dataset.Misread{"term_months": {4}}, dataset.RuleType, 1, `column "term_months": 1 values are no number after cleaning`},
		{"missing column", func(t *dataset.Table) { t.Column("purpose").Name = "use" }, nil, dataset.RuleMissingColumn, 4000, `column "purpose" is missing`},
		{"missing rate", func(t *dataset.Table) {
			for i := range t.Rows() / 2 {
				t.Column("utilisation").Floats[i] = math.NaN()
			}
		}, nil, dataset.RuleMissingRate, 0, "% are accepted (missing_max)"},
		{"label", func(t *dataset.Table) { t.Column("defaulted").Texts[0], t.Column("defaulted").Valid[0] = "maybe", true }, nil, dataset.RuleLabel, 1, `are other than "1" and "0"`},
		{"future", func(t *dataset.Table) {
			t.Column("application_date").Floats[0] = dataset.Day(time.Date(2126, 6, 30, 0, 0, 0, 0, time.UTC))
		}, nil, dataset.RuleFutureDate, 1, `are after the day on which the data were known, 2026-06-30`},
		{"no time", func(t *dataset.Table) { t.Column("application_date").Floats[0] = math.NaN() }, nil, dataset.RuleRequired, 1, `column "application_date": 1 values are missing`},
		{"no entity", func(t *dataset.Table) { t.Column("application_id").Valid[0] = false }, nil, dataset.RuleRequired, 1, `column "application_id": 1 values are missing`},
		{"no rows", func(t *dataset.Table) { *t = t.Select(nil) }, nil, dataset.RuleRows, 0, "the data have no rows"},
		{"no labels", func(t *dataset.Table) { t.Column("defaulted").Valid = make([]bool, t.Rows()) }, nil, dataset.RuleLabel, 0, "at least 10 of each class are needed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			spec, table := population(t)
			test.spoil(&table)
			report := judged(spec, table, test.misread)
			found := false
			for _, f := range report.Findings {
				require.NotContains(t, f.Message, "yacht")
				if f.Rule == test.rule && f.Severity == dataset.Error {
					found = true
					require.Contains(t, f.Message, test.want)
					if test.count > 0 {
						require.Equal(t, test.count, f.Count)
						require.InDelta(t, float64(test.count)/float64(report.Rows), f.Share, 1e-12)
					}
				}
			}
			require.True(t, found, "%+v", report.Findings)
		})
	}
}

// Rows that break a rule are told and left out, up to the share that the spec accepts.
func TestQuarantineHasALimit(t *testing.T) {
	t.Parallel()
	spec, table := population(t)
	for i := range 40 { // 1 % of 4,000
		table.Column("purpose").Texts[i] = "yacht"
	}
	table.Column("loan_amount").Floats[0] = -5 // a row that breaks two rules is one row
	for share, severity := range map[float64]dataset.Severity{0: dataset.Error, 0.0099: dataset.Error, 0.01: dataset.Warning, 1: dataset.Warning} {
		spec.Schema.Quarantine.MaxShare = share
		report := judged(spec, table, nil)
		require.Equal(t, severity == dataset.Error, len(report.Messages(dataset.Error)) > 0, "share %v", share)
		require.Equal(t, dataset.RuleDomain, report.Findings[0].Rule)
		require.Equal(t, severity, report.Findings[0].Severity)
		require.Len(t, report.Findings[0].RowIDs, dataset.MaxRowIDs)
		require.Equal(t, table.Column("application_id").Texts[0], report.Findings[0].RowIDs[0])
	}
	_, failing := dataset.NewValidator(spec, knownAt).Check(table, nil)
	bad := 0
	for _, is := range failing {
		if is {
			bad++
		}
	}
	require.Equal(t, 40, bad)
}

// A name in the entity's column, as where columns are shifted, is no row ID.
func TestARowIDIsNoName(t *testing.T) {
	t.Parallel()
	spec, table := population(t)
	for row, name := range map[int]string{0: "Ann Smith", 1: "Smith", 2: "ann@example.com", 3: "12 High Street", 4: "A-17:x_3.b"} {
		table.Column("application_id").Texts[row] = name
		table.Column("purpose").Texts[row] = "yacht"
	}
	report := judged(spec, table, nil)
	require.Equal(t, []string{"1", "2", "3", "4", "A-17:x_3.b"}, report.Findings[0].RowIDs)
}

// Batches add up to the whole, whatever they are.
func TestChecksAddUp(t *testing.T) {
	t.Parallel()
	spec, table := population(t)
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.IntRange(0, table.Rows()-1), 2, 40).Draw(t, "rows")
		some := table.Select(rows)
		for i := range rows {
			if rapid.IntRange(0, 3).Draw(t, "bad") == 0 {
				some.Column("purpose").Texts[i] = "yacht"
			}
		}
		cut := rapid.IntRange(0, len(rows)).Draw(t, "cut")
		var first, second []int
		for i := range rows {
			if i < cut {
				first = append(first, i)
			} else {
				second = append(second, i)
			}
		}
		v := dataset.NewValidator(spec, knownAt)
		whole, _ := v.Check(some, nil)
		var sum dataset.Checked
		for _, part := range [][]int{first, second} {
			found, _ := v.Check(some.Select(part), nil)
			sum.Add(found)
		}
		if len(whole.Missing) == 0 {
			whole.Missing = nil
		}
		if len(sum.Missing) == 0 {
			sum.Missing = nil
		}
		require.Equal(t, whole, sum)
	})
}

// Unexpected columns must not stop a retraining; the column of ordinals is none.
func TestValidationWarnsOfAnUnexpectedColumn(t *testing.T) {
	t.Parallel()
	spec, table := population(t)
	zeros := make([]float64, table.Rows())
	table.Columns = append(table.Columns, dataset.Column{Name: "new", Floats: zeros}, dataset.Column{Name: dataset.RowColumn, Kind: dataset.Integer, Floats: zeros})
	report := judged(spec, table, nil)
	require.Empty(t, report.Messages(dataset.Error))
	require.Len(t, report.Messages(dataset.Warning), 1)
}
