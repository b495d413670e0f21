package activities

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/ingest"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/simulate"
	"github.com/loanops/loanops/internal/source"
)

// rawFile is a file of a relation.
type rawFile struct {
	SHA256    string `json:"sha256"`
	Extension string `json:"extension"` // says how to read it
}

// opened is a relation whose files are on this machine.
type opened struct {
	relation
	name  string
	files []source.File
}

// fetch brings the files of every relation here.
func (e *Extraction) fetch(ctx context.Context, from pipeline.Source, in ExtractInput) ([]opened, error) {
	var all []opened
	relations := []relation{{Join: pipeline.Join{Relation: from.Relation}}}
	for _, join := range from.Join {
		relations = append(relations, relation{Join: join})
	}
	if in.Outcomes != nil {
		relations = append(relations, relation{Join: pipeline.Join{Relation: in.Outcomes.Relation}, Outcomes: &in.Outcomes.OutcomeColumns})
	}
	for _, r := range relations {
		o := opened{name: r.FilesURI(), relation: r}
		o.Relation = r.At("")
		if r.Postgres != nil {
			o.name = "PostgreSQL " + r.Postgres.Connection
			all = append(all, o)
			continue
		}
		uris, ok := in.Uploads[o.name]
		if !ok {
			var err error
			if uris, err = e.list(ctx, o.name); err != nil {
				return nil, err
			}
		}
		for _, uri := range uris {
			say(ctx, "fetching "+uri)
			path, digest, err := e.Cache.Objects.Fetch(ctx, uri, in.Limits.MaxBytes)
			if err != nil {
				return nil, err
			}
			o.Files = append(o.Files, rawFile{SHA256: digest, Extension: filepath.Ext(path)})
			o.files = append(o.files, source.File{Name: uri, Path: path})
		}
		all = append(all, o)
	}
	return all, nil
}

// list says which files a URI names, in the order in which they are read.
func (e *Extraction) list(ctx context.Context, uri string) ([]string, error) {
	if strings.HasPrefix(uri, "s3://") {
		if !strings.HasSuffix(uri, "/") {
			return []string{uri}, nil
		}
		found, err := e.Cache.Objects.List(ctx, uri)
		if err == nil && len(found) == 0 {
			err = fault.New(fault.NotFound, "%s: there are no objects", uri)
		}
		return found, err
	}
	files, err := e.Places.List(uri)
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path
	}
	return paths, err
}

