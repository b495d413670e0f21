package warehouse

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/feature"
)

// permitted holds a query to being one SELECT over the tables: no files, no settings, nothing that is another thing when it is asked again.
func (s session) permitted(query string, tables []string) error {
	var said string
	if err := s.db.QueryRowContext(s.ctx, "SELECT CAST(json_serialize_sql(CAST(? AS VARCHAR)) AS VARCHAR)", query).Scan(&said); err != nil {
		return s.told(err, "parsing")
	}
	var parsed struct {
		Error    bool   `json:"error"`
		Type     string `json:"error_type"`
		Message  string `json:"error_message"`
		Position string `json:"position"`
		// Statements are trees of nodes, of which DuckDB promises no form: what is looked for is told by its fields.
		Statements []any `json:"statements"`
	}
	if err := json.Unmarshal([]byte(said), &parsed); err != nil {
		return &feature.QueryError{Text: "is nested too deeply, or cannot be read"}
	}
	switch {
	case parsed.Error && parsed.Type == "parser":
		return placed(query, parsed.Position, parsed.Message)
	case parsed.Error || len(parsed.Statements) != 1:
		return &feature.QueryError{Text: "one SELECT is wanted, and nothing else"}
	}
	changing, err := s.changing()
	if err != nil {
		return err
	}
	q := queryTree{query: query, tables: tables, changing: changing}
	if err := s.own(&q, parsed.Statements); err != nil {
		return err
	}
	return q.walk(parsed.Statements)
}

// changing are the functions that give another value when they are asked again, or elsewhere. DuckDB knows those that depend on time and chance; those that
// depend on a session's settings it takes for steady ones.
func (s session) changing() (names []string, err error) {
	names = append([]string{"current_setting", "getvariable", "getenv", "current_localtime", "current_localtimestamp", "ago", "version", "get_block_size"}, bare...)
	var name string
	err = s.each("SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability <> 'CONSISTENT'", func() { names = append(names, name) }, &name)
	return names, s.told(err, "listing functions")
}

// bare are those that are written without parentheses: DuckDB takes such a name that is no column's for the function.
var bare = []string{
	"current_catalog", "current_date", "current_role", "current_schema", "current_time", "current_timestamp", "current_user", "localtime", "localtimestamp", "session_user", "user",
}

// untilToday are those that count until today where they are given one instant; DuckDB takes them for steady ones.
var untilToday = []string{"age"}

// calm are functions that DuckDB counts among those that change, and which only end a query.
var calm = []string{"error"}

// rowFunctions are those that stand where a table stands and make their rows of what they are given.
var rowFunctions = []string{"unnest", "range", "generate_series"}

// queryTree looks through what a query was parsed to.
type queryTree struct {
	query    string
	tables   []string
	own      []string // names that the query gives itself (WITH)
	changing []string
}

// plainName is what a query may call a part of itself.
var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// own collects the names that the query gives. Where such a name is not in reach, DuckDB looks for a view of its own, or for a file; so it may be none of these.
func (s session) own(q *queryTree, statements []any) error {
	var theirs []string
	var name string
	if err := s.each("SELECT view_name FROM duckdb_views() WHERE internal", func() { theirs = append(theirs, name) }, &name); err != nil {
		return s.told(err, "listing views")
	}
	var wrong error
	each(statements, func(fields map[string]any) {
		of, _ := fields["cte_map"].(map[string]any)
		entries, _ := of["map"].([]any)
		for _, entry := range entries {
			entry, _ := entry.(map[string]any)
			name := textIn(entry, "key")
			if foldIn(theirs, name) || !plainName.MatchString(name) {
				wrong = &feature.QueryError{Text: fmt.Sprintf("WITH names %q, which is a name of DuckDB's or none of letters, digits and _; take another one", clipped(name))}
			}
			q.own = append(q.own, name)
		}
	})
	return wrong
}

// walk refuses the first node that is not permitted.
func (q *queryTree) walk(node any) (err error) {
	each(node, func(fields map[string]any) {
		if err == nil {
			if wrong := q.wrong(fields); wrong != "" {
				err = q.place(fields, wrong)
			}
		}
	})
	return err
}

