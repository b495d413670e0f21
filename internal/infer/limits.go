package infer

import (
	"errors"
	"fmt"
	"os"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// density is how many rows, and how many bytes of content, a byte of the files holds at most, beyond the default limits of a spec. No rows are held in
// memory, so that there may be any number of them; but a few kilobytes that claim a billion are there to keep whoever reads them busy.
const density = 200

// limits bound the reading of files.
func limits(files []source.File) (source.Options, error) {
	size, err := sizeOf(files)
	l := pipeline.DefaultLimits()
	return source.Options{MaxRows: max(l.MaxRows, density*size), MaxBytes: max(l.MaxBytes, density*size)}, err
}

// sizeOf is how many bytes files have.
func sizeOf(files []source.File) (size int64, err error) {
	for _, f := range files {
		info, err := os.Stat(f.Path)
		if errors.Is(err, os.ErrNotExist) {
			return 0, fault.New(fault.NotFound, "%s: there is no such file", f.Name)
		}
		if err != nil {
			return 0, fault.Wrap(fault.Unavailable, err, "%s", f.Name)
		}
		size += info.Size()
	}
	return size, nil
}

// tooDense says why limits were passed that nobody can set here; any other fault stays as it is.
func tooDense(err error) error {
	var past *source.PastLimit
	if !errors.As(err, &past) {
		return err
	}
	return fault.New(fault.Invalid, "%s: the relation has more than %s, and more than %d for each byte of the files; files that hold their rows less densely are wanted", past.File, past.Limit, density)
}

// limits are the spec's, with as much to spare as there is, where the data exceed the default; else empty.
func (s *Schema) limits() string {
	l := pipeline.DefaultLimits()
	if s.Rows <= l.MaxRows && s.bytes <= l.MaxBytes {
		return ""
	}
	twice := func(n int64) int64 { return int64(dataset.Outwards(2*float64(n), 1)) }
	return fmt.Sprintf("{max_rows: %d, max_bytes: %d}", max(l.MaxRows, twice(s.Rows)), max(l.MaxBytes, twice(s.bytes)))
}
