// Package infer reads raw files once and writes the start of a spec for them: what type every column has and what cleaning it needs, which
// values it allows, and which columns look like the label, the entity, the time, or what must not train. A person reviews it: values alone do
// not say what they mean.
//
// No value that fewer than five rows hold is told, since it may be one applicant's: bounds are rounded outwards to two digits, and beyond
// such a value unless it is 0.
package infer

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/source"
)

// Input is what a schema is made of.
type Input struct {
	// URIs are files, folders or globs as in a spec's source; together they are one relation.
	URIs []string
	// Name is the pipeline's; by default it comes from the file's name, of several files from their folder's.
	Name string
	// Label is the label column; by default it is guessed.
	Label string
	// Encoding is that of CSV files. Defaults to utf-8.
	Encoding string
	// Workers is how many slices are read at once. Defaults to the number of processors; the schema does not depend on it.
	Workers int
	// Progress hears how many rows have been read; nil when nobody asks.
	Progress func(rows int64)
}

// Run reads the files, of whatever size. What cannot be read is the source's fault; a name that is none, a label column that
// is not there or has not two values, files without rows, and files of many more rows than bytes are fault.Invalid.
func Run(ctx context.Context, in Input) (Schema, error) {
	from, files, err := relation(ctx, in)
	if err != nil {
		return Schema{}, err
	}
	name, err := specName(in.Name, files)
	if err != nil {
		return Schema{}, err
	}
	options, err := limits(files)
	if err != nil {
		return Schema{}, err
	}
	rows, err := source.Open(ctx, from, files, options)
	if err != nil {
		return Schema{}, tooDense(err)
	}
	defer rows.Close()
	if kind, _ := source.KindOf(from, files); kind == ".csv" {
		if err := header(files[0].Name, rows.Columns()); err != nil {
			return Schema{}, err
		}
	}
	all, total, err := read(ctx, rows, in)
	if err != nil {
		return Schema{}, tooDense(err)
	}
	if total.rows == 0 {
		return Schema{}, fault.New(fault.Invalid, "%s: there are no rows; types are inferred from values", files[0].Name)
	}
	s := Schema{Rows: total.rows, bytes: total.bytes, name: name, files: files, from: from, notes: rows.Notes()}
	for i, column := range rows.Columns() {
		s.Columns = append(s.Columns, judge(column, total.rows, &all[i]))
	}
	if err := s.roles(all, in.Label); err != nil {
		return Schema{}, err
	}
	s.Spec = s.write()
	return s, nil
}

// counted is what came of one slice.
type counted struct {
	tallies []tally
	bytes   int64
	err     error
}

// amount is how much was read: bytes are those of the values in memory, and the names in every row, which is no less than a file of them has.
type amount struct{ rows, bytes int64 }

// read tallies all columns. Slices are read side by side and added up in their order.
func read(ctx context.Context, rows source.Relation, in Input) (all []tally, total amount, err error) {
	workers := in.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	names := rows.Columns()
	all = make([]tally, len(names))
	most := mostDistinct(len(names))
	for ended := false; !ended; {
		var wait sync.WaitGroup
		batch := make([]counted, 0, workers)
		for len(batch) < workers && !ended {
			slice, err := rows.Next(ctx)
			if err != nil {
				batch, ended = append(batch, counted{err: err}), true
				continue
			}
			batch = append(batch, counted{tallies: make([]tally, len(names))})
			into := &batch[len(batch)-1]
			wait.Go(func() { into.bytes, into.err = count(ctx, slice, names, all, into.tallies) })
		}
		wait.Wait()
		for _, slice := range batch {
			if errors.Is(slice.err, io.EOF) {
				break
			}
			if slice.err != nil {
				return nil, amount{}, slice.err
			}
			for i := range all {
				all[i].add(&slice.tallies[i])
			}
			follow(names, all, most, maxFollowedValues)
			total.rows, total.bytes = total.rows+slice.tallies[0].rows, total.bytes+slice.bytes
		}
		if in.Progress != nil {
			in.Progress(total.rows)
		}
	}
	return all, total, nil
}

// count tallies one slice. What the slices before it have said is looked at only to leave out what cannot matter any more.
func count(ctx context.Context, s source.Slice, names []string, before, into []tally) (bytes int64, err error) {
	batch, err := s.Decode(ctx)
	if err != nil {
		return 0, err
	}
	defer batch.Release()
	for i, name := range names {
		raw := batch.Column(i)
		text := source.TextsOf(raw)
		if text == nil {
			return 0, fault.New(fault.Invalid, "column %q is of type %s, which cannot be read", name, raw.DataType())
		}
		into[i].count(raw, text, before[i].distinctKnown)
		bytes += int64(raw.Data().SizeInBytes()) + int64(len(name)+len(`"":"",`))*batch.NumRows()
	}
	return bytes, ctx.Err()
}
