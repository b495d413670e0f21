package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/pipelines"
)

// objects is an object store in memory.
type objects struct {
	mu    sync.Mutex
	bytes map[string][]byte
	puts  int
}

func newObjects() *objects { return &objects{bytes: map[string][]byte{}} }

func (o *objects) Put(_ context.Context, data []byte, mediaType, ext string) (artifact.Ref, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	o.bytes[digest] = data
	o.puts++
	return artifact.Ref{URI: "s3://test/" + digest + "." + ext, SHA256: digest, Bytes: int64(len(data)), MediaType: mediaType}, nil
}

func (o *objects) Get(_ context.Context, ref artifact.Ref) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	data, ok := o.bytes[ref.SHA256]
	if !ok {
		return nil, fault.New(fault.NotFound, "no object %s", ref.URI)
	}
	return data, nil
}

func (o *objects) Exists(ctx context.Context, ref artifact.Ref) (bool, error) {
	_, err := o.Get(ctx, ref)
	return err == nil, nil
}

func (o *objects) Path(context.Context, artifact.Ref) (string, error) { return "/bundle", nil }

func (o *objects) Fetch(_ context.Context, uri string, _ int64) (path, digest string, err error) {
	data, err := os.ReadFile(uri)
	sum := sha256.Sum256(data)
	return uri, hex.EncodeToString(sum[:]), err
}

// memory is a registry in memory, as far as the activities need one; the rest of the interface is nil.
type memory struct {
	registry.Registry
	specs    map[string]registry.PipelineSpec
	steps    map[string]registry.CachedStep
	versions []registry.ModelVersion
	aliases  map[string]int
	runs     []registry.Run
}

func newMemory() *memory {
	return &memory{specs: map[string]registry.PipelineSpec{}, steps: map[string]registry.CachedStep{}, aliases: map[string]int{}}
}

func (m *memory) PutPipeline(_ context.Context, spec registry.PipelineSpec) error {
	m.specs[spec.Name] = spec
	return nil
}

func (m *memory) Pipeline(_ context.Context, name string) (registry.PipelineSpec, error) {
	if spec, ok := m.specs[name]; ok {
		return spec, nil
	}
	return registry.PipelineSpec{}, fault.New(fault.NotFound, "no pipeline %q", name)
}

func (m *memory) CachedStep(_ context.Context, key string) (registry.CachedStep, error) {
	if step, ok := m.steps[key]; ok {
		return step, nil
	}
	return registry.CachedStep{}, fault.New(fault.NotFound, "no step %s", key)
}

func (m *memory) PutCachedStep(_ context.Context, step registry.CachedStep) error {
	m.steps[step.Key] = step
	return nil
}

func (m *memory) RegisterVersion(_ context.Context, v registry.ModelVersion) (registry.ModelVersion, bool, error) {
	for _, known := range m.versions {
		if known.Digest == v.Digest {
			return known, false, nil
		}
	}
	v.Version = len(m.versions) + 1
	m.versions = append(m.versions, v)
	return v, true, nil
}

func (m *memory) Version(_ context.Context, name string, version int) (registry.ModelVersion, error) {
	if version < 1 || version > len(m.versions) {
		return registry.ModelVersion{}, fault.New(fault.NotFound, "%s has no version %d", name, version)
	}
	return m.versions[version-1], nil
}

func (m *memory) Versions(context.Context, string) ([]registry.ModelVersion, error) {
	newest := make([]registry.ModelVersion, 0, len(m.versions))
	for i := range m.versions {
		newest = append(newest, m.versions[len(m.versions)-1-i])
	}
	return newest, nil
}

func (m *memory) Aliases(context.Context, string) (map[string]int, error) { return m.aliases, nil }

func (m *memory) PutRun(_ context.Context, run registry.Run) error {
	m.runs = append(m.runs, run)
	return nil
}

// tables reads and joins Parquet files without DuckDB.
type tables struct{ extractions int }

