package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"golang.org/x/sync/errgroup"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/source"
)

// Stage writes a relation as it is to Parquet files in a folder, for what needs all of its rows at once. Numbered gives its rows their ordinals
// in dataset.RowColumn. There is at least one file, which has the columns when there are no rows.
func Stage(ctx context.Context, rows source.Relation, folder string, numbered bool) ([]string, error) {
	if numbered {
		for _, name := range rows.Columns() {
			if strings.EqualFold(name, dataset.RowColumn) {
				return nil, taken(name)
			}
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	var paths []string
	for {
		slice, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if failed := group.Wait(); failed != nil {
				return nil, failed
			}
			return nil, err
		}
		path := filepath.Join(folder, fmt.Sprintf("%06d.parquet", len(paths)))
		paths = append(paths, path)
		group.Go(func() error {
			batch, err := slice.Decode(ctx)
			if err != nil {
				return err
			}
			defer batch.Release()
			return stage(path, batch, slice.First, numbered)
		})
	}
	if err := group.Wait(); err != nil || len(paths) > 0 {
		return paths, err
	}
	path := filepath.Join(folder, "none.parquet")
	return []string{path}, stage(path, empty(rows.Columns()), 0, numbered)
}

// empty is a batch without rows.
func empty(names []string) arrow.RecordBatch {
	fields := make([]arrow.Field, len(names))
	for i, name := range names {
		fields[i] = arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true}
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	return b.NewRecordBatch()
}

func stage(path string, batch arrow.RecordBatch, first int64, numbered bool) error {
	fields, columns := batch.Schema().Fields(), batch.Columns()
	if numbered {
		b := array.NewInt64Builder(memory.DefaultAllocator)
		defer b.Release()
		for row := range batch.NumRows() {
			b.Append(first + row + 1)
		}
		fields = append([]arrow.Field{{Name: dataset.RowColumn, Type: arrow.PrimitiveTypes.Int64}}, fields...)
		columns = append([]arrow.Array{b.NewArray()}, columns...)
	}
	schema := arrow.NewSchema(fields, nil)
	record := array.NewRecordBatch(schema, columns, batch.NumRows())
	defer record.Release()
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "staging rows")
	}
	defer file.Close()
	writer, err := pqarrow.NewFileWriter(schema, file, parquet.NewWriterProperties(
		parquet.WithCompression(compress.Codecs.Snappy), parquet.WithDictionaryDefault(false)), pqarrow.DefaultWriterProps())
	if err != nil {
		return fault.Wrap(fault.Internal, err, "staging rows")
	}
	if err := writer.Write(record); err != nil {
		return fault.Wrap(fault.Unavailable, err, "staging rows")
	}
	return fault.Wrap(fault.Unavailable, writer.Close(), "staging rows")
}
