package activities

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/profile"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/serving/servingtest"
	"github.com/loanops/loanops/internal/sha256hex"
	"github.com/loanops/loanops/internal/source"
	"github.com/loanops/loanops/internal/warehouse"
	"github.com/loanops/loanops/pipelines"
)

const product = "loan-eligibility"

// objects is an object store in memory, with local copies in a folder.
type objects struct {
	folder string
	mu     sync.Mutex
	bytes  map[string][]byte
	puts   int
}

func newObjects(t *testing.T) *objects {
	return &objects{folder: t.TempDir(), bytes: map[string][]byte{}}
}

func (o *objects) At(digest string, size int64, mediaType, ext string) artifact.Ref {
	return artifact.Ref{URI: "s3://test/" + digest + "." + ext, SHA256: digest, Bytes: size, MediaType: mediaType}
}

func (o *objects) Put(_ context.Context, data []byte, mediaType, ext string) (artifact.Ref, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	digest := sha256hex.Of(data)
	o.bytes[digest] = data
	o.puts++
	return o.At(digest, int64(len(data)), mediaType, ext), nil
}

func (o *objects) PutFile(ctx context.Context, path, mediaType, ext string) (artifact.Ref, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return artifact.Ref{}, err
	}
	return o.Put(ctx, data, mediaType, ext)
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

func (o *objects) Path(ctx context.Context, ref artifact.Ref) (string, error) {
	data, err := o.Get(ctx, ref)
	if err != nil {
		return "", err
	}
	path := filepath.Join(o.folder, ref.SHA256)
	return path, file.Write(path, data, 0o600) // somebody else may read it now
}

func (o *objects) List(context.Context, string) ([]string, error) {
	return nil, fault.New(fault.Internal, "nothing lists")
}

func (o *objects) Fetch(ctx context.Context, uri string, _ int64) (path, digest string, err error) {
	if name, ours := strings.CutPrefix(uri, "s3://test/"); ours {
		digest, extension, _ := strings.Cut(name, ".")
		path, err := o.Path(ctx, artifact.Ref{SHA256: digest, URI: uri})
		if err != nil {
			return "", "", err
		}
		return path + "." + extension, digest, os.Rename(path, path+"."+extension)
	}
	data, err := os.ReadFile(uri)
	return uri, sha256hex.Of(data), err
}

// rest is what is not called. What is embedded beside it goes before its methods.
type rest struct{ registry.Registry }

// memory is a registry in memory, as far as the activities need one.
type memory struct {
	rest
	servingtest.Records
	specs    map[string][]registry.PipelineSpec // newest first
	stepsMu  sync.Mutex                         // slices are kept by several at once
	steps    map[string]registry.CachedStep
	versions []registry.ModelVersion
	runs     []registry.Run
	schemas  map[string][]registry.SchemaVersion // newest first
	made     map[string]artifact.Ref             // by the one run that there is
	looks    []registry.Look                     // newest first
	built    []registry.PipelineVersion          // newest first
	away     error                               // of what is noted
	// lost is how many replies to a generation that was taken get lost; unread says why what serves cannot be read.
	lost   int
	unread error
}

func newMemory() *memory {
	return &memory{
		Records: servingtest.Records{Models: map[string]int{product: 3}}, specs: map[string][]registry.PipelineSpec{},
		steps: map[string]registry.CachedStep{}, schemas: map[string][]registry.SchemaVersion{}, made: map[string]artifact.Ref{},
	}
}

func (m *memory) PutRunArtifacts(_ context.Context, _ string, artifacts map[string]artifact.Ref) error {
	maps.Copy(m.made, artifacts)
	return m.away
}

func (m *memory) RunArtifacts(context.Context, string) (map[string]artifact.Ref, error) {
	return maps.Clone(m.made), nil
}

