package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/train/logit"
)

// RegisterInput is the version to be. Its bundle and its other artifacts are those that the run has noted.
type RegisterInput struct {
	RunID           string                     `json:"run_id"`
	Model           string                     `json:"model"`
	Algorithm       string                     `json:"algorithm"`
	Hyperparameters json.RawMessage            `json:"hyperparameters"`
	Metrics         map[string]evaluate.Metric `json:"metrics"`
	SpecDigest      string                     `json:"spec_digest"`
	PipelineVersion int                        `json:"pipeline_version,omitempty"` // 0: the spec is of none
	SchemaVersion   int                        `json:"schema_version"`
	Source          string                     `json:"source"`
	AsOf            string                     `json:"as_of"`
	Rows            int64                      `json:"rows"`
	Code            registry.Code              `json:"code"` // that trained
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

// ChampionOutput is the champion and the one before it; nil where there is none.
type ChampionOutput struct {
	Champion *Rival `json:"champion,omitempty"`
	Previous *Rival `json:"previous,omitempty"`
	// Algorithm trained the champion, and First is what it found that its next training tries first: another algorithm understands nothing of it.
	Algorithm string          `json:"algorithm,omitempty"`
	First     json.RawMessage `json:"first,omitempty"`
}

// Summary is the number.
func (o ChampionOutput) Summary() string {
	if o.Champion == nil {
		return "there is no champion yet"
	}
	return fmt.Sprintf("version %d", o.Champion.Version)
}

// Models keeps versions.
type Models struct {
	Registry registry.Registry
	Objects  Objects
}

// Register writes a version; the same model under the same meaning of its label again is the version that is there. A version names nothing that is
// gone: whoever removes objects of the store may have been a moment faster than the run that noted one.
func (m *Models) Register(ctx context.Context, in RegisterInput) (RegisterOutput, error) {
	artifacts, err := m.Registry.RunArtifacts(ctx, in.RunID)
	if err != nil {
		return RegisterOutput{}, err
	}
	bundle, trained := artifacts[artifact.Bundle]
	if !trained {
		return RegisterOutput{}, fault.New(fault.Internal, "run %s has noted no model bundle; there is nothing to register", in.RunID)
	}
	for _, role := range slices.Sorted(maps.Keys(artifacts)) {
		there, err := m.Objects.Exists(ctx, artifacts[role])
		if err != nil {
			return RegisterOutput{}, err
		}
		if !there {
			return RegisterOutput{}, fault.New(fault.NotFound, "the %s of run %s is not in the store any more: %s; nothing is registered, and a new training makes it again", role, in.RunID, artifacts[role].URI)
		}
	}
	spec, err := specAt(ctx, m.Registry, in.Model, in.SpecDigest)
	if err != nil {
		return RegisterOutput{}, err
	}
	predictor, err := m.predictor(ctx, in)
	if err != nil {
		return RegisterOutput{}, err
	}
	registered, created, err := m.Registry.RegisterVersion(ctx, registry.ModelVersion{
		Name: in.Model, Digest: bundle.SHA256, Meaning: spec.Label.Meaning, Predictor: predictor, Bundle: bundle, Algorithm: in.Algorithm, Hyperparameters: in.Hyperparameters,
		Metrics: in.Metrics, Artifacts: artifacts, RunID: in.RunID,
		Lineage: registry.Lineage{
			SpecDigest: in.SpecDigest, Pipeline: in.PipelineVersion, Schema: in.SchemaVersion, Dataset: artifacts[artifact.Dataset].SHA256, Source: in.Source, AsOf: in.AsOf, Rows: in.Rows,
			Code: in.Code,
			Steps: map[string]string{
				ExtractData.Name: ExtractData.Version, ValidateData.Name: ValidateData.Version, ProfileData.Name: ProfileData.Version,
				SplitData.Name: SplitData.Version, TrainModel.Name: TrainModel.Version, EvaluateModel.Name: EvaluateModel.Version,
			},
		},
	})
	return RegisterOutput{Version: registered.Version, Digest: registered.Digest, Created: created}, err
}

// predictor is the image that the pipeline version was published with, in which alone its models were tried; empty where there is no version.
func (m *Models) predictor(ctx context.Context, in RegisterInput) (string, error) {
	if in.PipelineVersion == 0 {
		return "", nil
	}
	versions, err := m.Registry.PipelineVersions(ctx, in.Model)
	if err != nil {
		return "", err
	}
	for _, v := range versions {
		if v.Version == in.PipelineVersion {
			return v.Predictor, nil
		}
	}
	return "", fault.New(fault.NotFound, "the pipeline %s has no version %d", in.Model, in.PipelineVersion)
}

// FindChampion returns the champion and the one before it, as far as there are any.
func (m *Models) FindChampion(ctx context.Context, in ChampionInput) (out ChampionOutput, err error) {
	newest, err := m.Registry.Serving(ctx, in.Model, serving.Production)
	if err != nil || newest.Champion == nil {
		return out, err
	}
	champion, err := m.Registry.Version(ctx, in.Model, newest.Champion.Version)
	if err != nil {
		return out, err
	}
	if out.Champion, err = m.rival(ctx, champion); err != nil {
		return out, err
	}
	out.Algorithm, out.First = champion.Algorithm, logit.First(champion.Hyperparameters)
	if newest.Previous == nil || newest.Previous.Version == champion.Version {
		return out, nil
	}
	previous, err := m.Registry.Version(ctx, in.Model, newest.Previous.Version)
	if err != nil {
		return out, err
	}
	out.Previous, err = m.rival(ctx, previous)
	return out, err
}
