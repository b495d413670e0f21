package activities

import (
	"context"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
)

// trainedUnder is the schema that a version was trained under. Its label is what the scores are about: scores of versions of other labels are not compared.
// Versions that have no schema are older than schemas are, and like no label.
func trainedUnder(ctx context.Context, objects Objects, v registry.ModelVersion) (pipeline.Spec, error) {
	ref := v.Artifacts[artifact.Schema]
	if ref.SHA256 == "" {
		return pipeline.Spec{}, nil
	}
	return getSchema(ctx, objects, ref)
}
