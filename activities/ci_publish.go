package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/loanops/loanops/infra/environments/local"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/image/reference"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/schema"
)

// PackageInput is what a package is a function of: a commit that passed, and by what. Where the commit was found, a forge, a folder or a clone, is no part of it.
type PackageInput struct {
	Tree   artifact.Ref `json:"tree"`
	Commit string       `json:"commit"` // full hash
	// Predictor is the image in which the commit was tried, and in which its models are to serve.
	Predictor string `json:"predictor"`
	// Lock is what the features of the spec came to; nil of a commit that has to do with no feature store.
	Lock *artifact.Ref `json:"feature_lock,omitempty"`
	// Steps are the tests in their order.
	Steps []StepOutcome `json:"steps"`
}

// StepOutcome is how a step of an integration ended.
type StepOutcome struct {
	Name    ci.Step       `json:"name"`
	Status  ci.Status     `json:"status"`
	Reasons []string      `json:"reasons,omitempty"`
	Said    string        `json:"said,omitempty"`
	Cached  bool          `json:"cached,omitempty"`
	Log     *artifact.Ref `json:"log,omitempty"`
}

// PackageOutput is the package, which is nowhere yet.
type PackageOutput struct {
	Pipeline string `json:"pipeline"`
	// Package is its repository and digest.
	Package string `json:"package"`
	Files   int    `json:"files"`
}

// Summary is its digest.
func (o PackageOutput) Summary() string { return fmt.Sprintf("%d files, %s", o.Files, o.Package) }

// PublishInput is a package, and what it is made of: the same gives the same.
type PublishInput struct {
	PackageInput
	Package string `json:"package"`
}

// PublishOutput is where the package is.
type PublishOutput struct {
	// Reference is how tools that know no LoanOps fetch it: host/repository@sha256:….
	Reference string `json:"reference"`
}

// Summary is where it is.
func (o PublishOutput) Summary() string { return o.Reference }

// RegisterPipelineInput is a published package to become the pipeline's newest version.
type RegisterPipelineInput struct {
	Tree    artifact.Ref `json:"tree"`
	Commit  string       `json:"commit"`
	Package string       `json:"package"`
	// Predictor is the image that the package names.
	Predictor string `json:"predictor"`
	// Lock is that of the package.
	Lock  *artifact.Ref `json:"feature_lock,omitempty"`
	RunID string        `json:"run_id"`
	By    Publisher     `json:"by"`
}

// RegisterPipelineOutput is the version that is.
type RegisterPipelineOutput struct {
	Pipeline string `json:"pipeline"`
	Version  int    `json:"version"`
	Created  bool   `json:"created"` // false: this very package is that version already
	// Definitions say what was done about feature definitions of the repository, one by one; none where nothing changed.
	Definitions []string `json:"definitions,omitempty"`
}

// Summary is its number.
func (o RegisterPipelineOutput) Summary() string {
	if !o.Created {
		return fmt.Sprintf("%s is version %d already", o.Pipeline, o.Version)
	}
	text := fmt.Sprintf("%s version %d", o.Pipeline, o.Version)
	if len(o.Definitions) > 0 {
		text += "; " + strings.Join(o.Definitions, ", ")
	}
	return text
}

// Publication makes pipeline versions of commits that passed.
type Publication struct {
	Registry registry.Registry
	Objects  Objects
	// Features is where definitions of repositories are applied; nil without a feature store.
	Features feature.Register
	// KeepFresh does with schedules what the register says, see schedule.Schedules.
	KeepFresh func(context.Context, feature.Register) error
	// Images is where packages are pushed to.
	Images image.Registry
	// Register records a spec and does with schedules what it declares, see schedule.Schedules.
	Register func(context.Context, registry.Registry, registry.PipelineSpec) error
}

