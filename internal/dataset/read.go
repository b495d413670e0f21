package dataset

import (
	"context"
	"os"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/parallel"
)

// readPart reads a Parquet part from a file: the named columns that it has, in the part's order, or all of them for nil.
func readPart(path string, columns []string) (Table, error) {
	in, err := os.Open(path)
	if err != nil {
		return Table{}, fault.Wrap(fault.Unavailable, err, "reading a part")
	}
	defer in.Close()
	return readParquet(in, columns)
}

// Each reads the named columns (nil: all) of the parts of a dataset, files on this machine in their order, and gives every part to do with its
// number and its first row's. Parts are worked on side by side, one per processor, in no order: no more than these are in memory. A panic is a fault, see parallel.Caught.
func Each(ctx context.Context, m Manifest, paths, columns []string, do func(part, first int, t Table) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	first := 0
	for part, path := range paths {
		from := first
		first += int(m.Parts[part].Rows)
		group.Go(func() (err error) {
			defer parallel.Caught(&err)
			if err := ctx.Err(); err != nil {
				return err
			}
			t, err := readPart(path, columns)
			if err != nil {
				return err
			}
			if len(t.Columns) > 0 && int64(t.Rows()) != m.Parts[part].Rows {
				return fault.New(fault.Invalid, "a part of a dataset has %d rows, its manifest says %d", t.Rows(), m.Parts[part].Rows)
			}
			return do(part, from, t)
		})
	}
	return group.Wait()
}

// Read brings the named columns (nil: all) of a dataset's parts, files on this machine in their order, into memory.
func Read(ctx context.Context, m Manifest, paths, columns []string) (Table, error) {
	t := empty(m, columns, int(m.Rows))
	return t, Each(ctx, m, paths, columns, func(_, first int, part Table) error { return t.place(first, part) })
}

// Sample reads n rows of the parts, see Drawn; all of them where there are no more.
func Sample(ctx context.Context, m Manifest, paths, columns []string, n int) (Table, error) {
	s := NewSampler(m, columns, n)
	return s.Table, Each(ctx, m, paths, columns, func(_, first int, part Table) error { return s.Add(first, part) })
}

// Sampler collects the rows of a sample from parts that are read for something else as well.
type Sampler struct {
	// Table holds the rows of the parts that were added, in the order of the dataset.
	Table Table
	drawn []int
}

// NewSampler returns one for n rows of a dataset of the manifest's rows, see Drawn, and the named columns (nil: all).
func NewSampler(m Manifest, columns []string, n int) *Sampler {
	drawn := Drawn(int(m.Rows), n)
	return &Sampler{Table: empty(m, columns, len(drawn)), drawn: drawn}
}

// Add takes its rows from a part, which begins with that row of the dataset and has the sample's columns. It is safe for concurrent use.
func (s *Sampler) Add(first int, part Table) error {
	from, _ := slices.BinarySearch(s.drawn, first)
	to, _ := slices.BinarySearch(s.drawn, first+part.Rows())
	if to-from == part.Rows() {
		return s.Table.place(from, part)
	}
	picked := slices.Clone(s.drawn[from:to])
	for i := range picked {
		picked[i] -= first
	}
	return s.Table.place(from, part.Select(picked))
}

// empty has the columns of a dataset that are asked for, with room for so many rows.
func empty(m Manifest, columns []string, rows int) (t Table) {
	for _, f := range m.Columns {
		c := Column{Name: f.Name, Kind: f.Kind}
		switch {
		case columns != nil && !slices.Contains(columns, f.Name):
			continue
		case c.Kind == Text:
			c.Texts, c.Valid = make([]string, rows), make([]bool, rows)
		default:
			c.Floats = make([]float64, rows)
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}

// place copies the rows of a table that has the same columns to where they begin.
func (t *Table) place(first int, part Table) error {
	if len(t.Columns) != len(part.Columns) {
		return fault.New(fault.Invalid, "a part of a dataset has %d of the columns that are wanted, its manifest %d", len(part.Columns), len(t.Columns))
	}
	for i := range t.Columns {
		c, from := &t.Columns[i], &part.Columns[i]
		if c.Name != from.Name || c.Kind != from.Kind {
			return fault.New(fault.Invalid, "a part of a dataset has a column %q (%s), its manifest %q (%s)", from.Name, from.Kind, c.Name, c.Kind)
		}
		if c.Kind == Text {
			copy(c.Texts[first:], from.Texts)
			copy(c.Valid[first:], from.Valid)
		} else {
			copy(c.Floats[first:], from.Floats)
		}
	}
	return nil
}
