package activities

import (
	"context"
	"fmt"
	"strings"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
)

// SplitCheckInput is the parts that a split has written, and what it was to be.
type SplitCheckInput struct {
	Schema     artifact.Ref   `json:"schema"`
	Train      artifact.Ref   `json:"train"`
	Validation artifact.Ref   `json:"validation"`
	Test       artifact.Ref   `json:"test"`
	Split      pipeline.Split `json:"split"`
}

// SplitCheckOutput says what was compared between the parts. What crosses is an error and no result: no spec may allow it.
type SplitCheckOutput struct {
	Entities int `json:"entities,omitempty"` // different ones in all parts
	Groups   int `json:"groups,omitempty"`   // the same, of a split by group
	Contents int `json:"contents,omitempty"` // different rows, where there is no entity column
	Reused
}

// Summary says that nothing crosses, and of what.
func (o SplitCheckOutput) Summary() string {
	var compared []string
	for _, c := range []struct {
		n    int
		what string
	}{{o.Entities, "entities"}, {o.Groups, "groups"}, {o.Contents, "different rows"}} {
		if c.n > 0 {
			compared = append(compared, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return "nothing crosses: " + strings.Join(compared, ", ") + o.mark()
}

// Artifacts are none.
func (o SplitCheckOutput) Artifacts() map[string]artifact.Ref { return nil }

// CheckSplit holds the parts that were written against what their split promises.
func (c *Checking) CheckSplit(ctx context.Context, in SplitCheckInput) (SplitCheckOutput, error) {
	return cached(ctx, c.Cache, CheckSplit, in, c.checkSplit)
}

func (c *Checking) checkSplit(ctx context.Context, in SplitCheckInput) (SplitCheckOutput, error) {
	spec, err := getSchema(ctx, c.Cache.Objects, in.Schema)
	if err != nil {
		return SplitCheckOutput{}, err
	}
	spec.Split = in.Split
	check := dataset.NewSplitCheck(spec)
	var traces [3][]dataset.Traces
	for subset, ref := range []artifact.Ref{in.Train, in.Validation, in.Test} {
		rows, err := open(ctx, c.Cache.Objects, ref)
		if err != nil {
			return SplitCheckOutput{}, err
		}
		if traces[subset], err = collect(ctx, rows, check.Columns(rows.Columns), check.Trace); err != nil {
			return SplitCheckOutput{}, err
		}
	}
	kept, err := check.Judge(traces)
	return SplitCheckOutput{Entities: kept.Entities, Groups: kept.Groups, Contents: kept.Contents}, err
}
