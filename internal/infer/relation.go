package infer

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// delimiters are those that are tried, the likeliest first.
var delimiters = []string{"", ";", `\t`, "|"}

// triedRows is on how many rows a delimiter is tried.
const triedRows = 100

// relation lists the files and finds how they are written.
func relation(ctx context.Context, in Input) (pipeline.Relation, []source.File, error) {
	var files []source.File
	for _, uri := range in.URIs {
		if strings.Contains(uri, "://") {
			return pipeline.Relation{}, nil, fault.New(fault.Invalid, "%s: a file, a folder or a glob of this machine is wanted", uri)
		}
		found, err := source.List(uri)
		if err != nil {
			return pipeline.Relation{}, nil, err
		}
		files = append(files, found...)
	}
	r := pipeline.Relation{URI: together(in.URIs, files)}
	if delimited(files) {
		r = pipeline.Relation{CSV: &pipeline.CSV{Files: pipeline.Files{URI: r.URI}, Encoding: in.Encoding}}
	}
	kind, err := source.KindOf(r, files)
	if err != nil {
		return r, nil, err
	}
	if kind != ".csv" {
		if in.Encoding != "" {
			return r, nil, fault.New(fault.Invalid, "--encoding is for CSV files")
		}
		return r, files, nil
	}
	delimiter, err := delimiterOf(ctx, files[0], in.Encoding)
	if err == nil && (delimiter != "" || in.Encoding != "" || r.CSV != nil) {
		r = pipeline.Relation{CSV: &pipeline.CSV{Files: pipeline.Files{URI: r.FilesURI()}, Delimiter: delimiter, Encoding: in.Encoding}}
	}
	return r, files, err
}

// delimited says that the files have names that delimited text has beside .csv.
func delimited(files []source.File) bool {
	return !slices.ContainsFunc(files, func(f source.File) bool {
		extension := filepath.Ext(strings.TrimSuffix(strings.ToLower(f.Name), ".gz"))
		return !slices.Contains([]string{".tsv", ".tab", ".psv", ".txt"}, extension)
	})
}

// delimiterOf is the delimiter by which the header has the most fields, of those by which the first rows have as many if there are any. A header
// that cannot be read with commas, and has one field with any other delimiter, stays with commas, so that what is wrong is told of these.
func delimiterOf(ctx context.Context, file source.File, encoding string) (string, error) {
	best, most, fitting := "", 0, false
	for _, delimiter := range delimiters {
		columns, fits, err := fields(ctx, file, pipeline.CSV{Delimiter: delimiter, Encoding: encoding})
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if err != nil && delimiter == "" {
			most = 1 // it is said when all is read
		}
		fits = fits && columns > 1
		if err == nil && (fits && !fitting || fits == fitting && columns > most) {
			best, most, fitting = delimiter, columns, fits
		}
	}
	return best, nil
}

// fields is how many fields the header has, and whether the first rows have as many.
func fields(ctx context.Context, file source.File, csv pipeline.CSV) (columns int, fits bool, err error) {
	options := source.Options{RowsPerSlice: triedRows, MaxBytes: pipeline.DefaultLimits().MaxBytes}
	rows, err := source.Open(ctx, pipeline.Relation{CSV: &csv}, []source.File{file}, options)
	if err != nil {
		return 0, false, err
	}
	defer rows.Close()
	columns = len(rows.Columns())
	slice, err := rows.Next(ctx)
	if err != nil {
		return columns, errors.Is(err, io.EOF), nil
	}
	batch, err := slice.Decode(ctx)
	if err == nil {
		batch.Release()
	}
	return columns, err == nil, nil
}

// together is one URI for all files: the one that was given, the folder that holds just these files, or a pattern that names just these; else the
// first, to be amended.
func together(uris []string, files []source.File) string {
	if len(uris) == 1 {
		return uris[0]
	}
	folder := filepath.Dir(files[0].Name)
	prefix, suffix := files[0].Name, files[0].Name
	for _, f := range files {
		for !strings.HasPrefix(f.Name, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
		for !strings.HasSuffix(f.Name, suffix) {
			suffix = suffix[1:]
		}
	}
	for _, uri := range []string{prefix + "*" + suffix, folder} {
		if found, err := source.List(uri); err == nil && slices.Equal(names(found), names(files)) {
			return uri
		}
	}
	return uris[0]
}

func names(files []source.File) []string {
	all := make([]string, len(files))
	for i, f := range files {
		all[i] = filepath.Clean(f.Name)
	}
	slices.Sort(all)
	return all
}

var nameStrange = regexp.MustCompile(`[^a-z0-9]+`)

// specName is the pipeline's name: the one that was given, or what is left of letters, digits and dashes of the file's name, of several the folder's.
func specName(given string, files []source.File) (string, error) {
	if given != "" {
		if !pipeline.ValidName(given) {
			return "", fault.New(fault.Invalid, "--name %q; lower-case letters, digits and dashes are wanted, a letter first, at most 40", given)
		}
		return given, nil
	}
	from := files[0].Name
	if folder := filepath.Dir(from); len(files) > 1 && !slices.Contains([]string{".", "..", "/"}, folder) {
		from = folder
	}
	base, _, _ := strings.Cut(filepath.Base(from), ".")
	name := strings.Trim(nameStrange.ReplaceAllString(strings.ToLower(base), "-"), "-")
	if name == "" || name[0] < 'a' {
		name = strings.TrimRight("data-"+name, "-")
	}
	return strings.TrimRight(name[:min(len(name), 40)], "-"), nil
}
