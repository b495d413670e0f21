package feature

import (
	"path/filepath"

	"github.com/loanops/loanops/internal/pipeline"
)

// Locate makes the relative local paths of sources absolute: they are relative to the folder of the files, and whoever reads them may be elsewhere.
func (d *Definitions) Locate(folder string) {
	_ = d.Relocate(func(_, uri string) (string, error) {
		if filepath.IsAbs(uri) {
			return uri, nil
		}
		return filepath.Join(folder, uri), nil
	})
}

// Relocate puts what to says in place of the local paths of views' sources. It ends at the first error.
func (d *Definitions) Relocate(to func(view, uri string) (string, error)) error {
	for i := range d.Views {
		source := d.Views[i].Source
		if source == nil || !source.Local() {
			continue
		}
		uri, err := to(d.Views[i].Name, source.FilesURI())
		if err != nil {
			return err
		}
		moved := *source
		switch {
		case source.CSV != nil:
			csv := *source.CSV
			csv.URI, moved.CSV = uri, &csv
		case source.Parquet != nil:
			moved.Parquet = &pipeline.Files{URI: uri}
		case source.JSONL != nil:
			moved.JSONL = &pipeline.Files{URI: uri}
		default:
			moved.URI = uri
		}
		d.Views[i].Source = &moved
	}
	return nil
}
