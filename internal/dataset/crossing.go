package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// SplitCheck holds the subsets of a split, as they were written, against what the split promises: no entity is in two of them, without an entity
// column no row equals one of another in all columns that the spec knows, by group no group is in two, and by time every day of a subset is before the
// days of the next, by more than the embargo. It looks at them in two steps, as Splitter does, and asks it nothing: what may not
// cross is written down here once more.
type SplitCheck struct {
	spec pipeline.Spec
}

// NewSplitCheck checks what spec.Split made.
func NewSplitCheck(spec pipeline.Spec) *SplitCheck { return &SplitCheck{spec: spec} }

// Traces are what must not cross of a batch of rows.
type Traces struct {
	entities, groups, contents []uint64 // digests; those of rows without a value are left out
	first, last                float64  // days
}

// Columns are those that Trace looks at, of the fields of the rows.
func (c *SplitCheck) Columns(fields []Field) []string {
	if c.spec.Entity == "" {
		return c.content(fields)
	}
	return []string{c.spec.Entity, c.spec.Split.Group, c.spec.Time}
}

// content are the columns in which rows may not be equal across the subsets: those that have a role in the spec.
func (c *SplitCheck) content(fields []Field) (names []string) {
	roles := slices.Concat(c.spec.Protected, c.spec.Ignore, []string{c.spec.Label.Column, c.spec.Time})
	for _, column := range c.spec.Columns {
		roles = append(roles, column.Name)
	}
	for _, f := range fields {
		if f.Name != RowColumn && slices.Contains(roles, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}

// Trace notes what must not cross. Batches may be traced side by side.
func (c *SplitCheck) Trace(t Table) (Traces, error) {
	found := Traces{first: math.Inf(1), last: math.Inf(-1)}
	named := func(role, name string) (*Column, error) {
		column := t.Column(name)
		if column == nil {
			return nil, fault.New(fault.Invalid, "the %s column %q is missing", role, name)
		}
		return column, nil
	}
	if c.spec.Entity != "" {
		entity, err := named("entity", c.spec.Entity)
		if err != nil {
			return found, err
		}
		found.entities = valuesOf(entity)
	} else {
		var columns []*Column
		for _, name := range c.content(t.Fields()) {
			columns = append(columns, t.Column(name))
		}
		found.contents = contents(columns)
	}
	switch c.spec.Split.By {
	case pipeline.Grouped:
		group, err := named("group", c.spec.Split.Group)
		if err != nil {
			return found, err
		}
		found.groups = valuesOf(group)
	case pipeline.ByTime:
		date, err := named("time", c.spec.Time)
		if err != nil {
			return found, err
		}
		for row := range t.Rows() {
			day := date.Day(row)
			found.first, found.last = min(found.first, day), max(found.last, day) // NaN, which no split by time leaves, stays and is before nothing
		}
	case pipeline.ByHash, pipeline.Stratified:
	default:
		return found, fault.New(fault.Invalid, "split.by is %q, of which nobody knows what may not cross", c.spec.Split.By)
	}
	return found, nil
}

// valuesOf are the digests of a column's values.
func valuesOf(c *Column) []uint64 {
	digests := make([]uint64, 0, c.Len())
	var scratch []byte
	for row := range c.Len() {
		if !c.Missing(row) {
			scratch = appendValue(scratch[:0], c, row)
			digests = append(digests, digest(scratch))
		}
	}
	return digests
}

// contents are the digests of rows.
func contents(columns []*Column) []uint64 {
	if len(columns) == 0 {
		return nil
	}
	digests := make([]uint64, columns[0].Len())
	var scratch []byte
	for row := range digests {
		scratch = scratch[:0]
		for _, c := range columns {
			scratch = appendValue(scratch, c, row)
		}
		digests[row] = digest(scratch)
	}
	return digests
}

// appendValue adds a value so that no two rows of values give the same bytes.
func appendValue(to []byte, c *Column, row int) []byte {
	switch {
	case c.Missing(row):
		return append(to, 0)
	case c.Kind == Text:
		to = binary.AppendUvarint(append(to, 1), uint64(len(c.Texts[row])))
		return append(to, c.Texts[row]...)
	default:
		return binary.LittleEndian.AppendUint64(append(to, 1), math.Float64bits(c.Floats[row]+0)) // -0 is 0
	}
}

// digest is the first 64 bits of SHA-256: of ten million different values any two have the same one in 3 of a million data sets.
func digest(value []byte) uint64 {
	sum := sha256.Sum256(value)
	return binary.LittleEndian.Uint64(sum[:8])
}

// Kept says what was compared.
type Kept struct {
	Entities int // different ones; 0 without an entity column
	Groups   int
	Contents int // different rows; 0 with an entity column
}

// Judge compares the subsets. What crosses is a fault.Refused that counts it: a defect of the split that no spec allows.
func (c *SplitCheck) Judge(traces [3][]Traces) (Kept, error) {
	var kept Kept
	for _, what := range []struct {
		words string
		of    func(Traces) []uint64
		kept  *int
	}{
		{"entities", func(t Traces) []uint64 { return t.entities }, &kept.Entities},
		{"groups", func(t Traces) []uint64 { return t.groups }, &kept.Groups},
		{"equal rows", func(t Traces) []uint64 { return t.contents }, &kept.Contents},
	} {
		var sets [3][]uint64
		for _, subset := range Subsets {
			for _, t := range traces[subset] {
				sets[subset] = append(sets[subset], what.of(t)...)
			}
			slices.Sort(sets[subset])
			sets[subset] = slices.Compact(sets[subset])
			*what.kept += len(sets[subset])
		}
		for later := Validation; later <= Test; later++ {
			for earlier := range later {
				if n := common(sets[earlier], sets[later]); n > 0 {
					return kept, fault.New(fault.Refused, "%d %s of the %s part are in the %s part as well: the split is not what it promises, and nothing may be trained on it",
						n, what.words, later, earlier)
				}
			}
		}
	}
	return kept, c.days(traces)
}

// days holds the days of the subsets against each other.
func (c *SplitCheck) days(traces [3][]Traces) error {
	if c.spec.Split.By != pipeline.ByTime {
		return nil
	}
	first, last := [3]float64{}, [3]float64{}
	for _, subset := range Subsets {
		first[subset], last[subset] = math.Inf(1), math.Inf(-1)
		for _, t := range traces[subset] {
			first[subset], last[subset] = min(first[subset], t.first), max(last[subset], t.last)
		}
	}
	for later := Validation; later <= Test; later++ {
		embargo := float64(c.spec.Split.EmbargoDays)
		if earlier := later - 1; !(last[earlier]+embargo < first[later]) {
			return fault.New(fault.Refused, "the %s part has days within %d days before the first of the %s part, or after it: the split is not what it promises, and nothing may be trained on it",
				earlier, c.spec.Split.EmbargoDays, later)
		}
	}
	return nil
}

// common counts the values of two ascending lists without repeats that both hold.
func common(a, b []uint64) int {
	n := 0
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			n, a, b = n+1, a[1:], b[1:]
		}
	}
	return n
}
