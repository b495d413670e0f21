package schema_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/schema"
	"github.com/loanops/loanops/internal/statistics"
)

func bound(x float64) *float64 { return &x }

// cards has a number and a category.
func cards() schema.Schema {
	return schema.Schema{
		Name: "cards", Label: pipeline.Label{Column: "y", Positive: "1", Negative: "0", Meaning: pipeline.MeaningDefault}, Entity: "id",
		Columns: []pipeline.Column{
			{Name: "income", Type: pipeline.Number, Min: bound(0), Max: bound(1000), Unit: "EUR"},
			{Name: "purpose", Type: pipeline.Category, Domain: []string{"car", "home"}},
			{Name: "paid", Type: pipeline.Number, Known: pipeline.KnownAfterOutcome},
		},
	}
}

func TestChangesAndWhichOfThemBreak(t *testing.T) {
	for _, test := range []struct {
		name     string
		change   func(*schema.Schema)
		words    []string
		breaking bool
	}{
		{"nothing", func(*schema.Schema) {}, nil, false},
		{"type", func(s *schema.Schema) { s.Columns[0].Type = pipeline.Integer }, []string{`column "income": number becomes integer`}, true},
		{"unit", func(s *schema.Schema) { s.Columns[0].Unit = "USD" }, []string{`column "income": its unit is "USD", no longer "EUR"`}, true},
		{"meaning", func(s *schema.Schema) { s.Label.Meaning = pipeline.MeaningApproval }, []string{"the label has another meaning"}, true},
		{"values of the label", func(s *schema.Schema) { s.Label.Positive, s.Label.Negative = "0", "1" }, []string{"other values of the label are positive and negative"}, false},
		{"maturity", func(s *schema.Schema) { s.Label.MaturesAfterDays = 90 }, []string{"labels are final after 90 days, no longer 0"}, false},
		{"wider", func(s *schema.Schema) { s.Columns[0].Max = bound(2000) }, []string{`column "income": a wider range`}, false},
		{"narrower", func(s *schema.Schema) { s.Columns[0].Max = bound(500) }, []string{`column "income": another range`}, false},
		{"category", func(s *schema.Schema) { s.Columns[1].Domain = []string{"car", "home", "boat"} }, []string{`column "purpose": 1 new category`}, false},
		{"categories", func(s *schema.Schema) { s.Columns[1].Domain = []string{"boat", "plane", "car"} }, []string{`column "purpose": 2 new categories, 1 removed category`}, false},
		{"column", func(s *schema.Schema) {
			s.Columns[2] = pipeline.Column{Name: "age", Type: pipeline.Integer}
		}, []string{`column "age": added as an integer`, `column "paid": removed`}, false},
		{"roles", func(s *schema.Schema) { s.Protected = []string{"sex"} }, []string{"other columns are entity, time, protected or ignored"}, false},
		{"cleaning", func(s *schema.Schema) { s.Types = map[string]pipeline.ColumnType{"id": pipeline.Integer} }, []string{"values are cleaned otherwise"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			to := cards()
			test.change(&to)
			changes := schema.Diff(cards(), to)
			require.ElementsMatch(t, test.words, schema.Words(changes))
			require.Equal(t, test.breaking, len(schema.Breaking(changes)) > 0)
		})
	}
}

// Rebase keeps what Diff sees no difference in: a field of a column that Diff does not know would be lost on nobody's word.
func TestEveryFieldOfAColumnIsCompared(t *testing.T) {
	fields := reflect.TypeFor[pipeline.Column]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		if name == "Name" || name == "Reason" { // which column it is, and what is not in the schema
			continue
		}
		if name == "Unused" { // of Schema.Inputs alone
			continue
		}
		from, to := cards(), cards()
		if name == "Keys" || name == "Default" { // of a feature alone
			from.Columns[0].Feature, to.Columns[0].Feature = "payments@1:late", "payments@1:late"
		}
		field := reflect.ValueOf(&to.Columns[0]).Elem().Field(i)
		switch field.Kind() {
		case reflect.String:
			field.SetString("other")
		case reflect.Float64:
			field.SetFloat(0.5)
		case reflect.Pointer:
			field.Set(reflect.ValueOf(bound(-7)))
		case reflect.Slice:
			field.Set(reflect.ValueOf([]string{"other"}))
		case reflect.Map:
			field.Set(reflect.ValueOf(map[string]string{"key": "other"}))
		default:
			t.Fatalf("a field %s of kind %s: teach this test", name, field.Kind())
		}
		require.NotEmpty(t, schema.Diff(from, to), name)
	}
}

// What data have taught stays where the declaration is the same; elsewhere the person's word counts.
func TestRebase(t *testing.T) {
	current := cards()
	current.Columns[0].Max = bound(1500)
	current.Columns[1].Domain = []string{"car", "home", "boat"}
	current.Columns = current.Columns[:2] // a person accepted data without "paid"
	is := cards()
	is.Columns[0].Max = bound(3000)
	is.Columns = append(is.Columns, pipeline.Column{Name: "age", Type: pipeline.Integer})
	next := schema.Rebase(current, cards(), is)
	require.Equal(t, []pipeline.Column{is.Columns[0], current.Columns[1], is.Columns[3]}, next.Columns)
}

// At serving neither the outcome nor what is known after it is there.
func TestEnvironments(t *testing.T) {
	s := cards()
	require.Equal(t, []schema.Environment{schema.Training, schema.Serving}, s.In("income"))
	for _, absent := range []string{"paid", "y", "id"} {
		require.Equal(t, []schema.Environment{schema.Training}, s.In(absent))
	}
}

func fields(names ...string) (all []dataset.Field) {
	for _, name := range names {
		all = append(all, dataset.Field{Name: name})
	}
	return all
}

// Without most of the known columns a name may be a person's: nothing is recorded, nothing proposed.
func TestAFileWithoutAHeaderIsNoSchema(t *testing.T) {
	seen := dataset.Checked{Rows: 100}
	lacking := fields("Ann Smithson", "12", "purpose")
	require.Empty(t, schema.Evolve(cards(), seen, lacking, nil, 1, statistics.Above).Words())
	_, changes := schema.Propose(cards(), nil, seen, lacking)
	require.Empty(t, changes)
}

func TestNewColumnsAreRecordedOnce(t *testing.T) {
	have := fields("id", "y", "income", "purpose", "paid", "extra", "more")
	e := schema.Evolve(cards(), dataset.Checked{Rows: 100}, have, []string{"more"}, 0, statistics.Above)
	require.Equal(t, []string{"extra"}, e.Unused)
	require.Equal(t, cards(), e.Schema)
}

// A column is of another type when at least half of its values are.
func TestProposedTypes(t *testing.T) {
	s := cards()
	s.Columns[0].Type = pipeline.Integer
	for _, test := range []struct {
		misread, numbers int64
		want             pipeline.ColumnType
	}{{49, 0, pipeline.Integer}, {50, 0, pipeline.Category}, {50, 49, pipeline.Category}, {50, 50, pipeline.Number}} {
		seen := dataset.Checked{
			Rows: 100, Breaches: []dataset.Breach{{Column: "income", Rule: dataset.RuleType, Count: test.misread}}, Numbers: map[string]int64{"income": test.numbers},
		}
		proposed, _ := schema.Propose(s, nil, seen, fields("income", "purpose", "paid"))
		require.Equal(t, test.want, proposed.Columns[0].Type, "%+v", test)
	}
}