// Package makes a package and says what it is.
func (p *Publication) Package(ctx context.Context, in PackageInput) (PackageOutput, error) {
	say(ctx, "packing")
	made, err := p.pack(ctx, in)
	if err != nil {
		return PackageOutput{}, err
	}
	return PackageOutput{Pipeline: made.pipeline, Package: made.reference.String(), Files: made.files}, nil
}

// packed is a package.
type packed struct {
	image     v1.Image
	reference reference.Reference
	pipeline  string
	files     int
}

func (p *Publication) pack(ctx context.Context, in PackageInput) (packed, error) {
	tree, err := getTree(ctx, p.Objects, in.Tree)
	if err != nil {
		return packed{}, err
	}
	repository, err := readBy(ctx, p.Objects, tree, in.Lock)
	if err != nil {
		return packed{}, err
	}
	files, err := packageFiles(tree, repository)
	if err != nil {
		return packed{}, err
	}
	from := image.Provenance{Repository: repository.Spec.Name, Commit: in.Commit, Images: map[string]string{"predictor": in.Predictor}}
	for _, step := range in.Steps {
		from.Steps = append(from.Steps, image.StepProvenance{Name: string(step.Name), Status: string(step.Status)})
	}
	made, err := image.PipelineArtifact(files, from)
	if err != nil {
		return packed{}, err
	}
	digest, err := made.Digest()
	return packed{
		image: made, pipeline: repository.Spec.Name, files: len(files),
		reference: reference.Reference{Repository: "pipelines/" + repository.Spec.Name, Digest: digest.Hex},
	}, fault.Wrap(fault.Internal, err, "the package of %s", repository.Spec.Name)
}

// packageFiles are the spec, the feature definitions, the feature tests and what says how they are run, each where it is in the repository; its schema, the lock of what
// its features came to, and the Terraform module by which a version is delivered. A file of the repository that is where one of these goes is refused.
func packageFiles(tree *ci.Tree, repository ci.Repository) (map[string][]byte, error) {
	files := map[string][]byte{repository.PipelineFile: repository.YAML}
	for _, test := range repository.TestFiles {
		file, _ := tree.File(test.Path)
		files[test.Path] = file.Data
	}
	for _, name := range repository.DefinitionFiles {
		file, _ := tree.File(name)
		files[name] = file.Data
	}
	if repository.Lock != nil {
		lock, err := repository.Lock.Encode()
		if err != nil {
			return nil, err
		}
		if err := put(files, feature.LockFile, lock); err != nil {
			return nil, err
		}
	}
	if config, has := tree.File(ci.ConfigFile); has {
		files[ci.ConfigFile] = config.Data
	}
	columns, err := json.MarshalIndent(schema.Of(repository.Spec), "", "  ")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "encoding the schema")
	}
	if err := put(files, "schema.json", append(columns, '\n')); err != nil {
		return nil, err
	}
	modules, err := fs.Glob(local.FS, "*.tf")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the Terraform module")
	}
	for _, name := range modules {
		module, err := fs.ReadFile(local.FS, name)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "the Terraform module")
		}
		if err := put(files, "terraform/"+name, module); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// put adds a file of the package's own.
func put(files map[string][]byte, name string, data []byte) error {
	if _, taken := files[name]; taken {
		return fault.New(fault.Invalid, "%s: a package has a file of its own there; name the repository's otherwise", name)
	}
	files[name] = data
	return nil
}

// Publish pushes a package. It is made again of the same: what has another digest than was packaged is not published.
func (p *Publication) Publish(ctx context.Context, in PublishInput) (PublishOutput, error) {
	made, err := p.pack(ctx, in.PackageInput)
	if err != nil {
		return PublishOutput{}, err
	}
	if made.reference.String() != in.Package {
		return PublishOutput{}, fault.New(fault.Conflict, "the package is %s now and was %s when it was made; the worker is another one than then: start the integration again", made.reference, in.Package)
	}
	say(ctx, "pushing")
	pushed, err := p.Images.Push(ctx, made.reference.Repository, made.image)
	if err != nil {
		return PublishOutput{}, err
	}
	at, err := p.Images.Name(pushed)
	return PublishOutput{Reference: at}, err
}

