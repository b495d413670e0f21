package dataset

import "context"

// Columns gives the columns of a dataset by name, each whole and one at a time, so that whoever needs them one after the other never holds them
// all. A column that is not there is nil. It may be asked by several goroutines at once.
type Columns func(ctx context.Context, name string) (*Column, error)

// ColumnsOf are those of a table in memory.
func ColumnsOf(t Table) Columns {
	return func(_ context.Context, name string) (*Column, error) { return t.Column(name), nil }
}

// ColumnsIn are those of a dataset's parts, files on this machine in their order.
func ColumnsIn(m Manifest, paths []string) Columns {
	return func(ctx context.Context, name string) (*Column, error) {
		t, err := Read(ctx, m, paths, []string{name})
		return t.Column(name), err
	}
}

// Batches gives the rows of a dataset in batches, and of these the columns that are asked for.
type Batches struct {
	Rows int
	// Each gives every batch to do, with the number of its first row. Batches are worked on side by side and come in no order.
	Each func(ctx context.Context, columns []string, do func(first int, t Table) error) error
}

// BatchesOf is a table in memory as one batch.
func BatchesOf(t Table) Batches {
	return Batches{Rows: t.Rows(), Each: func(_ context.Context, _ []string, do func(int, Table) error) error { return do(0, t) }}
}

// BatchesIn are a dataset's parts, files on this machine in their order.
func BatchesIn(m Manifest, paths []string) Batches {
	return Batches{Rows: int(m.Rows), Each: func(ctx context.Context, columns []string, do func(int, Table) error) error {
		return Each(ctx, m, paths, columns, func(_, first int, t Table) error { return do(first, t) })
	}}
}
