// Command ingest is LoanOps' side of the comparison with other systems: it writes the rows that all of them read, and takes them from CSV to a
// validated, described dataset of Parquet parts.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/ingest"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/sha256hex"
	"github.com/loanops/loanops/internal/source"
	"github.com/loanops/loanops/tests/peers/rows"
)

func main() {
	generate := flag.Int("generate", 0, "write so many `rows` in place of reading")
	workers := flag.Int("workers", 0, "slices worked on at once (default: one per processor)")
	flag.Parse()
	var err error
	if *generate > 0 {
		err = rows.Write(flag.Arg(0), *generate, false)
	} else {
		err = measure(flag.Arg(0), *workers)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// measure says what became of the file, and how long it took.
func measure(path string, workers int) error {
	folder, err := os.MkdirTemp("", "loanops-peers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	began := time.Now()
	made, err := read(path, folder, workers)
	if err != nil {
		return err
	}
	manifest, err := made.Dataset.Encode()
	if err != nil {
		return err
	}
	fmt.Printf("%d rows, %d break a rule, %d columns described, manifest %.12s, %.1f s\n",
		made.Dataset.Rows, made.Checked.Failing, len(made.Profile.Columns), sha256hex.Of(manifest), time.Since(began).Seconds())
	return nil
}

// read takes the file to a dataset whose every column has been checked: numbers by range, categories by domain, none missing. Its parts are in the folder
// under their digests.
func read(path, folder string, workers int) (ingest.Output, error) {
	spec := pipeline.Spec{Name: "peers", Label: pipeline.Label{Column: "c3", Positive: "1", Negative: "0"}}
	low, high := 0.0, 1e10
	for i := range 12 {
		spec.Columns = append(spec.Columns, pipeline.Column{Name: fmt.Sprintf("f%d", i), Type: pipeline.Number, Min: &low, Max: &high})
	}
	for i := range 4 {
		spec.Columns = append(spec.Columns, pipeline.Column{Name: fmt.Sprintf("i%d", i), Type: pipeline.Integer, Min: &low, Max: &high})
	}
	for i, domain := range rows.Categories[:3] {
		spec.Columns = append(spec.Columns, pipeline.Column{Name: fmt.Sprintf("c%d", i), Type: pipeline.Category, Domain: domain})
	}
	rows, err := source.Open(context.Background(), pipeline.Relation{URI: path}, []source.File{{Name: path, Path: path}}, source.Options{})
	if err != nil {
		return ingest.Output{}, err
	}
	defer rows.Close()
	return ingest.Run(context.Background(), ingest.Input{
		Spec: spec, Rows: rows, KnownAt: time.Now(), Folder: folder, Workers: workers, Progress: func(int64) {},
		Keep: func(_ context.Context, part string) (dataset.Part, error) {
			digest, size, err := file.Digest(part)
			if err == nil {
				err = os.Rename(part, filepath.Join(folder, digest))
			}
			return dataset.Part{SHA256: digest, Bytes: size}, err
		},
	})
}