// RegisterVersion records the package as the pipeline's newest version, and its spec as the one that is trained from now on. The files of the commit that the
// spec names are kept in the store, and named there: a schedule's training finds them. The repository's feature definitions are applied with it, and the spec is registered
// with the columns that it was tested with.
func (p *Publication) RegisterVersion(ctx context.Context, in RegisterPipelineInput) (RegisterPipelineOutput, error) {
	tree, err := getTree(ctx, p.Objects, in.Tree)
	if err != nil {
		return RegisterPipelineOutput{}, err
	}
	repository, plan, err := p.defined(ctx, tree, in.Lock, in.By)
	if err != nil {
		return RegisterPipelineOutput{}, err
	}
	yaml, err := p.storedSpec(ctx, tree, repository)
	if err != nil {
		return RegisterPipelineOutput{}, err
	}
	spec, err := pipeline.Parse(repository.PipelineFile, yaml)
	if err != nil {
		return RegisterPipelineOutput{}, err
	}
	spec.Look(repository.Spec.Looked())
	versions, err := p.Registry.PipelineVersions(ctx, spec.Name)
	if err != nil {
		return RegisterPipelineOutput{}, err
	}
	owner := ""
	if len(versions) == 0 { // of another one the registry knows it, and of this run's own where it is asked again
		if owner, err = p.firstOwner(ctx, spec.Name, in.By); err != nil {
			return RegisterPipelineOutput{}, err
		}
	}
	as := registry.NewPipelineSpec(spec, yaml)
	// The version first: it says whose the pipeline is, to whoever registers it at the same time, and to this very run where it is interrupted here.
	version, created, err := p.Registry.PutPipelineVersion(ctx, registry.PipelineVersion{
		Pipeline: spec.Name, Package: in.Package, Predictor: in.Predictor, Commit: in.Commit, SpecDigest: as.Digest, Tree: in.Tree, RunID: in.RunID,
		Repository: in.By.Repository, Owner: owner, Trigger: in.By.Trigger, TakeOver: in.By.TakeOver,
	})
	if err != nil {
		return RegisterPipelineOutput{}, err
	}
	done, err := p.apply(ctx, plan, in)
	if err != nil {
		return RegisterPipelineOutput{}, err
	}
	if in.Lock != nil {
		// Whether this try has applied anything or not: one before it may have ended in between.
		if err := p.KeepFresh(ctx, p.Features); err != nil {
			return RegisterPipelineOutput{}, err
		}
	}
	if err := p.Register(ctx, p.Registry, as); err != nil {
		return RegisterPipelineOutput{}, err
	}
	return RegisterPipelineOutput{Pipeline: spec.Name, Version: version.Version, Created: created, Definitions: done}, p.trainNewest(ctx, spec.Name, as.Digest)
}

// trainNewest registers the newest version's spec again where another run has published since, and this one's came after it: what is trained is the newest. A
// spec that is not there yet is about to be registered by that run.
func (p *Publication) trainNewest(ctx context.Context, name, digest string) error {
	versions, err := p.Registry.PipelineVersions(ctx, name)
	if err != nil || versions[0].SpecDigest == digest {
		return err
	}
	newest, err := p.Registry.PipelineAt(ctx, name, versions[0].SpecDigest)
	if fault.CodeOf(err) == fault.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return p.Register(ctx, p.Registry, newest)
}

// storedSpec is the spec with the objects that hold files of the tree in place of their paths.
func (p *Publication) storedSpec(ctx context.Context, tree *ci.Tree, repository ci.Repository) ([]byte, error) {
	return repository.Relocated(tree, func(path string) (string, error) {
		file, _ := tree.File(path)
		ref, err := p.Objects.Put(ctx, file.Data, rawType, artifact.Extension(path))
		return ref.URI, err
	})
}
