package warehouse_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
	"github.com/loanops/loanops/internal/warehouse"
)

func open(t *testing.T) *warehouse.Warehouse {
	w, err := warehouse.Open(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

func texts(name string, values ...string) dataset.Column {
	c := dataset.Column{Name: name, Kind: dataset.Text, Texts: values}
	for _, value := range values {
		c.Valid = append(c.Valid, value != "")
	}
	return c
}

func numbered(name string, values ...float64) dataset.Column {
	return dataset.Column{Name: name, Kind: dataset.Integer, Floats: values}
}

// staged writes a table as a relation.
func staged(t *testing.T, name string, columns ...dataset.Column) source.Staged {
	path := filepath.Join(t.TempDir(), name+".parquet")
	out, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, dataset.WriteParquet(out, dataset.Table{Columns: columns}))
	require.NoError(t, out.Close())
	return source.Staged{Name: name, Paths: []string{path}}
}

func related(t *testing.T, base source.Staged, joins ...source.Joined) *dataset.Table {
	to := filepath.Join(t.TempDir(), "out.parquet")
	require.NoError(t, open(t).Relate(t.Context(), base, joins, to))
	data, err := os.ReadFile(to)
	require.NoError(t, err)
	table, err := dataset.ReadParquet(data)
	require.NoError(t, err)
	return &table
}

func applications(t *testing.T) source.Staged {
	return staged(t, "applications", numbered(dataset.RowColumn, 1, 2, 3, 4), texts("id", "c", "a", "b", ""), texts("branch", "x", "x", "y", "y"))
}

// The order is that of the base, whatever is joined to it; a missing key has no partner.
func TestRelateKeepsTheOrderOfTheBase(t *testing.T) {
	t.Parallel()
	outcomes := staged(t, "outcomes", texts("id", "b", "c", "", "z"), texts("y", "1", "0", "9", "1"))
	table := related(t, applications(t), source.Joined{Staged: outcomes, On: pipeline.Names{"id"}})
	require.Equal(t, []float64{1, 2, 3, 4}, table.Column(dataset.RowColumn).Floats)
	require.Equal(t, []string{"c", "a", "b", ""}, table.Column("id").Texts)
	require.Equal(t, []string{"0", "", "1", ""}, table.Column("y").Texts)
	require.Equal(t, []bool{true, false, true, false}, table.Column("y").Valid)

	table = related(t, applications(t), source.Joined{Staged: outcomes, On: pipeline.Names{"id"}, Kind: pipeline.InnerJoin})
	require.Equal(t, []float64{1, 3}, table.Column(dataset.RowColumn).Floats)
}

// Keys of several columns, and keys that one side holds as numbers.
func TestRelateByKeys(t *testing.T) {
	t.Parallel()
	parties := staged(t, "parties", texts("branch", "x", "y", "x"), texts("id", "a", "a", "c"), numbered("age", 30, 40, 50))
	table := related(t, applications(t), source.Joined{Staged: parties, On: pipeline.Names{"id", "branch"}})
	require.Equal(t, "[50 30 NaN NaN]", fmt.Sprint(table.Column("age").Floats))

	base := staged(t, "base", numbered(dataset.RowColumn, 1, 2), texts("n", "7", "8"))
	table = related(t, base, source.Joined{Staged: staged(t, "others", numbered("n", 8, 9), texts("v", "eight", "nine")), On: pipeline.Names{"n"}})
	require.Equal(t, []string{"", "eight"}, table.Column("v").Texts)
}

func TestRelateHoldsWhatTheSpecPromises(t *testing.T) {
	t.Parallel()
	once := staged(t, "once", texts("id", "a"), texts("y", "1"))
	twice := staged(t, "twice", texts("id", "a", "b", "a", "a"), texts("y", "1", "1", "1", "1"))
	for _, test := range []struct {
		base source.Staged
		join source.Joined
		want string
	}{
		{applications(t), source.Joined{Staged: twice, On: pipeline.Names{"id"}}, "twice: 2 rows repeat id; a join must not multiply rows"},
		{applications(t), source.Joined{Staged: once, On: pipeline.Names{"key"}}, `applications has no column "key" to join on`},
		{applications(t), source.Joined{Staged: once, On: pipeline.Names{"branch"}}, `once has no column "branch" to join on`},
		{
			applications(t), source.Joined{Staged: staged(t, "same", texts("id", "a"), texts("branch", "x")), On: pipeline.Names{"id"}},
			`same has a column "branch" as the relations before it have "branch"`,
		},
		{
			applications(t), source.Joined{Staged: staged(t, "same", texts("id", "a"), texts("BRANCH", "x")), On: pipeline.Names{"id"}},
			`same has a column "BRANCH" as the relations before it have "branch"`,
		},
		{
			applications(t), source.Joined{Staged: staged(t, "same", texts("id", "a"), texts("loanops_row", "x")), On: pipeline.Names{"id"}},
			`same has a column "loanops_row" as the relations before it have "loanops_row"`,
		},
		{
			staged(t, "base", numbered(dataset.RowColumn, 1, 2), texts("id", "a", "a")),
			source.Joined{Staged: once, On: pipeline.Names{"id"}, Cardinality: pipeline.OneToOne}, "base: 1 rows repeat id",
		},
	} {
		err := open(t).Relate(t.Context(), test.base, []source.Joined{test.join}, filepath.Join(t.TempDir(), "out.parquet"))
		require.Equal(t, fault.Invalid, fault.CodeOf(err), test.want)
		require.ErrorContains(t, err, test.want)
	}
}

// A condition sees the relation and nothing else of the machine.
func TestConditions(t *testing.T) {
	t.Parallel()
	base := applications(t)
	base.Where = "branch = 'y' -- of the south"
	require.Equal(t, []float64{3, 4}, related(t, base).Column(dataset.RowColumn).Floats)

	secret := filepath.Join(t.TempDir(), "secret.csv")
	require.NoError(t, os.WriteFile(secret, []byte("id\na\n"), 0o600))
	for _, condition := range []string{
		"id IN (SELECT id FROM read_csv('" + secret + "'))", "id IN (SELECT content FROM read_text('/etc/hostname'))",
		"true); COPY (SELECT 1) TO '" + secret + "' --", "no_such_column = 1", "id =", "true; SELECT 1",
		"true) UNION ALL (SELECT * FROM joined0", "getenv('HOME') <> ''",
	} {
		base := applications(t)
		base.Where = condition
		err := open(t).Relate(t.Context(), base, nil, filepath.Join(t.TempDir(), "out.parquet"))
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%s: %v", condition, err)
		require.ErrorContains(t, err, "applications: where ")
	}
	data, err := os.ReadFile(secret)
	require.NoError(t, err)
	require.Equal(t, "id\na\n", string(data))

	// What a row holds is not told.
	base = staged(t, "people", numbered(dataset.RowColumn, 1, 2), texts("income", "100", "Ann Smith"))
	base.Where = "CAST(income AS INTEGER) > 10"
	err = open(t).Relate(t.Context(), base, nil, filepath.Join(t.TempDir(), "out.parquet"))
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
	require.NotContains(t, err.Error(), "Ann")
	_, err = open(t).Reduce(t.Context(), base.Paths, []pipeline.CleanStep{{Filter: &pipeline.Filter{Name: "f", Keep: base.Where}}}, "y", filepath.Join(t.TempDir(), "out.parquet"))
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
	require.NotContains(t, err.Error(), "Ann")
}

func TestRepeated(t *testing.T) {
	t.Parallel()
	part := staged(t, "part", texts("id", "a", "b", "a", "", ""))
	other := staged(t, "other", texts("id", "b", "c"))
	rows, err := open(t).Repeated(t.Context(), append(part.Paths, other.Paths...), "id")
	require.NoError(t, err)
	require.EqualValues(t, 2, rows)
}

func TestReduce(t *testing.T) {
	t.Parallel()
	rows := staged(t, "rows", numbered(dataset.RowColumn, 1, 2, 3, 4, 5, 6), texts("id", "a", "b", "a", "c", "a", "c"), texts("v", "1", "2", "1", "3", "4", "3"), texts("y", "1", "", "1", "0", "0", "0"))
	unlabelled := pipeline.CleanStep{DropUnlabelled: &pipeline.DropUnlabelled{}}
	for name, test := range map[string]struct {
		steps   []pipeline.CleanStep
		left    []float64
		dropped []int64
	}{
		"unlabelled":  {[]pipeline.CleanStep{unlabelled}, []float64{1, 3, 4, 5, 6}, []int64{1}},
		"equal rows":  {[]pipeline.CleanStep{{DropDuplicates: &pipeline.DropDuplicates{}}}, []float64{1, 2, 4, 5}, []int64{2}},
		"keys, first": {[]pipeline.CleanStep{{DropDuplicates: &pipeline.DropDuplicates{Key: []string{"id"}}}}, []float64{1, 2, 4}, []int64{3}},
		"keys, last":  {[]pipeline.CleanStep{{DropDuplicates: &pipeline.DropDuplicates{Key: []string{"id"}, Keep: "last"}}}, []float64{2, 5, 6}, []int64{3}},
		"in order": {
			[]pipeline.CleanStep{{Filter: &pipeline.Filter{Name: "large", Keep: "CAST(v AS INTEGER) > 1"}}, unlabelled, {DropDuplicates: &pipeline.DropDuplicates{}}},
			[]float64{4, 5}, []int64{2, 1, 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := filepath.Join(t.TempDir(), "out.parquet")
			dropped, err := open(t).Reduce(t.Context(), rows.Paths, test.steps, "y", to)
			require.NoError(t, err)
			require.Equal(t, test.dropped, dropped)
			data, err := os.ReadFile(to)
			require.NoError(t, err)
			table, err := dataset.ReadParquet(data)
			require.NoError(t, err)
			require.Equal(t, test.left, table.Column(dataset.RowColumn).Floats)
		})
	}
	for _, keep := range []string{"nothing = 1", "v = ", "CAST(id AS INTEGER) > 1"} {
		_, err := open(t).Reduce(t.Context(), rows.Paths, []pipeline.CleanStep{{Filter: &pipeline.Filter{Name: "f", Keep: keep}}}, "y", filepath.Join(t.TempDir(), "out.parquet"))
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%s: %v", keep, err)
	}
}

// Rows of which a rule is not known do not break it.
func TestRulesAcrossColumns(t *testing.T) {
	t.Parallel()
	rows := staged(t, "rows", numbered(dataset.RowColumn, 3, 5, 8, 9), texts("id", "A-1", "Ann", "", "A-4"), numbered("amount", 10, 20, 30, 40), numbered("price", 10, 10, 10, math.NaN()))
	broken, err := open(t).Broken(t.Context(), rows.Paths, []pipeline.Rule{{Name: "covered", Expression: "price >= amount"}, {Name: "positive", Expression: "amount > 0 -- always"}}, "id")
	require.NoError(t, err)
	require.Equal(t, []dataset.Breach{{Rule: "covered", Count: 2, RowIDs: []string{"5", "8"}}, {Rule: "positive"}}, broken)
	broken, err = open(t).Broken(t.Context(), rows.Paths, []pipeline.Rule{{Name: "small", Expression: "amount < 5"}}, "")
	require.NoError(t, err)
	require.Equal(t, []string{"3", "5", "8", "9"}, broken[0].RowIDs)
	for _, expression := range []string{"nothing > 1", "amount >", "CAST(id AS INTEGER) > 1"} {
		_, err := open(t).Broken(t.Context(), rows.Paths, []pipeline.Rule{{Name: "r", Expression: expression}}, "id")
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%s: %v", expression, err)
		require.ErrorContains(t, err, `rule "r"`)
		require.NotContains(t, err.Error(), "Ann")
	}
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	part := staged(t, "part", numbered(dataset.RowColumn, 1, 2, 3), texts("a", "x", "x", ""), texts("b", "", "", "x"))
	other := staged(t, "other", numbered(dataset.RowColumn, 4, 5), texts("a", "x", "x"), texts("b", "", "y"))
	rows, err := open(t).Duplicates(t.Context(), append(part.Paths, other.Paths...))
	require.NoError(t, err)
	require.EqualValues(t, 2, rows)
}

// What calls of a program that was killed have left is removed, once nobody can be using it.
func TestFoldersOfKilledProgramsAreSwept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old, young, other := filepath.Join(dir, "spill-1"), filepath.Join(dir, "spill-2"), filepath.Join(dir, "kept")
	for _, folder := range []string{old, young, other} {
		require.NoError(t, os.Mkdir(folder, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(folder, "duckdb_temp_storage"), []byte("x"), 0o600))
	}
	before := time.Now().Add(-25 * time.Hour)
	for _, folder := range []string{old, other} {
		require.NoError(t, os.Chtimes(folder, before, before))
	}
	_, err := warehouse.Open(dir)
	require.NoError(t, err)
	require.NoDirExists(t, old)
	require.DirExists(t, young)
	require.DirExists(t, other)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 2, "and a call leaves nothing")
}
