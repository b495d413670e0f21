package cli

import (
	"context"
	"encoding/json"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/lineage"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/workflows"
)

// memory is what is kept of a model as a whole. It is read once, however many versions are asked about.
type memory struct {
	registry   registry.Registry
	store      *artifact.Store
	schemas    []registry.SchemaVersion // newest first
	deliveries []registry.Run           // oldest first, without their steps
	staging    []serving.Record         // oldest first
	production []serving.Record
}

func memoryOf(ctx context.Context, reg registry.Registry, s settings.Settings, model string) (m memory, err error) {
	m.registry = reg
	if m.store, err = objects(ctx, s); err != nil {
		return m, err
	}
	if m.schemas, err = reg.SchemaVersions(ctx, model); err != nil {
		return m, err
	}
	runs, err := reg.Runs(ctx, model, math.MaxInt32)
	for _, run := range slices.Backward(runs) {
		if run.Type == workflows.ContinuousDeliveryName {
			m.deliveries = append(m.deliveries, run)
		}
	}
	if err != nil {
		return m, err
	}
	if m.staging, err = reg.ServingHistory(ctx, model, serving.Staging); err != nil {
		return m, err
	}
	m.production, err = reg.ServingHistory(ctx, model, serving.Production)
	return m, err
}

// registeredBy is the run that registered a version; nil where it was not recorded.
func registeredBy(ctx context.Context, reg registry.Registry, v registry.ModelVersion) (*registry.Run, error) {
	return ifFound(reg.Run(ctx, v.RunID))
}

// ifFound is what the registry keeps; nil where it does not, which is no error.
func ifFound[T any](kept T, err error) (*T, error) {
	switch {
	case fault.CodeOf(err) == fault.NotFound:
		return nil, nil //nolint:nilnil // as said
	case err != nil:
		return nil, err
	}
	return &kept, nil
}

// lineage brings together what the registry and the store know of a version that run registered.
func (m memory) lineage(ctx context.Context, v registry.ModelVersion, run *registry.Run) (lineage.Document, error) {
	d := lineage.Document{
		Model: v.Name, Version: v.Version, Digest: v.Digest, Meaning: v.Meaning, CreatedAt: v.CreatedAt, Bundle: v.Bundle, Algorithm: v.Algorithm,
		Hyperparameters: v.Hyperparameters, Metrics: v.Metrics, Code: v.Lineage.Code, Steps: v.Lineage.Steps, AsOf: v.Lineage.AsOf, Source: v.Lineage.Source,
		Artifacts: v.Artifacts, Spec: lineage.Spec{Digest: v.Lineage.SpecDigest}, PipelineVersion: v.Lineage.Pipeline, Predictor: v.Predictor, Schema: lineage.Schema{Version: v.Lineage.Schema, Ref: v.Artifacts[artifact.Schema]},
		Run: run, Views: []dataset.View{}, Parts: []lineage.Part{}, Deliveries: m.deliveriesOf(v),
		Records: append(lineage.Serving(m.staging, v.Version), lineage.Serving(m.production, v.Version)...),
	}
	for _, s := range m.schemas {
		if s.Version == v.Lineage.Schema {
			d.Schema = lineage.Schema{Version: s.Version, Parent: s.Parent, Ref: s.Schema, Changes: s.Changes, Acceptances: s.Acceptances}
		}
	}
	spec, err := m.registry.PipelineAt(ctx, v.Name, v.Lineage.SpecDigest)
	if err != nil && fault.CodeOf(err) != fault.NotFound {
		return d, err
	}
	d.Spec.CreatedAt = spec.CreatedAt
	return d, m.addRows(ctx, v, &d)
}

// deliveriesOf are the deliveries that were about the version, by what their results say.
func (m memory) deliveriesOf(v registry.ModelVersion) []lineage.Delivery {
	about := []lineage.Delivery{}
	for _, run := range m.deliveries {
		var ended workflows.Result
		if json.Unmarshal(run.Result, &ended) != nil || ended.Model.Version != v.Version {
			continue
		}
		about = append(about, lineage.Delivery{
			RunID: run.ID, Trigger: run.Trigger, StartedAt: run.StartedAt, EndedAt: run.EndedAt, Verdict: run.Verdict, Reasons: ended.Reasons,
		})
	}
	return about
}

// addRows reads the manifests of its datasets, and what they were read from.
func (m memory) addRows(ctx context.Context, v registry.ModelVersion, d *lineage.Document) error {
	for _, role := range []string{artifact.Dataset, artifact.Train, artifact.Validation, artifact.Test, artifact.Quarantine} {
		ref, made := v.Artifacts[role]
		if !made {
			continue
		}
		data, err := m.store.Get(ctx, ref)
		if err != nil {
			return err
		}
		manifest, err := dataset.DecodeManifest(data)
		if err != nil {
			return err
		}
		part := lineage.Part{Role: role, Manifest: ref, Rows: manifest.Rows, Columns: len(manifest.Columns), Files: []lineage.File{}}
		for _, p := range manifest.Parts {
			part.Files = append(part.Files, lineage.File{URI: m.store.At(p.SHA256, p.Bytes, "", "parquet").URI, SHA256: p.SHA256, Bytes: p.Bytes})
		}
		if role == artifact.Dataset {
			d.Dataset, d.Views = part, append(d.Views, manifest.Views...)
		} else {
			d.Parts = append(d.Parts, part)
		}
	}
	if ref, kept := v.Artifacts[artifact.Sources]; kept {
		data, err := m.store.Get(ctx, ref)
		if err != nil {
			return err
		}
		return fault.Wrap(fault.Internal, json.Unmarshal(data, &d.Sources), "reading %s", ref.URI)
	}
	return nil
}
