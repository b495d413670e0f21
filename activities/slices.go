package activities

import (
	"context"
	"fmt"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ingest"
)

// finishedSlice is the identity of kept slices in the step cache. It is no activity: ExtractData makes many of them.
var finishedSlice = Step[sliceInput, sliceOutput]{Name: ExtractData.Name + " slice", Version: ExtractData.Version + "." + ingest.Version}

// sliceInput is all that a slice is a function of: what its dataset is, and which of its slices it is. How many rows a slice has depends on the columns
// alone.
type sliceInput struct {
	extraction
	First int64 `json:"first"` // its first row, from 0
}

// sliceOutput is what came of a slice: its state, and the parts that this names.
type sliceOutput struct {
	State artifact.Ref   `json:"state"`
	Parts []artifact.Ref `json:"parts"`
	Reused
}

// Summary says where the slice was from.
func (o sliceOutput) Summary() string { return "a slice" + o.mark() }

// Artifacts are all of its objects: without one of them the slice is made again.
func (o sliceOutput) Artifacts() map[string]artifact.Ref {
	made := map[string]artifact.Ref{"state": o.State}
	for i, part := range o.Parts {
		made[fmt.Sprintf("part%d", i)] = part
	}
	return made
}

// keepSlices is how a run's slices are kept, see ingest.Input.
type keepSlices func(ctx context.Context, first int64, work func(context.Context) (ingest.Finished, error)) ([]byte, error)

// once keeps finished slices of an extraction in the step cache, so that a run whose worker dies goes on where it was: its source is cut again, which
// is cheap, and slices that are there are not worked on. Nil is for work that is not begun again.
func (e *Extraction) once(of extraction) keepSlices {
	if !e.Resumes {
		return nil
	}
	return func(ctx context.Context, first int64, work func(context.Context) (ingest.Finished, error)) ([]byte, error) {
		var made ingest.Finished
		out, err := cached(ctx, e.Cache, finishedSlice, sliceInput{of, first}, func(ctx context.Context, _ sliceInput) (out sliceOutput, err error) {
			if made, err = work(ctx); err != nil {
				return out, err
			}
			for _, part := range made.Parts {
				out.Parts = append(out.Parts, e.Cache.Objects.At(part.SHA256, part.Bytes, parquetType, "parquet"))
			}
			out.State, err = e.Cache.Objects.Put(ctx, made.State, sliceType, "slice")
			return out, err
		})
		if err != nil || !out.Cached {
			return made.State, err
		}
		return e.again(ctx, out)
	}
}

// again puts the objects of a slice that is taken from an earlier try, and returns its state. Those that are old are then written anew: nothing names them
// before the run does, and what nothing names is removed for its age.
func (e *Extraction) again(ctx context.Context, of sliceOutput) ([]byte, error) {
	for _, part := range of.Parts {
		path, err := e.Cache.Objects.Path(ctx, part)
		if err != nil {
			return nil, err
		}
		if _, err := e.Cache.Objects.PutFile(ctx, path, parquetType, "parquet"); err != nil {
			return nil, err
		}
	}
	state, err := e.Cache.Objects.Get(ctx, of.State)
	if err != nil {
		return nil, err
	}
	_, err = e.Cache.Objects.Put(ctx, state, sliceType, "slice")
	return state, err
}
