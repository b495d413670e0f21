package activities

import (
	"context"
	"os"
	"path/filepath"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/ingest"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// ingest makes the dataset: in one pass, or in two where the spec leaves rows out for what other rows hold. Then the first pass has cleaned the
// values and put aside what breaks a rule, and the second describes and stores what is left.
func (e *Extraction) ingest(ctx context.Context, in ingest.Input) (ingest.Output, error) {
	steps := in.Spec.TableSteps()
	if len(steps) == 0 {
		return ingest.Run(ctx, in)
	}
	// The parts of the first pass lie in a folder that ends with this try: only what the second one stores outlives it.
	store, once := in.Keep, in.Once
	in.Once = nil
	in.Keep = func(_ context.Context, path string) (dataset.Part, error) { return keepHere(in.Folder, path) }
	first, err := ingest.Run(ctx, in)
	if err != nil {
		return first, err
	}
	for i, part := range first.Quarantine.Parts {
		if first.Quarantine.Parts[i], err = store(ctx, filepath.Join(in.Folder, part.SHA256)); err != nil {
			return first, err
		}
		first.Quarantine.Parts[i].Rows = part.Rows
	}
	if len(first.Dataset.Parts) == 0 {
		return first, nil
	}
	say(ctx, "leaving rows out")
	left := filepath.Join(in.Folder, "left.parquet")
	paths := make([]string, len(first.Dataset.Parts))
	for i, part := range first.Dataset.Parts {
		paths[i] = filepath.Join(in.Folder, part.SHA256)
	}
	dropped, err := e.Warehouse.Reduce(ctx, paths, steps, in.Spec.Label.Column, left)
	if err != nil {
		return first, err
	}
	in.Keep, in.Once, in.Spec.Clean = store, once, nil // the values are clean
	reduced := []source.File{{Name: "the cleaned rows", Path: left}}
	if in.Rows, err = source.Open(ctx, pipeline.Relation{Parquet: &pipeline.Files{}}, reduced, source.Options{RowsPerSlice: e.rowsPerSlice}); err != nil {
		return first, err
	}
	defer in.Rows.Close()
	second, err := ingest.Run(ctx, in)
	for _, rows := range dropped {
		second.Dropped += rows
	}
	second.Quarantine, second.Later, second.Notes = first.Quarantine, first.Later, first.Notes
	kept := second.Checked // what is true of the rows that are left; all else was found before others were left out
	second.Checked = first.Checked
	second.Checked.Labelled, second.Checked.Positive, second.Checked.Kept, second.Checked.Missing = kept.Labelled, kept.Positive, kept.Kept, kept.Missing
	return second, err
}

// keepHere keeps a part in a folder, by its digest.
func keepHere(folder, path string) (dataset.Part, error) {
	digest, size, err := file.Digest(path)
	if err == nil {
		err = os.Rename(path, filepath.Join(folder, digest))
	}
	return dataset.Part{SHA256: digest, Bytes: size}, fault.Wrap(fault.Unavailable, err, "keeping a part")
}
