package source

import (
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/loanops/loanops/internal/fault"
)

// lane is a column of all files. Its slices are read in order: whoever comes for a later one reads those before it and leaves them here, so
// nobody waits for a slice that nobody decodes.
type lane struct {
	column  int
	of      arrow.DataType
	parts   []*part
	rows    func(slice int64) int64
	budget  *sharedBudget
	missing *missing

	mu      sync.Mutex
	ready   map[int64]arrow.Array // read for others
	skipped map[int64]bool        // not to be read for others
	next    int64                 // the next slice to read
	part    int                   // the file that is being read
	begun   bool                  // it has been
	left    int64                 // rows of it that were not read
	reader  *pqarrow.ColumnReader
	err     error
}

// take returns the column's values of a slice, once.
func (l *lane) take(k int64) (arrow.Array, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.next <= k {
		if l.err != nil {
			return nil, l.err
		}
		values, err := l.read(l.rows(l.next))
		if err != nil {
			l.err = err
			return nil, err
		}
		if l.skipped[l.next] {
			delete(l.skipped, l.next)
		} else {
			l.ready[l.next] = values
		}
		l.next++
	}
	values := l.ready[k]
	delete(l.ready, k)
	return values, nil
}

// skip says that nobody will take the slice. Its pages are passed over when a later one is read.
func (l *lane) skip(k int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next <= k {
		l.skipped[k] = true
	}
	delete(l.ready, k)
}

// read reads the next n rows, across row groups and files.
func (l *lane) read(n int64) (arrow.Array, error) {
	var chunks []arrow.Array
	for n > 0 {
		part := l.parts[l.part]
		if !l.begun {
			l.left, l.begun = part.rows, true
		}
		if take := min(n, l.left); take > 0 {
			read, err := l.chunks(part, take)
			if err != nil {
				return nil, err
			}
			chunks = append(chunks, read...)
			n -= take
			l.left -= take
		}
		if l.left == 0 {
			part.done()
			l.reader, l.begun = nil, false
			l.part++
		}
	}
	if len(chunks) == 1 {
		return chunks[0], nil
	}
	return array.Concatenate(chunks, memory.DefaultAllocator)
}

// chunks reads exactly n rows of a file.
func (l *lane) chunks(p *part, n int64) (chunks []arrow.Array, err error) {
	defer p.damaged(&err)
	if p.fields[l.column].absent {
		return []arrow.Array{array.MakeArrayOfNull(memory.DefaultAllocator, l.of, int(n))}, nil
	}
	if l.reader == nil {
		if l.reader, err = p.column(l.column); err != nil {
			return nil, err
		}
	}
	read, err := l.reader.NextBatch(n)
	if err != nil {
		return nil, p.unreadable(err)
	}
	if int64(read.Len()) != n {
		return nil, fault.New(fault.Invalid, "%s: not a readable Parquet file: column %q has fewer rows than the footer says", p.file.Name, clip(p.fields[l.column].Name))
	}
	for _, chunk := range read.Chunks() {
		if chunk.Len() == 0 {
			continue
		}
		if !l.budget.spend(size(chunk.Data())) {
			return nil, tooManyBytes(p.file.Name, l.budget.limit)
		}
		if texts, are := chunk.(*array.String); are && !utf8.Valid(texts.ValueBytes()) {
			return nil, fault.New(fault.Invalid, "%s: column %q is of texts, and has bytes that are not UTF-8", p.file.Name, clip(p.fields[l.column].Name))
		}
		chunks = append(chunks, l.missing.without(chunk))
	}
	return chunks, nil
}

// size is how many bytes the values take.
func size(values arrow.ArrayData) (bytes int64) {
	for _, buffer := range values.Buffers() {
		if buffer != nil {
			bytes += int64(buffer.Len())
		}
	}
	return bytes
}

// sharedBudget is how many bytes lanes may read, of all columns and files.
type sharedBudget struct {
	limit int64 // 0 is none
	spent atomic.Int64
}

func (b *sharedBudget) spend(bytes int64) bool {
	return b.spent.Add(bytes) <= b.limit || b.limit == 0
}
