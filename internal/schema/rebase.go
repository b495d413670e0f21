package schema

import "slices"

// Rebase is what a person's new declaration makes of the schema that is current, which had grown from an older declaration. A column that is
// declared as it was keeps what data have taught; of any other the new declaration counts.
func Rebase(current, was, is Schema) Schema {
	next := is.with(nil)
	for _, c := range is.Columns {
		i := was.index(c.Name)
		if i < 0 || len(column(was.Columns[i], c)) > 0 {
			next.Columns = append(next.Columns, c)
			continue
		}
		if i := current.index(c.Name); i >= 0 { // else a person has accepted to go on without it
			next.Columns = append(next.Columns, current.Columns[i])
		}
	}
	return next
}

// Breaking are the changes that wait for a person.
func Breaking(changes []Change) []Change {
	return slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return !c.Breaking })
}
