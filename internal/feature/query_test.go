package feature

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const inSQL = `entities: [{name: applicant, keys: [applicant_id]}]
views:
  - {name: bureau, entity: applicant, events: true, features: [{name: score, type: integer, reason: low}]}
  - name: both
    entity: applicant
    sql:
      dialect: duckdb
      from: [bureau]
      query: |
        SELECT applicant_id, event_timestamp, created_timestamp,
          score * 2 AS twice
        FROM bureau
    features: [{name: twice, type: integer, reason: low}]
`

// read is a folder of one file over what is registered.
func readOver(t *testing.T, text string, registered *Catalogue) *Folder {
	t.Helper()
	folder, err := Read([]File{{Name: "f.yaml", Data: []byte(text)}}, registered)
	require.NoError(t, err)
	return folder
}

// registeredBy is what a plan leaves.
func registeredBy(t *testing.T, text string, before *Catalogue) (*Plan, *Catalogue) {
	t.Helper()
	if before == nil {
		before = &Catalogue{}
	}
	plan, err := before.Plan(readOver(t, text, before).Definitions, false)
	require.NoError(t, err)
	after, err := before.After(plan)
	require.NoError(t, err)
	return plan, after
}

// What a plan registers anew has its query checked, with the versions of views that it will read; what is registered was checked then.
func TestQueriesOfAPlan(t *testing.T) {
	t.Parallel()
	first, registered := registeredBy(t, inSQL, nil)
	require.Len(t, first.Queries, 1)
	require.Equal(t, "both", first.Queries[0].View.Name)
	require.Equal(t, []string{"bureau@1"}, first.Queries[0].View.SQL.From)
	require.Equal(t, "bureau", first.Queries[0].From[0].Name)
	require.Equal(t, []string{"applicant_id"}, first.Queries[0].From[0].Keys)

	again, _ := registeredBy(t, inSQL, registered)
	require.Empty(t, again.Queries, "nothing changes")
	described, _ := registeredBy(t, strings.Replace(inSQL, "name: both", "name: both\n    owner: ada", 1), registered)
	require.Empty(t, described.Queries, "what it means is the same")
	further, _ := registeredBy(t, strings.Replace(inSQL, "type: integer, reason: low}]}", "type: integer, reason: low, max: 9}]}", 1), registered)
	require.Len(t, further.Queries, 1, "it reads another version")
	require.Equal(t, []string{"bureau@2"}, further.Queries[0].View.SQL.From)
	require.InDelta(t, 9, *further.Queries[0].From[0].Features[0].Max, 0)

	pinned, _ := registeredBy(t, `views: [{name: old, entity: applicant, sql: {dialect: duckdb, from: [bureau@1], query: SELECT 1}, features: [{name: one, type: integer, reason: low}]}]`, registered)
	require.Equal(t, "bureau", pinned.Queries[0].From[0].Name, "of those that are registered")
	require.Nil(t, pinned.Queries[0].From[0].Features[0].Max)
}

// Places are counted by hand in the file above.
func TestPlacesWithinAQuery(t *testing.T) {
	t.Parallel()
	folder := readOver(t, inSQL, nil)
	quoted := readOver(t, strings.Replace(inSQL, "query: |\n        SELECT applicant_id, event_timestamp, created_timestamp,\n          score * 2 AS twice\n        FROM bureau", `query: "SELECT \"score\" FROM bureau"`, 1), nil)
	for name, test := range map[string]struct {
		folder   *Folder
		view     string
		wrong    QueryError
		at, text string
	}{
		"its place":             {folder, "both", QueryError{2, 3, "no"}, "f.yaml:11:11", "no"},
		"no place":              {folder, "both", QueryError{Text: "no"}, "f.yaml:9:14", "no"},
		"a line alone":          {folder, "both", QueryError{Line: 3, Text: "no"}, "f.yaml:9:14", "line 3: no"},
		"a place after escapes": {quoted, "both", QueryError{1, 16, "no"}, "f.yaml:9:14", "line 1, column 16: no"},
		"a view without SQL":    {folder, "bureau", QueryError{1, 2, "no"}, "view bureau", "line 1, column 2: no"},
		"no view of the folder": {folder, "none", QueryError{1, 2, "no"}, "view none", "line 1, column 2: no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, text := test.folder.Within(test.view, test.wrong)
			require.Equal(t, []string{test.at, test.text}, []string{at, text})
		})
	}
}

// A view in SQL that leaves its timestamps out has columns of these very names, each a timestamp.
func TestViewsInSQLHaveDefaultTimestamps(t *testing.T) {
	t.Parallel()
	v := readOver(t, inSQL, nil).Views[1]
	require.Equal(t, []string{"event_timestamp", "created_timestamp"}, []string{v.EventTimestamp, v.CreatedTimestamp})
	require.Equal(t, "timestamp", string(v.Types["event_timestamp"]))
	_, registered := registeredBy(t, inSQL, nil)
	require.Equal(t, "created_timestamp", registered.meant(KindView, "both").View.CreatedTimestamp, "what is registered has them as well")
	_, err := Read([]File{{Name: "f.yaml", Data: []byte(strings.Replace(inSQL, "name: both", "name: both\n    event_timestamp: at", 1))}}, nil)
	require.ErrorContains(t, err, `event_timestamp is "at"; rows that are posted, and those of SQL, have it in a column of that very name`)
}
