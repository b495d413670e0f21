package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/loanops/loanops/infra/environments/local"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/image/reference"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/schema"
)

// PackageInput is what a package is a function of: a commit that passed, and by what.
type PackageInput struct {
	Tree   artifact.Ref `json:"tree"`
	Commit string       `json:"commit"` // full hash
	// Repository is the name or the URL by which it is known; empty of one that is a folder of a machine.
	Repository string `json:"repository,omitempty"`
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
	RunID   string       `json:"run_id"`
	// Repository is the name of the one that was pushed to; empty where a person packed the commit.
	Repository string `json:"repository,omitempty"`
}

// RegisterPipelineOutput is the version that is.
type RegisterPipelineOutput struct {
	Pipeline string `json:"pipeline"`
	Version  int    `json:"version"`
	Created  bool   `json:"created"` // false: this very package is that version already
}

// Summary is its number.
func (o RegisterPipelineOutput) Summary() string {
	if !o.Created {
		return fmt.Sprintf("%s is version %d already", o.Pipeline, o.Version)
	}
	return fmt.Sprintf("%s version %d", o.Pipeline, o.Version)
}

// Publication makes pipeline versions of commits that passed.
type Publication struct {
	Registry registry.Registry
	Objects  Objects
	// Images is where packages are pushed to.
	Images image.Registry
	// Predictor is the image in which the versions' models are to serve.
	Predictor string
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
	repository, err := ci.Read(tree)
	if err != nil {
		return packed{}, err
	}
	files, err := packageFiles(tree, repository)
	if err != nil {
		return packed{}, err
	}
	from := image.Provenance{Repository: in.Repository, Commit: in.Commit, Images: map[string]string{"predictor": p.Predictor}}
	if from.Repository == "" {
		from.Repository = repository.Spec.Name
	}
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

// packageFiles are the spec, its schema, the feature tests, what says how they are run, and the Terraform module by which a version is delivered.
func packageFiles(tree *ci.Tree, repository ci.Repository) (map[string][]byte, error) {
	files := map[string][]byte{"pipeline.yaml": repository.YAML}
	for _, test := range repository.TestFiles {
		file, _ := tree.File(test.Path)
		files[path.Join("tests", path.Base(test.Path))] = file.Data
	}
	if config, has := tree.File(ci.ConfigFile); has {
		files[ci.ConfigFile] = config.Data
	}
	columns, err := json.MarshalIndent(schema.Of(repository.Spec), "", "  ")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "encoding the schema")
	}
	files["schema.json"] = append(columns, '\n')
	modules, err := fs.Glob(local.FS, "*.tf")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the Terraform module")
	}
	for _, name := range modules {
		if files["terraform/"+name], err = fs.ReadFile(local.FS, name); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "the Terraform module")
		}
	}
	return files, nil
}

// Publish pushes a package. It is made again of the same: what has another digest than was packaged is not published.
func (p *Publication) Publish(ctx context.Context, in PublishInput) (PublishOutput, error) {
	made, err := p.pack(ctx, in.PackageInput)
	if err != nil {
		return PublishOutput{}, err
	}
	if made.reference.String() != in.Package {
		return PublishOutput{}, fault.New(fault.Conflict, "the package is %s now and was %s when it was made; the worker, or the predictor's image, is another one than then: start the integration again", made.reference, in.Package)
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
// spec names are kept in the store, and named there: a schedule's training finds them.
func (p *Publication) RegisterVersion(ctx context.Context, in RegisterPipelineInput) (RegisterPipelineOutput, error) {
	tree, err := getTree(ctx, p.Objects, in.Tree)
	if err != nil {
		return RegisterPipelineOutput{}, err
	}
	repository, err := ci.Read(tree)
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
	if err := p.mayReplace(ctx, spec.Name, in.Repository); err != nil {
		return RegisterPipelineOutput{}, err
	}
	as := registry.NewPipelineSpec(spec, yaml)
	if err := p.Register(ctx, p.Registry, as); err != nil {
		return RegisterPipelineOutput{}, err
	}
	version, created, err := p.Registry.PutPipelineVersion(ctx, registry.PipelineVersion{
		Pipeline: spec.Name, Package: in.Package, Predictor: p.Predictor, Commit: in.Commit, SpecDigest: as.Digest, Tree: in.Tree, Repository: in.Repository, RunID: in.RunID,
	})
	return RegisterPipelineOutput{Pipeline: spec.Name, Version: version.Version, Created: created}, err
}

// mayReplace refuses a push to a repository whose spec has the name of a pipeline that is not that repository's: whoever can push there cannot do so here. A
// person who starts the integration of a folder, and so has the rights of an operator, moves a pipeline from one to the other.
func (p *Publication) mayReplace(ctx context.Context, name, repository string) error {
	if repository == "" {
		return nil
	}
	versions, err := p.Registry.PipelineVersions(ctx, name)
	if err != nil {
		return err
	}
	if len(versions) > 0 && versions[0].Repository != "" {
		if versions[0].Repository == repository {
			return nil
		}
		return fault.New(fault.Refused, "the pipeline %s is of the repository %s; a push to %s does not replace it: give it another name, or start the integration of a clone by hand: loanops ci start --repo FOLDER", name, versions[0].Repository, repository)
	}
	_, err = p.Registry.Pipeline(ctx, name)
	if fault.CodeOf(err) == fault.NotFound || err == nil && len(versions) > 0 {
		return nil // new, or handed over by a person
	}
	if err != nil {
		return err
	}
	return fault.New(fault.Refused, "a pipeline %s is registered that no repository published; a push to %s does not replace it: give it another name, or start the integration of a clone once by hand: loanops ci start --repo FOLDER", name, repository)
}

// storedSpec is the spec with the objects that hold files of the tree in place of their paths.
func (p *Publication) storedSpec(ctx context.Context, tree *ci.Tree, repository ci.Repository) ([]byte, error) {
	return repository.Relocated(tree, func(path string) (string, error) {
		file, _ := tree.File(path)
		ref, err := p.Objects.Put(ctx, file.Data, rawType, artifact.Extension(path))
		return ref.URI, err
	})
}
