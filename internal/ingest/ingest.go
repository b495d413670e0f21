// Package ingest makes a dataset of raw rows: it cleans and types them, holds them against the schema, describes them and writes them as
// Parquet parts, in one pass over slices of rows that are worked on side by side. What comes of it does not depend on how many.
package ingest

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/profile"
	"github.com/loanops/loanops/internal/source"
)

// Input is what a dataset is made of, and with.
type Input struct {
	Spec pipeline.Spec
	Rows source.Relation
	// AsOf leaves out rows of later days, which were not known yet; zero leaves out none.
	AsOf time.Time
	// Partial leaves out rows of that day, of which others are still to come; zero leaves out none.
	Partial time.Time
	// After leaves out rows of that day and of earlier ones, which an earlier look has seen; zero leaves out none.
	After time.Time
	// KnownAt is the day on which the data were known.
	KnownAt time.Time
	// Keep stores a finished Parquet file.
	Keep func(ctx context.Context, path string) (dataset.Part, error)
	// Once, where it is given, does the work on the slice that begins with a row (from 0), unless that was done before, and returns the state that the
	// work gave, then or now. Without it every slice is worked on.
	Once func(ctx context.Context, first int64, work func(context.Context) (Finished, error)) ([]byte, error)
	// Folder is for files until they are kept.
	Folder string
	// Workers is how many slices are worked on at once. Defaults to the number of processors.
	Workers int
	// Progress hears how many rows have been read.
	Progress func(rows int64)
}

// Output is the dataset and what was seen on the way.
type Output struct {
	Dataset dataset.Manifest
	// Quarantine holds the rows that break a rule, as they were read, with the rules. It has no parts when no row does.
	Quarantine dataset.Manifest
	// Later is how many rows were left out because they, or others of their day, were not known yet.
	Later int64
	// Earlier is how many were left out because an earlier look has seen them.
	Earlier int64
	// Undated is how many have no day that can be read. Of the rows after a day they are left out.
	Undated int64
	// Last is the last day of the rows that were not left out; zero where none has a day.
	Last time.Time
	// Dropped is how many rows the steps of tables left out.
	Dropped int64
	// Resumed is how many slices were not worked on, for that was done before.
	Resumed int
	Checked dataset.Checked
	Profile profile.Profile
	Notes   []string
}

// Run reads all rows. A fault of the source, or too many rows or bytes, is the source's.
func Run(ctx context.Context, in Input) (Output, error) {
	if in.Workers == 0 {
		in.Workers = runtime.GOMAXPROCS(0)
	}
	w, err := newWorker(in)
	if err != nil {
		return Output{}, err
	}
	group, ctx := errgroup.WithContext(ctx)
	// Results come in the order of the slices: each slice has a channel of its own, and these stand in line.
	line := make(chan chan sliced, in.Workers)
	group.Go(func() error { return w.cut(ctx, group, line) })
	out := Output{Quarantine: dataset.Manifest{Columns: w.quarantineFields()}}
	group.Go(func() error { return w.collect(ctx, line, &out) })
	if err := group.Wait(); err != nil {
		return Output{}, err
	}
	out.Checked.Settle(in.Spec.Columns)
	out.Notes = in.Rows.Notes()
	return out, nil
}

// cut takes slices from the source and has workers work on them.
func (w *worker) cut(ctx context.Context, group *errgroup.Group, line chan<- chan sliced) error {
	defer close(line)
	busy := make(chan struct{}, w.in.Workers)
	for number := 0; ; number++ {
		select {
		case busy <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		slice, err := w.in.Rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		result := make(chan sliced, 1)
		group.Go(func() error {
			defer func() { <-busy }()
			done, err := w.once(ctx, number, slice)
			if err == nil { // else nobody is to go on
				result <- done
			}
			return err
		})
		select {
		case line <- result:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// collect puts the slices' results together in their order.
func (w *worker) collect(ctx context.Context, line <-chan chan sliced, out *Output) error {
	described := &profile.Accumulator{}
	var last float64 // ordinal
	var lastDay int64
	for result := range line {
		var s sliced
		select {
		case s = <-result:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if s.span.First <= last {
			return unordered(w.read(out) + 1)
		}
		last = s.span.Last
		out.Dataset.Columns = s.fields
		add(&out.Dataset, s.part)
		add(&out.Quarantine, s.quarantine)
		out.Later += s.days.Later
		out.Earlier += s.days.Earlier
		out.Undated += s.days.Undated
		lastDay = max(lastDay, s.days.Last)
		if s.resumed {
			out.Resumed++
		}
		out.Checked.Add(s.checked)
		if err := described.Add(s.described); err != nil {
			return fault.Wrap(fault.Internal, err, "adding up the profile")
		}
		w.in.Progress(w.read(out))
	}
	if lastDay > 0 {
		out.Last = dataset.DayOf(float64(lastDay))
	}
	if out.Dataset.Columns == nil {
		out.Dataset.Columns = w.emptyFields()
	}
	out.Profile = described.Profile(w.in.Spec.Name)
	return nil
}

// read is how many rows have been read.
func (w *worker) read(out *Output) int64 {
	n := out.Checked.Rows + out.Later + out.Earlier
	if !w.in.After.IsZero() {
		n += out.Undated
	}
	return n
}

func add(m *dataset.Manifest, part dataset.Part) {
	if part.Rows > 0 {
		m.Rows += part.Rows
		m.Parts = append(m.Parts, part)
	}
}

// keep writes rows as Parquet and stores them; none at all are no part.
func (w *worker) keep(ctx context.Context, t dataset.Table) (part dataset.Part, err error) {
	if t.Rows() == 0 {
		return dataset.Part{}, nil
	}
	file, err := os.CreateTemp(w.in.Folder, "part-")
	if err != nil {
		return part, fault.Wrap(fault.Unavailable, err, "writing a part")
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if err := dataset.WriteParquet(file, t); err != nil {
		return part, err
	}
	if err := file.Close(); err != nil {
		return part, fault.Wrap(fault.Unavailable, err, "writing a part")
	}
	part, err = w.in.Keep(ctx, file.Name())
	part.Rows = int64(t.Rows())
	return part, err
}
