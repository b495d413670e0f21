package activities

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
)

// Objects is the object store, see artifact.Store.
type Objects interface {
	// Put keeps data under its digest; writing twice is the same as once.
	Put(ctx context.Context, data []byte, mediaType, ext string) (artifact.Ref, error)
	// PutFile does the same with a file's content.
	PutFile(ctx context.Context, path, mediaType, ext string) (artifact.Ref, error)
	// At is the reference of an object with that digest.
	At(digest string, bytes int64, mediaType, ext string) artifact.Ref
	// List returns the objects below s3://bucket/prefix/.
	List(ctx context.Context, uri string) ([]string, error)
	// Get returns the verified bytes.
	Get(ctx context.Context, ref artifact.Ref) ([]byte, error)
	// Path returns a local, verified file.
	Path(ctx context.Context, ref artifact.Ref) (string, error)
	Exists(ctx context.Context, ref artifact.Ref) (bool, error)
	// Fetch brings a user's file (a local path or s3://) here.
	Fetch(ctx context.Context, uri string, maxBytes int64) (path, sha256 string, err error)
}

const (
	parquetType = "application/vnd.apache.parquet"
	datasetType = "application/vnd.loanops.dataset+json"
	sliceType   = "application/vnd.loanops.slice"
	jsonType    = "application/json"
	htmlType    = "text/html; charset=utf-8"
	bundleType  = "application/vnd.loanops.model"
	treeType    = "application/vnd.loanops.tree+tar"
	textType    = "text/plain; charset=utf-8"
	rawType     = "application/octet-stream"
)

func putJSON(ctx context.Context, objects Objects, value any) (artifact.Ref, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return artifact.Ref{}, fault.Wrap(fault.Internal, err, "encoding %T", value)
	}
	return objects.Put(ctx, data, jsonType, "json")
}

func putManifest(ctx context.Context, objects Objects, m dataset.Manifest) (artifact.Ref, error) {
	data, err := m.Encode()
	if err != nil {
		return artifact.Ref{}, err
	}
	return objects.Put(ctx, data, datasetType, "json")
}

// manifest reads that of a dataset, and where its parts are in the store.
func manifest(ctx context.Context, objects Objects, ref artifact.Ref) (dataset.Manifest, []artifact.Ref, error) {
	data, err := objects.Get(ctx, ref)
	if err != nil {
		return dataset.Manifest{}, nil, err
	}
	m, err := dataset.DecodeManifest(data)
	refs := make([]artifact.Ref, len(m.Parts))
	for i, part := range m.Parts {
		refs[i] = objects.At(part.SHA256, part.Bytes, parquetType, "parquet")
	}
	return m, refs, err
}

// PartsOf are the parts of a dataset by the names that they have as files: test.parquet for a role of test, or where there are several
// test-0000.parquet and so on. Any other object has none.
func PartsOf(ctx context.Context, objects Objects, role string, ref artifact.Ref) (map[string]artifact.Ref, error) {
	if ref.MediaType != datasetType {
		return nil, nil
	}
	_, refs, err := manifest(ctx, objects, ref)
	parts := map[string]artifact.Ref{}
	for i, part := range refs {
		name := role + ".parquet"
		if len(refs) > 1 {
			name = fmt.Sprintf("%s-%04d.parquet", role, i)
		}
		parts[name] = part
	}
	return parts, err
}

// parts are where the parts of a dataset are on this machine.
func parts(ctx context.Context, objects Objects, ref artifact.Ref) (dataset.Manifest, []string, error) {
	m, refs, err := manifest(ctx, objects, ref)
	if err != nil {
		return m, nil, err
	}
	paths := make([]string, len(refs))
	for i, part := range refs {
		if paths[i], err = objects.Path(ctx, part); err != nil {
			return m, nil, err
		}
	}
	return m, paths, nil
}

// rowParts are the parts of a dataset on this machine.
type rowParts struct {
	dataset.Manifest
	paths []string
}

func open(ctx context.Context, objects Objects, ref artifact.Ref) (rowParts, error) {
	m, paths, err := parts(ctx, objects, ref)
	return rowParts{m, paths}, err
}

// columns are those of the dataset, read when they are asked for.
func (r rowParts) columns() dataset.Columns { return dataset.ColumnsIn(r.Manifest, r.paths) }

// collect reads the named columns of every part and keeps what take makes of it, in the order of the parts.
func collect[T any](ctx context.Context, rows rowParts, columns []string, take func(dataset.Table) (T, error)) ([]T, error) {
	taken := make([]T, len(rows.paths))
	return taken, dataset.Each(ctx, rows.Manifest, rows.paths, columns, func(part, _ int, t dataset.Table) error {
		var err error
		taken[part], err = take(t)
		return err
	})
}

// ReadTable brings a dataset into memory.
func ReadTable(ctx context.Context, objects Objects, ref artifact.Ref) (dataset.Table, error) {
	return readColumns(ctx, objects, ref, nil)
}

// readColumns brings columns of a dataset into memory; nil is all of them.
func readColumns(ctx context.Context, objects Objects, ref artifact.Ref, columns []string) (dataset.Table, error) {
	rows, err := open(ctx, objects, ref)
	if err != nil {
		return dataset.Table{}, err
	}
	return dataset.Read(ctx, rows.Manifest, rows.paths, columns)
}

func getModel(ctx context.Context, objects Objects, ref artifact.Ref) (*model.Model, error) {
	data, err := objects.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	return model.Decode(data, ref.SHA256)
}

func getJSON[T any](ctx context.Context, objects Objects, ref artifact.Ref) (T, error) {
	var value T
	data, err := objects.Get(ctx, ref)
	if err != nil {
		return value, err
	}
	return value, fault.Wrap(fault.Invalid, json.Unmarshal(data, &value), "decoding %s", ref.URI)
}

func getGolden(ctx context.Context, objects Objects, ref artifact.Ref) (model.Golden, error) {
	golden, err := getJSON[model.Golden](ctx, objects, ref)
	if err == nil && len(golden.Rows) == 0 {
		err = fault.New(fault.Invalid, "golden predictions %s hold no rows", ref.URI)
	}
	return golden, err
}
