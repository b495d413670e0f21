package source

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// columns are what a relation takes of its source, in order.
type columns struct {
	from  []string // the source's names
	names []string // the spec's names
	// all says that nothing is selected.
	all   bool
	notes []string
}

// Columns are the names after select and rename.
func (c *columns) Columns() []string { return c.names }

// Notes tell of names that were given.
func (c *columns) Notes() []string { return c.notes }

// note adds a note, unless there is none to tell.
func (c *columns) note(text string) {
	if text != "" {
		c.notes = append(c.notes, text)
	}
}

// choose applies select and rename to the columns that the source has. What is where, for messages.
func choose(r pipeline.Relation, where string, has []string) (columns, error) {
	c := columns{from: slices.Clone(has), all: len(r.Select) == 0}
	if !c.all {
		c.from = r.Select
	}
	for _, name := range c.from {
		if !slices.Contains(has, name) {
			return c, fault.New(fault.Invalid, "%s: there is no column %q to select; %s", where, clip(name), near(name, has))
		}
	}
	for name := range r.Rename {
		if !slices.Contains(c.from, name) {
			return c, fault.New(fault.Invalid, "%s: there is no column %q to rename; %s", where, clip(name), near(name, has))
		}
	}
	for _, name := range c.from {
		if to, renamed := r.Rename[name]; renamed {
			name = to
		}
		if slices.Contains(c.names, name) {
			return c, fault.New(fault.Invalid, "%s: two columns are called %q after renaming", where, clip(name))
		}
		c.names = append(c.names, name)
	}
	return c, apart(where, c.names)
}

// apart holds the names to differing in more than case: conditions, joins and rules are SQL, to which ID and id are one column.
func apart(where string, names []string) error {
	seen := make(map[string]string, len(names))
	for _, name := range names {
		folded := strings.ToLower(name)
		if other, twice := seen[folded]; twice {
			return fault.New(fault.Invalid, "%s: the columns %q and %q differ by case alone, and are one in SQL; rename one of them (rename), or select the other (select)", where, clip(other), clip(name))
		}
		seen[folded] = name
	}
	return nil
}

// union are the columns of files that come one after the other: those of the first, then what later ones add.
type union struct {
	selected []string // none: all are wanted
	names    []string
}

// add takes the columns of the next file. A file adds columns, or lacks some: its rows have no values there. One that has less than half of what
// it could have in common with the files before is of another table, or has no header, and what stands for its names is repeated nowhere.
func (u *union) add(where string, has []string) error {
	known, common := 0, 0
	for _, name := range u.names {
		if len(u.selected) > 0 && !slices.Contains(u.selected, name) {
			continue
		}
		known++
		if slices.Contains(has, name) {
			common++
		}
	}
	if 2*common < min(known, len(has)) {
		return fault.New(fault.Invalid, "%s: only %d of its %d columns are among the %d of the files before it; files of one relation may add columns or lack some, and have at least half in common", where, common, len(has), known)
	}
	for _, name := range has {
		if !slices.Contains(u.names, name) {
			u.names = append(u.names, name)
		}
	}
	if len(u.names) > maxColumns {
		return fault.New(fault.Invalid, "%s: there are more than %d columns in all files; at most so many are taken", where, maxColumns)
	}
	return nil
}

// places says of every column of a file which of the relation's it is, -1 for none, and which of the relation's the file lacks.
func (c *columns) places(has []string) (places, absent []int) {
	places = make([]int, len(has))
	for i, name := range has {
		places[i] = slices.Index(c.from, name)
	}
	for i := range c.from {
		if !slices.Contains(places, i) {
			absent = append(absent, i)
		}
	}
	return places, absent
}

// named checks that every column has a name of its own. A table that was written with its row numbers has a first column without a name,
// which becomes row.
func named(where string, header []string) (note string, err error) {
	if len(header) > maxColumns {
		return "", fault.New(fault.Invalid, "%s: there are %d columns; at most %d are taken", where, len(header), maxColumns)
	}
	if header[0] == "" && len(header) > 1 {
		header[0] = "row"
		note = fmt.Sprintf("%s: the first column has no name; it is called row", where)
	}
	first := make(map[string]int, len(header))
	for i, name := range header {
		if name == "" {
			return "", fault.New(fault.Invalid, "%s: column %d has no name; every column needs one", where, i+1)
		}
		if before, twice := first[name]; twice {
			return "", fault.New(fault.Invalid, "%s: columns %d and %d are both called %q; every column needs a name of its own", where, before+1, i+1, clip(name))
		}
		first[name] = i
	}
	return note, nil
}

// near lists the names that are most like a wrong one.
func near(name string, names []string) string {
	type candidate struct {
		name     string
		distance int
	}
	var candidates []candidate
	for _, other := range names {
		d := pipeline.EditDistance(strings.ToLower(name), strings.ToLower(other))
		if d <= 1+len(name)/4 {
			candidates = append(candidates, candidate{other, d})
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int { return a.distance - b.distance })
	verb := "near ones are"
	if len(candidates) == 0 {
		verb = "it has"
		for _, other := range names {
			candidates = append(candidates, candidate{name: other})
		}
	}
	var list []string
	for _, c := range candidates[:min(5, len(candidates))] {
		list = append(list, clip(c.name))
	}
	if len(candidates) > len(list) {
		list = append(list, "…")
	}
	return verb + " " + strings.Join(list, ", ")
}

// clip keeps a message short whatever a file or a spec holds.
func clip(name string) string { return clipTo(name, 60) }

func clipTo(text string, length int) string {
	if len(text) > length {
		return strings.ToValidUTF8(text[:length], "") + "…"
	}
	return text
}
