package activities

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// RegisterInput is the version to be. Its bundle and its other artifacts are those that the run has noted.
type RegisterInput struct {
	RunID           string                     `json:"run_id"`
	Model           string                     `json:"model"`
	Algorithm       string                     `json:"algorithm"`
	Hyperparameters json.RawMessage            `json:"hyperparameters"`
	Metrics         map[string]registry.Metric `json:"metrics"`
	SpecDigest      string                     `json:"spec_digest"`
	SchemaVersion   int                        `json:"schema_version"`
	Source          string                     `json:"source"`
	AsOf            string                     `json:"as_of"`
	Rows            int64                      `json:"rows"`
}

// RegisterOutput is the version that is.
type RegisterOutput struct {
	Version int    `json:"version"`
	Digest  string `json:"digest"`
	Created bool   `json:"created"` // false: the same model was registered before
}

// Summary is the number.
func (o RegisterOutput) Summary() string { return fmt.Sprintf("version %d", o.Version) }

// ChampionInput names a model.
type ChampionInput struct {
	Model string `json:"model"`
}

// ChampionOutput is the champion's bundle, nil when there is no champion, and what its scores mean.
type ChampionOutput struct {
	Version int              `json:"version"`
	Bundle  *artifact.Ref    `json:"bundle"`
	Meaning pipeline.Meaning `json:"meaning"`
}

// Summary is the number.
func (o ChampionOutput) Summary() string { return fmt.Sprintf("version %d", o.Version) }

// Models keeps versions.
type Models struct {
	Registry registry.Registry
}

// Register writes a version; the same model under the same meaning of its label again is the version that is there.
func (m *Models) Register(ctx context.Context, in RegisterInput) (RegisterOutput, error) {
	artifacts, err := m.Registry.RunArtifacts(ctx, in.RunID)
	if err != nil {
		return RegisterOutput{}, err
	}
	bundle, trained := artifacts[artifact.Bundle]
	if !trained {
		return RegisterOutput{}, fault.New(fault.Internal, "run %s has noted no model bundle; there is nothing to register", in.RunID)
	}
	spec, err := specAt(ctx, m.Registry, in.Model, in.SpecDigest)
	if err != nil {
		return RegisterOutput{}, err
	}
	registered, created, err := m.Registry.RegisterVersion(ctx, registry.ModelVersion{
		Name: in.Model, Digest: bundle.SHA256, Meaning: spec.Label.Meaning, Bundle: bundle, Algorithm: in.Algorithm, Hyperparameters: in.Hyperparameters,
		Metrics: in.Metrics, Artifacts: artifacts, RunID: in.RunID,
		Lineage: registry.Lineage{
			SpecDigest: in.SpecDigest, Schema: in.SchemaVersion, Dataset: artifacts[artifact.Dataset].SHA256, Source: in.Source, AsOf: in.AsOf, Rows: in.Rows,
			Steps: map[string]string{
				ExtractData.Name: ExtractData.Version, ValidateData.Name: ValidateData.Version, ProfileData.Name: ProfileData.Version,
				SplitData.Name: SplitData.Version, TrainModel.Name: TrainModel.Version, EvaluateModel.Name: EvaluateModel.Version,
			},
		},
	})
	return RegisterOutput{Version: registered.Version, Digest: registered.Digest, Created: created}, err
}

// FindChampion returns the champion, if there is one.
func (m *Models) FindChampion(ctx context.Context, in ChampionInput) (ChampionOutput, error) {
	newest, err := m.Registry.Serving(ctx, in.Model, serving.Production)
	if err != nil || newest.Champion == nil {
		return ChampionOutput{}, err
	}
	champion, err := m.Registry.Version(ctx, in.Model, newest.Champion.Version)
	return ChampionOutput{Version: champion.Version, Bundle: &champion.Bundle, Meaning: champion.Meaning}, err
}
