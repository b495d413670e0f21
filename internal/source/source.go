// Package source reads raw rows: one relation of a spec as an ordered stream of slices of a fixed number of rows. Finding where slices begin
// and end is sequential and cheap; decoding them is the work, and goroutines share it.
package source

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Relation is an ordered sequence of rows with named columns. Its methods are for one goroutine; the slices that it hands out are not bound
// to it, except that they must be decoded before Close.
type Relation interface {
	// Columns are the names after select and rename.
	Columns() []string
	// Notes tell a person what was read otherwise than it is written.
	Notes() []string
	// Next returns the next rows, and io.EOF after the last. A slice has Options.RowsPerSlice rows, the last one fewer. After another error the
	// relation is of no use.
	Next(ctx context.Context) (Slice, error)
	// Close frees files and connections; slices that were not decoded are lost.
	Close() error
}

// Slice is rows that follow each other.
type Slice struct {
	// First is the ordinal of its first row in the relation, from 0.
	First int64
	// Decode makes a batch of the rows. Any goroutine may call it, once.
	Decode func(ctx context.Context) (arrow.RecordBatch, error)
	// Skip, in place of Decode, says that nobody needs the rows.
	Skip func()
}

// Options bound and shape the reading.
type Options struct {
	// RowsPerSlice is the number of rows of every slice but the last. Defaults to RowsPerSlice of the columns.
	RowsPerSlice int
	// MaxRows and MaxBytes (of decompressed content) end the reading with a fault as soon as they are passed. 0 is no limit.
	MaxRows, MaxBytes int64
	// Numbers are the columns, by the spec's names, whose texts are numbers: a decimal comma becomes a point in these alone.
	Numbers map[string]bool
}

// File is a local file to read.
type File struct {
	// Name is how a person calls it, for messages.
	Name string
	// Path is where it is on this machine.
	Path string
}

const (
	mostRowsPerSlice  = 131_072
	leastRowsPerSlice = 1_024
	maxColumns        = 2_000
)

// RowsPerSlice is how many rows of so many columns make a slice: the power of two that is nearest to 2.5 million values, between 1,024 and
// 131,072. It depends on nothing else, so that the same data are cut the same way on every machine.
func RowsPerSlice(columns int) int {
	rows := leastRowsPerSlice
	for rows < mostRowsPerSlice && 2*rows*columns <= 3_535_534 { // 2.5 million times the root of two: between two powers
		rows *= 2
	}
	return rows
}

// Open opens the files of a relation as their union in the order given. Its columns are those of the first file, then what later ones add; where a file
// lacks a column, its rows have no value there.
func Open(ctx context.Context, r pipeline.Relation, files []File, o Options) (Relation, error) {
	if len(files) == 0 {
		return nil, fault.New(fault.Invalid, "%s: there are no files to read", r.FilesURI())
	}
	for _, f := range files {
		if err := regular(f); err != nil {
			return nil, err
		}
	}
	kind, err := KindOf(r, files)
	if err != nil {
		return nil, err
	}
	switch kind {
	case ".parquet":
		return openParquet(ctx, r, files, o)
	case ".jsonl":
		return openJSONL(ctx, r, files, o)
	default:
		return openCSV(ctx, r, files, o)
	}
}

// KindOf is the extension that stands for the relation's kind.
func KindOf(r pipeline.Relation, files []File) (string, error) {
	switch {
	case r.CSV != nil:
		return ".csv", nil
	case r.Parquet != nil:
		return ".parquet", nil
	case r.JSONL != nil:
		return ".jsonl", nil
	}
	kind := ""
	for _, f := range files {
		name := strings.ToLower(f.Name)
		extension := filepath.Ext(strings.TrimSuffix(name, ".gz"))
		known := extension == ".csv" || extension == ".jsonl" || extension == ".parquet" && !strings.HasSuffix(name, ".gz")
		if !known {
			return "", fault.New(fault.Invalid, "%s: a name that ends in .csv, .csv.gz, .jsonl, .jsonl.gz or .parquet is wanted; else say source.csv, source.jsonl or source.parquet", f.Name)
		}
		if kind != "" && kind != extension {
			return "", fault.New(fault.Invalid, "%s: files of one relation are of one kind, and %s is another", f.Name, files[0].Name)
		}
		kind = extension
	}
	return kind, nil
}