// wrong says what is wrong with a node; empty is nothing.
func (q *queryTree) wrong(fields map[string]any) string {
	if sample, has := fields["sample"]; has && sample != nil {
		return "a sample is of other rows each time; leave it out"
	}
	switch textIn(fields, "type") {
	case "BASE_TABLE":
		name := textIn(fields, "table_name")
		if textIn(fields, "schema_name") != "" || textIn(fields, "catalog_name") != "" || !foldIn(q.tables, name) && !foldIn(q.own, name) {
			return fmt.Sprintf("reads %q, and may read the views that from names: %s", clipped(name), strings.Join(q.tables, ", "))
		}
	case "TABLE_FUNCTION":
		function, _ := fields["function"].(map[string]any)
		if name := textIn(function, "function_name"); !foldIn(rowFunctions, name) {
			return fmt.Sprintf("reads %s(), and may read the views that from names: %s", clipped(name), strings.Join(q.tables, ", "))
		}
	case "SHOW_REF":
		return "one SELECT is wanted, and nothing else"
	case "RECURSIVE_CTE_NODE":
		return "WITH RECURSIVE may have no end; leave it out"
	case "VALUE_PARAMETER":
		return "has a parameter, and nobody gives it a value"
	case "COLUMN_REF":
		if names, _ := fields["column_names"].([]any); len(names) == 1 {
			if name, _ := names[0].(string); foldIn(bare, name) {
				return fmt.Sprintf("%s is another value when it is asked again; take the timestamps of rows (a column of this name is written with its table)", clipped(name))
			}
		}
	}
	arguments, _ := fields["children"].([]any)
	if name := textIn(fields, "function_name"); foldIn(q.changing, name) && !foldIn(calm, name) || foldIn(untilToday, name) && len(arguments) < 2 {
		return fmt.Sprintf("%s() gives another value when it is asked again; take the timestamps of rows", clipped(name))
	}
	return ""
}

// place says what is wrong with a node, and where it stands.
func (q *queryTree) place(fields map[string]any, wrong string) error {
	at, has := fields["query_location"].(float64)
	if !has || at < 0 || at > float64(len(q.query)) {
		return &feature.QueryError{Text: wrong}
	}
	return wrongAfter(q.query[:int(at)], wrong)
}

// placed says what is wrong at the character of that number.
func placed(query, position, wrong string) error {
	at, err := strconv.Atoi(position)
	characters := []rune(query)
	if err != nil || at < 0 || at > len(characters) {
		return &feature.QueryError{Text: wrong}
	}
	return wrongAfter(string(characters[:at]), wrong)
}

// wrongAfter is wrong at the place after a text.
func wrongAfter(before, wrong string) error {
	line := strings.Count(before, "\n") + 1
	rest := []rune(before[strings.LastIndexByte(before, '\n')+1:])
	return &feature.QueryError{Line: line, Column: len(rest) + 1, Text: wrong}
}

// shownLine finds the line that DuckDB shows of a statement, of a long one a part between dots, and the mark below it.
var shownLine = regexp.MustCompile(`(?m)^(LINE (\d+): )(.*)\n( *)\^`)

// bound says what DuckDB found wrong with a query that lies in a statement below some lines of it.
func bound(query string, err error, above int) error {
	wrong := &feature.QueryError{Text: firstLine(err)}
	found := shownLine.FindStringSubmatch(err.Error())
	if found == nil {
		return wrong
	}
	line, _ := strconv.Atoi(found[2])
	lines := strings.Split(query, "\n")
	if line -= above; line < 1 || line > len(lines) {
		return wrong
	}
	wrong.Line = line
	shown, mark := found[3], len([]rune(found[4]))-len([]rune(found[1]))
	if strings.HasPrefix(shown, "...") {
		mark -= 3
	}
	if before, _, is := strings.Cut(lines[line-1], strings.TrimSuffix(strings.TrimPrefix(shown, "..."), "...")); is && mark >= 0 {
		wrong.Column = len([]rune(before)) + mark + 1
	}
	return wrong
}

// each visits all objects of a tree, in the order of their fields' names.
func each(node any, visit func(fields map[string]any)) {
	switch node := node.(type) {
	case map[string]any:
		visit(node)
		names := make([]string, 0, len(node))
		for name := range node {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			each(node[name], visit)
		}
	case []any:
		for _, one := range node {
			each(one, visit)
		}
	}
}

func textIn(fields map[string]any, name string) string {
	text, _ := fields[name].(string)
	return text
}

// foldIn looks for a name as SQL does, which knows no case.
func foldIn(names []string, name string) bool {
	return name != "" && slices.ContainsFunc(names, func(of string) bool { return strings.EqualFold(of, name) })
}

// clipped is the beginning of what a person wrote.
func clipped(name string) string {
	if characters := []rune(name); len(characters) > 80 {
		return string(characters[:80]) + "…"
	}
	return name
}