func (w *tables) Extract(_ context.Context, spec pipeline.Spec, base string, joins []string, _ time.Time) (dataset.Table, error) {
	w.extractions++
	table, err := readFile(base)
	for _, path := range joins {
		if err != nil {
			return table, err
		}
		var other dataset.Table
		other, err = readFile(path)
		table = table.Join(other, spec.Entity)
	}
	return table, err
}

func readFile(path string) (dataset.Table, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return dataset.Table{}, err
	}
	return dataset.ReadParquet(data)
}

func (w *tables) Profile(_ context.Context, t dataset.Table, _ pipeline.Spec) (profile, page []byte, err error) {
	return fmt.Appendf(nil, `{"rows":%d}`, t.Rows()), []byte("<html>"), nil
}

// bench is every stage over memory.
type bench struct {
	objects  *objects
	registry *memory
	tables   *tables
	stages   Stages
	spec     pipeline.Spec
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{objects: newObjects(), registry: newMemory(), tables: &tables{}}
	m := Memory{Registry: b.registry, Objects: b.objects}
	b.stages = Stages{
		Pipelines:  Pipelines{Registry: b.registry, BuiltIn: pipelines.FS},
		Extraction: Extraction{Memory: m, Warehouse: b.tables},
		Checking:   Checking{Memory: m, Warehouse: b.tables},
		Training:   Training{Memory: m},
		Evaluation: Evaluation{Memory: m, Page: func(evaluate.Evaluation, *model.Model) ([]byte, error) { return []byte("<html>"), nil }},
		Models:     Models{Registry: b.registry},
	}
	loaded, err := b.stages.Pipelines.Load(t.Context(), PipelineInput{Pipeline: "loan-eligibility"})
	require.NoError(t, err)
	b.spec = loaded.Spec
	b.spec.Source.Simulate.Rows = 3000
	return b
}

// parts runs the steps before training.
func (b *bench) parts(t *testing.T) SplitOutput {
	t.Helper()
	extracted, err := b.stages.Extraction.Extract(t.Context(), ExtractInput{Spec: b.spec})
	require.NoError(t, err)
	split, err := b.stages.Checking.Split(t.Context(), DatasetInput{Spec: b.spec, Dataset: extracted.Dataset})
	require.NoError(t, err)
	return split
}

// trained runs the steps to a registered version.
func (b *bench) trained(t *testing.T) (SplitOutput, TrainOutput, EvaluateOutput, Deliverable) {
	t.Helper()
	split := b.parts(t)
	trained, err := b.stages.Training.Train(t.Context(), TrainInput{Spec: b.spec, Train: split.Train, Validation: split.Validation})
	require.NoError(t, err)
	evaluated, err := b.stages.Evaluation.Evaluate(t.Context(), EvaluateInput{Spec: b.spec, Bundle: trained.Bundle, Test: split.Test})
	require.NoError(t, err)
	registered, err := b.stages.Models.Register(t.Context(), RegisterInput{Version: registry.ModelVersion{
		Name: b.spec.Name, Digest: trained.Bundle.SHA256, Bundle: trained.Bundle,
		Artifacts: map[string]artifact.Ref{"golden": evaluated.Golden, "test": split.Test},
	}})
	require.NoError(t, err)
	resolved, err := b.stages.Models.Resolve(t.Context(), ResolveInput{Model: b.spec.Name, Version: registered.Version})
	require.NoError(t, err)
	return split, trained, evaluated, resolved.Version
}

// writeTable writes a Parquet file with one column.
func writeTable(t *testing.T, path string, rows int) {
	t.Helper()
	column := dataset.Column{Name: "application_id", Kind: dataset.Text}
	for i := range rows {
		column.Texts = append(column.Texts, strconv.Itoa(i))
		column.Valid = append(column.Valid, true)
	}
	data, err := dataset.WriteParquet(dataset.Table{Columns: []dataset.Column{column}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o600))
}
