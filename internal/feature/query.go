package feature

import (
	"fmt"
	"slices"
)

// Query is a view in SQL with the views whose rows it reads, in the order of SQL.From.
type Query struct {
	View *View   `json:"view"`
	From []*View `json:"from"`
}

// QueryError is what is wrong with a view's query.
type QueryError struct {
	// Line and Column are where, counted from 1 in the query; 0 where that is not known.
	Line, Column int
	Text         string
}

// Error is the text with its place.
func (e *QueryError) Error() string {
	switch {
	case e.Line > 0 && e.Column > 0:
		return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Text)
	case e.Line > 0:
		return fmt.Sprintf("line %d: %s", e.Line, e.Text)
	}
	return e.Text
}

// queries are those that a plan's new versions of views bring: what was registered before was checked before.
func (o *overlay) queries(changes []Change) ([]Query, error) {
	var queries []Query
	for _, v := range o.wanted {
		if v.Kind != KindView || v.View.SQL == nil || !slices.ContainsFunc(changes, func(c Change) bool { return c.brings(v) }) {
			continue
		}
		query := Query{View: v.View}
		for _, from := range v.View.SQL.From {
			ref, err := readReference(from)
			if err != nil {
				return nil, err
			}
			read, err := o.find(ref, KindView)
			if err != nil {
				return nil, err
			}
			query.From = append(query.From, read.View)
		}
		queries = append(queries, query)
	}
	return queries, nil
}

// brings says that a change makes a version.
func (c *Change) brings(v *Version) bool {
	return c.Kind == v.Kind && c.Name == v.Name && (c.Do == New || c.Do == Changed)
}

// Within is file:line:column of a place in a view's query, see QueryError. Where that cannot be told of the file, which may write the query with escapes, it is where the
// query begins, and the text says the place in the query.
func (f *Folder) Within(view string, e QueryError) (at, text string) {
	for _, p := range f.parts {
		for i := range p.Views {
			if p.Views[i].Name != view || p.Views[i].SQL == nil {
				continue
			}
			if at, said := p.Within(viewPath(i)+".sql.query", p.Views[i].SQL.Query, e.Line, e.Column); said {
				return at, e.Text
			}
			return f.At(view, "sql.query"), e.Error()
		}
	}
	return "view " + view, e.Error()
}
