package activities

import (
	"context"
	"encoding/json"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
)

// Objects is the object store, see artifact.Store.
type Objects interface {
	// Put keeps data under its digest; writing twice is the same as once.
	Put(ctx context.Context, data []byte, mediaType, ext string) (artifact.Ref, error)
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
	jsonType    = "application/json"
	htmlType    = "text/html; charset=utf-8"
	bundleType  = "application/vnd.loanops.model"
)

func putJSON(ctx context.Context, objects Objects, value any) (artifact.Ref, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return artifact.Ref{}, fault.Wrap(fault.Internal, err, "encoding %T", value)
	}
	return objects.Put(ctx, data, jsonType, "json")
}

func putTable(ctx context.Context, objects Objects, t dataset.Table) (artifact.Ref, error) {
	data, err := dataset.WriteParquet(t)
	if err != nil {
		return artifact.Ref{}, err
	}
	return objects.Put(ctx, data, parquetType, "parquet")
}

func getTable(ctx context.Context, objects Objects, ref artifact.Ref) (dataset.Table, error) {
	data, err := objects.Get(ctx, ref)
	if err != nil {
		return dataset.Table{}, err
	}
	return dataset.ReadParquet(data)
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