// PutSchemaVersion numbers the versions; those that are accepted are current at once.
func (m *memory) PutSchemaVersion(ctx context.Context, v registry.SchemaVersion, by *registry.SchemaAcceptance) (registry.SchemaVersion, error) {
	all := m.schemas[v.Pipeline]
	if current, found := registry.CurrentSchema(all); by != nil && found && current.Version != v.Parent {
		return v, fault.New(fault.Conflict, "version %d is current", current.Version)
	}
	for _, known := range all {
		if known.Parent == v.Parent && known.Schema == v.Schema && known.Declared == v.Declared && slices.Equal(known.Unused, v.Unused) {
			if by == nil || len(known.Acceptances) > 0 {
				return known, nil
			}
			return m.AcceptSchema(ctx, v.Pipeline, known.Version, *by)
		}
	}
	v.Version = len(all) + 1
	m.schemas[v.Pipeline] = slices.Insert(all, 0, v)
	if by != nil {
		return m.AcceptSchema(ctx, v.Pipeline, v.Version, *by)
	}
	return v, nil
}

func (m *memory) AcceptSchema(_ context.Context, pipeline string, version int, by registry.SchemaAcceptance) (accepted registry.SchemaVersion, err error) {
	for i := range m.schemas[pipeline] {
		v := &m.schemas[pipeline][i]
		if v.Current = v.Version == version; v.Current {
			v.Acceptances = append(v.Acceptances, by)
			accepted = *v
		}
	}
	return accepted, nil
}

func (m *memory) SchemaVersions(_ context.Context, pipeline string) ([]registry.SchemaVersion, error) {
	return slices.Clone(m.schemas[pipeline]), nil
}

func (m *memory) PutPipelineVersion(_ context.Context, v registry.PipelineVersion) (registry.PipelineVersion, bool, error) {
	for _, known := range m.built {
		if known.RunID == v.RunID && known.Pipeline == v.Pipeline {
			return known, false, nil
		}
	}
	for _, newest := range m.built {
		if newest.Pipeline != v.Pipeline {
			continue
		}
		var err error
		if v.Owner, err = registry.NextOwner(newest.Owner, v.Pipeline, v.Repository, v.Trigger, v.TakeOver); err != nil {
			return v, false, err
		}
		if newest.Package == v.Package && newest.Owner == v.Owner {
			return newest, false, nil
		}
		break
	}
	v.Version = len(m.built) + 1
	m.built = append([]registry.PipelineVersion{v}, m.built...)
	return v, true, nil
}

func (m *memory) PipelineVersions(_ context.Context, pipeline string) (of []registry.PipelineVersion, _ error) {
	for _, v := range m.built {
		if v.Pipeline == pipeline {
			of = append(of, v)
		}
	}
	return of, nil
}

func (m *memory) PutLook(_ context.Context, look registry.Look) error {
	m.looks = slices.Insert(m.looks, 0, look)
	return nil
}

func (m *memory) Looks(context.Context, string, int) ([]registry.Look, error) { return m.looks, nil }

func (m *memory) PutPipeline(_ context.Context, spec registry.PipelineSpec) error {
	m.specs[spec.Name] = slices.Insert(m.specs[spec.Name], 0, spec)
	return nil
}

func (m *memory) Pipeline(_ context.Context, name string) (registry.PipelineSpec, error) {
	if history := m.specs[name]; len(history) > 0 {
		return history[0], nil
	}
	return registry.PipelineSpec{}, fault.New(fault.NotFound, "no pipeline %q", name)
}

func (m *memory) Pipelines(context.Context) (specs []registry.PipelineSpec, _ error) {
	for _, name := range slices.Sorted(maps.Keys(m.specs)) {
		specs = append(specs, m.specs[name][0])
	}
	return specs, nil
}

func (m *memory) PipelineAt(_ context.Context, name, digest string) (registry.PipelineSpec, error) {
	for _, spec := range m.specs[name] {
		if spec.Digest == digest {
			return spec, nil
		}
	}
	return registry.PipelineSpec{}, fault.New(fault.NotFound, "no spec of pipeline %q with digest %s is registered", name, digest)
}

func (m *memory) PipelineHistory(_ context.Context, name string) ([]registry.PipelineSpec, error) {
	return m.specs[name], nil
}

