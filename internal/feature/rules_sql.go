package feature

import (
	"fmt"
	"slices"
	"strings"
)

// DuckDB is the dialect that SQL of views is written in.
const DuckDB = "duckdb"

func (r *rules) sql(path string, s *SQL) {
	if s.Dialect != DuckDB {
		r.Wrong(path+".dialect", "dialect is %q; duckdb is wanted: it is what the query is written in", clip(s.Dialect))
	}
	switch {
	case strings.TrimSpace(s.Query) == "":
		r.Wrong(path+".query", "query is missing; one SELECT from the views that from names is wanted")
	case len(s.Query) > maxQuery:
		r.Wrong(path+".query", "query has %d bytes; at most %d are wanted", len(s.Query), maxQuery)
	}
	if len(s.From) == 0 || len(s.From) > maxFrom {
		r.Wrong(path+".from", "from names %d views; the 1 to %d whose rows the query reads are wanted", len(s.From), maxFrom)
	}
}

// reads checks that the views that SQL reads are there, each as a table of its own.
func (r *rules) reads(path string, v *View) {
	if v.SQL == nil || len(v.SQL.From) > maxFrom {
		return
	}
	var tables []string
	for i, text := range v.SQL.From {
		at := fmt.Sprintf("%s.sql.from[%d]", path, i)
		ref, err := readReference(text)
		switch {
		case err != nil:
			r.Wrong(at, "%s", err)
			continue
		case ref.feature != "":
			r.Wrong(at, "from names the feature %q; a view is wanted, whose rows the query reads", clip(text))
			continue
		case slices.Contains(tables, ref.name):
			r.Wrong(at, "from names view %q twice; the query has one table of that name", clip(ref.name))
		}
		tables = append(tables, ref.name)
		if _, err := r.over.find(ref, KindView); err != nil {
			r.Wrong(at, "%s", err)
		}
	}
}

// read says that a view in SQL reads the rows of a view.
func (r *rules) read(name string) bool {
	return slices.ContainsFunc(r.folder.Views, func(v View) bool {
		return v.SQL != nil && slices.ContainsFunc(v.SQL.From, func(from string) bool { return tableOf(from) == name })
	})
}

// tableOf is the name of a view without its version.
func tableOf(from string) string {
	name, _, _ := strings.Cut(from, "@")
	return name
}

// cycles refuses views whose rows would be made of their own: each cycle once, with its way.
func (r *rules) cycles() {
	reads, at := map[string][]string{}, map[string]func(way string){}
	for i := range r.folder.parts {
		p := &r.folder.parts[i]
		for k := range p.Views {
			v, path := &p.Views[k], viewPath(k)
			if v.SQL == nil {
				continue
			}
			// One that names a version is no view's name: what is registered is made of what was registered before it.
			reads[v.Name] = v.SQL.From
			at[v.Name] = func(way string) {
				p.Wrong(path+".sql.from", "views are made of each other: %s; leave one of them out", way)
			}
		}
	}
	done := map[string]bool{}
	var visit func(name string, way []string)
	visit = func(name string, way []string) {
		if i := slices.Index(way, name); i >= 0 {
			at[name](strings.Join(append(slices.Clone(way[i:]), name), " -> "))
			return
		}
		if done[name] {
			return
		}
		for _, next := range reads[name] {
			visit(next, append(way, name))
		}
		done[name] = true
	}
	for _, v := range r.folder.Views {
		visit(v.Name, nil)
	}
}