// relate opens the base, or what comes of it where relations are joined or rows are left out: these need the whole of each relation. Outcomes count
// that became known before an instant; told is what was found in them, nil where there are none of their own.
func (e *Extraction) relate(ctx context.Context, spec pipeline.Spec, from []opened, before int64, folder string) (rows source.Relation, told *dataset.Outcomes, err error) {
	options := source.Options{RowsPerSlice: e.rowsPerSlice, MaxRows: spec.Limits.MaxRows, MaxBytes: spec.Limits.MaxBytes, Numbers: numbers(spec)}
	if len(from) == 1 && from[0].Where == "" {
		rows, err = e.open(ctx, &from[0], options)
		return rows, nil, err
	}
	staged := make([]source.Joined, len(from))
	for i := range from {
		say(ctx, "reading "+from[i].name)
		if from[i].Outcomes != nil {
			staged[i], told, err = e.settle(ctx, spec, &from[i], staged[0].Staged, before, folder, options)
		} else {
			staged[i], err = e.stage(ctx, &from[i], folder, i, options)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	say(ctx, "joining")
	joined := filepath.Join(folder, "joined.parquet")
	if err := e.Warehouse.Relate(ctx, staged[0].Staged, staged[1:], joined); err != nil {
		return nil, nil, err
	}
	rows, err = source.Open(ctx, pipeline.Relation{Parquet: &pipeline.Files{}}, []source.File{{Name: "the joined rows", Path: joined}}, source.Options{RowsPerSlice: e.rowsPerSlice})
	return rows, told, err
}

// open opens a relation's files or database.
func (e *Extraction) open(ctx context.Context, from *opened, options source.Options) (source.Relation, error) {
	if from.Postgres == nil {
		return source.Open(ctx, from.Relation, from.files, options)
	}
	url, err := e.Connection(from.Postgres.Connection)
	if err != nil {
		return nil, err
	}
	return source.OpenPostgres(ctx, from.Relation, url, options)
}

// stage writes a relation as Parquet files.
func (e *Extraction) stage(ctx context.Context, from *opened, folder string, number int, options source.Options) (source.Joined, error) {
	rows, err := e.open(ctx, from, options)
	if err != nil {
		return source.Joined{}, err
	}
	defer rows.Close()
	to, err := os.MkdirTemp(folder, "relation-")
	if err != nil {
		return source.Joined{}, fault.Wrap(fault.Unavailable, err, "making a folder for a relation")
	}
	paths, err := ingest.Stage(ctx, rows, to, number == 0)
	return source.Joined{
		Staged: source.Staged{Name: from.name, Paths: paths, Where: from.Where}, On: from.On, Kind: from.Kind, Cardinality: from.Cardinality,
	}, err
}

// numbers are the columns whose texts are numbers.
func numbers(spec pipeline.Spec) map[string]bool {
	are := map[string]bool{}
	for _, c := range spec.Columns {
		are[c.Name] = c.Type != pipeline.Category
	}
	for name, of := range spec.Types {
		are[name] = of == pipeline.Number || of == pipeline.Integer || of == pipeline.Decimal
	}
	return are
}

// folder makes one for files on their way.
func (e *Extraction) folder() (path string, remove func(), err error) {
	return scratch(e.Folder, "extraction")
}

// scratch makes a folder of its own below another one, which is made where it is absent.
func scratch(below, what string) (path string, remove func(), err error) {
	if err = os.MkdirAll(below, 0o700); err == nil {
		path, err = os.MkdirTemp(below, what+"-")
	}
	return path, func() { _ = os.RemoveAll(path) }, fault.Wrap(fault.Unavailable, err, "making a folder for the %s", what)
}

// simulate reads the simulated population: three tables as files, what a lender's systems would deliver.
func (e *Extraction) simulate(ctx context.Context, in extraction) (ExtractOutput, error) {
	asOf, err := day("as_of", in.AsOf)
	if err != nil {
		return ExtractOutput{}, err
	}
	folder, remove, err := e.folder()
	if err != nil {
		return ExtractOutput{}, err
	}
	defer remove()
	say(ctx, "simulating applicants")
	from, err := writeSimulated(folder, *in.Simulate, asOf)
	if err != nil {
		return ExtractOutput{}, err
	}
	return e.read(ctx, in, from, e.once(in))
}

func writeSimulated(folder string, cfg pipeline.Simulate, asOf time.Time) ([]opened, error) {
	applications, outcomes, protected := simulate.Generate(cfg, asOf)
	var all []opened
	for _, part := range []struct {
		name  string
		table dataset.Table
	}{{"applications", applications}, {"outcomes", outcomes}, {"protected", protected}} {
		o, err := written(folder, part.name, part.table)
		if err != nil {
			return nil, err
		}
		if len(all) > 0 {
			o.On = pipeline.Names{simulate.Entity}
		}
		all = append(all, o)
	}
	return all, nil
}

// written is a table as a relation of one file.
func written(folder, name string, t dataset.Table) (opened, error) {
	path := filepath.Join(folder, name+".parquet")
	o := opened{name: name, files: []source.File{{Name: name, Path: path}}}
	o.Parquet = &pipeline.Files{}
	return o, writeFile(path, t)
}

func writeFile(path string, t dataset.Table) error {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "writing simulated data")
	}
	defer out.Close()
	if err := dataset.WriteParquet(out, t); err != nil {
		return err
	}
	return fault.Wrap(fault.Unavailable, out.Close(), "writing simulated data")
}