func (m *memory) Policy(_ context.Context, pipeline, digest string) (registry.Policy, error) {
	for _, spec := range m.specs[pipeline] {
		if spec.Policy.Digest == digest {
			return spec.Policy, nil
		}
	}
	return registry.Policy{}, fault.New(fault.NotFound, "no policy %s", digest)
}

func (m *memory) CachedStep(_ context.Context, key string) (registry.CachedStep, error) {
	m.stepsMu.Lock()
	defer m.stepsMu.Unlock()
	if step, ok := m.steps[key]; ok {
		return step, nil
	}
	return registry.CachedStep{}, fault.New(fault.NotFound, "no step %s", key)
}

func (m *memory) PutCachedStep(_ context.Context, step registry.CachedStep) error {
	m.stepsMu.Lock()
	defer m.stepsMu.Unlock()
	m.steps[step.Key] = step
	return nil
}

func (m *memory) RegisterVersion(_ context.Context, v registry.ModelVersion) (registry.ModelVersion, bool, error) {
	for _, known := range m.versions {
		if known.Digest == v.Digest && known.Meaning == v.Meaning && known.Predictor == v.Predictor {
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

func (m *memory) newest(environment string) serving.Record { return m.Newest(product, environment) }

func (m *memory) Aliases(context.Context, string) (map[string]int, error) {
	return m.newest(serving.Production).Aliases(), nil
}

func (m *memory) Serving(ctx context.Context, pipeline, environment string) (serving.Record, error) {
	record, err := m.Records.Serving(ctx, pipeline, environment)
	if m.unread != nil {
		err = m.unread
	}
	return record, err
}

func (m *memory) TakeGeneration(ctx context.Context, next serving.Record) (serving.Record, error) {
	taken, err := m.Records.TakeGeneration(ctx, next)
	if err == nil && m.lost > 0 {
		m.lost--
		return serving.Record{}, fault.New(fault.Unavailable, "the reply was lost")
	}
	return taken, err
}

// write appends what a transition makes of the newest record of production, by somebody.
func (m *memory) write(t *testing.T, writer string, next serving.Record, err error) {
	t.Helper()
	require.NoError(t, err)
	operation := fmt.Sprintf("%s-%d", writer, next.Generation)
	_, err = m.TakeGeneration(t.Context(), next.By(serving.Author{Writer: writer, Actor: writer, Reason: "complaints", Operation: operation}))
	require.NoError(t, err)
}

func (m *memory) PutRun(_ context.Context, run registry.Run) error {
	m.runs = append(m.runs, run)
	return nil
}

// tables counts how often relations are joined.
type tables struct {
	*warehouse.Warehouse
	joined int
}

func (w *tables) Relate(ctx context.Context, base source.Staged, joins []source.Joined, to string) error {
	w.joined++
	return w.Warehouse.Relate(ctx, base, joins, to)
}

// deliveries is a Temporal that knows of deliveries alone.
type deliveries struct{ going bool }

func (d *deliveries) DescribeWorkflow(_ context.Context, workflowID, _ string) (*client.WorkflowExecutionDescription, error) {
	if workflowID != "delivery-"+product {
		return nil, serviceerror.NewNotFound("no such workflow")
	}
	var described client.WorkflowExecutionDescription
	if at := time.Now(); !d.going {
		described.WorkflowCloseTime = &at
	}
	return &described, nil
}

// bench is every stage over memory.
type bench struct {
	objects  *objects
	registry *memory
	tables   *tables
	// deliveries says whether one goes on.
	deliveries *deliveries
	stages     Stages
	spec       pipeline.Spec
}

// withoutFeatures has the shipped spec as it is where there is no feature store.
func withoutFeatures(t *testing.T) fs.FS {
	t.Helper()
	yaml, err := pipelines.FS.ReadFile(product + ".yaml")
	require.NoError(t, err)
	text := strings.Replace(string(yaml), "features: [loan_eligibility]\nfeature_store: {given: true}\n", "", 1)
	require.NotEqual(t, string(yaml), text)
	return fstest.MapFS{product + ".yaml": {Data: []byte(text)}}
}

func newBench(t *testing.T) *bench {
	t.Helper()
	duck, err := warehouse.Open(t.TempDir())
	require.NoError(t, err)
	b := &bench{objects: newObjects(t), registry: newMemory(), tables: &tables{Warehouse: duck}, deliveries: &deliveries{}}
	cache := StepCache{Registry: b.registry, Objects: b.objects}
	b.stages = Stages{
		Pipelines:  Pipelines{Registry: b.registry, Objects: b.objects, BuiltIn: withoutFeatures(t), Register: registerOnly},
		Extraction: Extraction{Cache: cache, Warehouse: b.tables, Folder: t.TempDir(), Places: source.Places{os.TempDir()}, Resumes: true},
		Checking:   Checking{Cache: cache, Warehouse: b.tables, Page: func(profile.Profile, dataset.Report) ([]byte, error) { return []byte("<html>"), nil }},
		Training:   Training{Cache: cache},
		Evaluation: Evaluation{Cache: cache, Page: func(evaluate.Evaluation, *model.Model, []report.Rival) ([]byte, error) { return []byte("<html>"), nil },
			OnDataPage: func(evaluate.OnData, *model.Model) ([]byte, error) { return []byte("<html>new"), nil }},
		Models:  Models{Registry: b.registry, Objects: b.objects},
		Looking: Looking{Registry: b.registry, Cache: cache, Workflows: b.deliveries, Page: report.LookHTML},
		Ageing:  Ageing{Registry: b.registry, Cache: cache, Page: report.CadenceHTML},
		Runs:    Runs{Registry: b.registry, Objects: b.objects},
	}
	_, err = b.stages.Pipelines.Load(t.Context(), PipelineInput{Pipeline: product})
	require.NoError(t, err)
	b.respec(t, "rows: 20000", "rows: 3000")
	return b
}

// respec registers the current spec with some of its text replaced.
func (b *bench) respec(t *testing.T, oldNew ...string) {
	t.Helper()
	var err error
	b.spec, err = b.registry.respec(oldNew...)
	require.NoError(t, err)
}

func (m *memory) respec(oldNew ...string) (pipeline.Spec, error) {
	yaml := string(m.specs[product][0].YAML)
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(yaml, oldNew[i]) {
			return pipeline.Spec{}, fmt.Errorf("the spec does not say %q", oldNew[i])
		}
		yaml = strings.Replace(yaml, oldNew[i], oldNew[i+1], 1)
	}
	spec, err := pipeline.Parse(product+".yaml", []byte(yaml))
	m.specs[product] = slices.Insert(m.specs[product], 0, registry.NewPipelineSpec(spec, []byte(yaml)))
	return spec, err
}

// candidate is the version under the current spec.
func (m *memory) candidate(t *testing.T, version int) Candidate {
	t.Helper()
	current := m.specs[product][0]
	return Candidate{Model: product, Spec: current.Digest, Track: serving.Track{Version: version, Policy: current.Policy.Digest}}
}

// training is the outputs of a training's steps.
type training struct {
	spec      PipelineOutput
	extracted ExtractOutput
	validated ValidateOutput
	profiled  ProfileOutput
	split     SplitOutput
	trained   TrainOutput
	evaluated EvaluateOutput
	version   registry.ModelVersion
}

// fresh lists the steps that were not taken from the cache.
func (tr training) fresh() []string {
	steps := []string{}
	for _, step := range []struct {
		name   string
		cached bool
	}{
		{ExtractData.Name, tr.extracted.Cached}, {ValidateData.Name, tr.validated.Cached}, {ProfileData.Name, tr.profiled.Cached},
		{SplitData.Name, tr.split.Cached}, {TrainModel.Name, tr.trained.Cached}, {EvaluateModel.Name, tr.evaluated.Cached},
	} {
		if !step.cached {
			steps = append(steps, step.name)
		}
	}
	return steps
}

// done notes what a step made, as the wrapper of every step does.
func done[Out Output](t *testing.T, b *bench) func(Out, error) Out {
	return func(out Out, err error) Out {
		t.Helper()
		require.NoError(t, err)
		require.NoError(t, b.stages.Runs.note(t.Context(), "run-1", out))
		return out
	}
}

// known is the day on which the data of the spec are known.
func (b *bench) known() string {
	known, err := b.spec.Source.Known("", time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC))
	if err != nil {
		panic(err)
	}
	return known
}

// loaded is what a training's first step returns of a spec.
func (b *bench) loaded(t *testing.T, spec pipeline.Spec) PipelineOutput {
	t.Helper()
	out := taken(spec)
	var err error
	out.Schema, out.Refused, err = b.stages.Pipelines.schemaOf(t.Context(), spec)
	require.NoError(t, err)
	return out
}

// parts runs the steps before training.
func (b *bench) parts(t *testing.T) training {
	t.Helper()
	var tr training
	s := &b.stages
	tr.spec = done[PipelineOutput](t, b)(b.loaded(t, b.spec), nil)
	if tr.spec.Refused != "" { // a person accepts what the spec changes
		_, err := b.registry.AcceptSchema(t.Context(), b.spec.Name, b.registry.schemas[b.spec.Name][0].Version, registry.SchemaAcceptance{})
		require.NoError(t, err)
		tr.spec = b.loaded(t, b.spec)
	}
	tr.extracted = done[ExtractOutput](t, b)(s.Extraction.Extract(t.Context(), ExtractInput{
		Schema: tr.spec.Schema.Ref, Source: tr.spec.Source, Limits: tr.spec.Limits, KnownAt: b.known(),
	}))
	dataset := tr.extracted.Dataset
	tr.validated = done[ValidateOutput](t, b)(s.Checking.Validate(t.Context(), ValidateInput{
		Schema: tr.spec.Schema.Ref, Dataset: dataset, Facts: tr.extracted.Facts, Quarantine: tr.spec.Quarantine, KnownAt: b.known(),
	}))
	tr.profiled = done[ProfileOutput](t, b)(s.Checking.Profile(t.Context(), ProfileInput{Facts: tr.extracted.Facts, Report: tr.validated.Report}))
	tr.split = done[SplitOutput](t, b)(s.Checking.Split(t.Context(), SplitInput{Schema: tr.spec.Schema.Ref, Dataset: dataset, Split: tr.spec.Split, KnownAt: b.known()}))
	return tr
}

// train runs the steps to a registered version.
func (b *bench) train(t *testing.T) training {
	t.Helper()
	tr := b.parts(t)
	s := &b.stages
	tr.trained = done[TrainOutput](t, b)(s.Training.Train(t.Context(), TrainInput{
		Schema: tr.spec.Schema.Ref, Algorithm: tr.spec.Algorithm, Train: tr.split.Train, Validation: tr.split.Validation,
	}))
	tr.evaluated = done[EvaluateOutput](t, b)(s.Evaluation.Evaluate(t.Context(), EvaluateInput{
		Schema: tr.spec.Schema.Ref, Bundle: tr.trained.Bundle, Test: tr.split.Test,
	}))
	registered := done[RegisterOutput](t, b)(s.Models.Register(t.Context(), RegisterInput{RunID: "run-1", Model: b.spec.Name, SpecDigest: b.registry.specs[product][0].Digest}))
	var err error
	tr.version, err = b.registry.Version(t.Context(), b.spec.Name, registered.Version)
	require.NoError(t, err)
	return tr
}

// writeTable writes a Parquet file with one column.
func writeTable(t *testing.T, path string, rows int) {
	t.Helper()
	column := dataset.Column{Name: "application_id", Kind: dataset.Text}
	for i := range rows {
		column.Texts = append(column.Texts, strconv.Itoa(i))
		column.Valid = append(column.Valid, true)
	}
	_ = os.Remove(path)
	require.NoError(t, writeFile(path, dataset.Table{Columns: []dataset.Column{column}}))
}

// registerOnly records a spec where there are no schedules.
func registerOnly(ctx context.Context, reg registry.Registry, spec registry.PipelineSpec) error {
	return reg.PutPipeline(ctx, spec)
}
