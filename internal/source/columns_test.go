package source_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// In SQL ID and id are one column: what comes before and after DuckDB must mean the same by a name.
func TestNamesDifferByMoreThanCase(t *testing.T) {
	t.Parallel()
	url := database(t, `CREATE TABLE loans ("ID" int, id int, x int)`)
	table := &pipeline.Postgres{Connection: "warehouse", Table: "loans", OrderBy: pipeline.Names{"x"}}
	of := func(r pipeline.Relation, name, content string) func(change func(*pipeline.Relation)) (source.Relation, error) {
		return func(change func(*pipeline.Relation)) (source.Relation, error) {
			r := r
			change(&r)
			if r.Postgres != nil {
				return source.OpenPostgres(t.Context(), r, url, source.Options{})
			}
			return source.Open(t.Context(), r, []source.File{written(t, name, content)}, source.Options{})
		}
	}
	for name, open := range map[string]func(func(*pipeline.Relation)) (source.Relation, error){
		"CSV":        of(pipeline.Relation{}, "x.csv", "ID,id,x\n1,2,3\n"),
		"JSON lines": of(pipeline.Relation{}, "x.jsonl", `{"ID": 1, "id": 2, "x": 3}`+"\n"),
		"PostgreSQL": of(pipeline.Relation{Postgres: table}, "", ""),
	} {
		_, err := open(func(*pipeline.Relation) {})
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%s: %v", name, err)
		require.ErrorContains(t, err, `the columns "ID" and "id" differ by case alone`, name)
		_, err = open(func(r *pipeline.Relation) { r.Rename = map[string]string{"x": "Id"}; r.Select = []string{"id", "x"} })
		require.ErrorContains(t, err, `the columns "id" and "Id" differ by case alone`, name)

		for _, change := range []func(*pipeline.Relation){
			func(r *pipeline.Relation) { r.Select = []string{"ID", "x"} },
			func(r *pipeline.Relation) { r.Rename = map[string]string{"ID": "number"} },
		} {
			relation, err := open(change)
			require.NoError(t, err, name)
			require.NoError(t, relation.Close())
		}
	}
}
