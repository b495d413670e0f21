// Package image packs programs and pipelines for other machines: OCI images of this project's own programs, one OCI artifact per pipeline
// version, lists of what is in them, without a container daemon. They are written to any registry, and read from one by digest.
package image

import (
	"debug/buildinfo"
	"debug/elf"
	"fmt"
	"maps"
	"path"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/loanops/loanops/internal/fault"
)

// The names of the images: their repositories.
const (
	PredictorRepository = "loanops-api"
	WorkerRepository    = "loanops-worker"
	OperatorRepository  = "loanops"
)

// Repositories are all of them.
func Repositories() []string {
	return []string{PredictorRepository, WorkerRepository, OperatorRepository}
}

// user runs programs in containers: not root, and by convention of images that have no users of their own "nonroot".
const user = 65532

// Program is the image of a program, with what refers to it.
type Program struct {
	// Repository is where it belongs in a registry.
	Repository string
	Image      v1.Image
	// SBOM is an artifact that refers to the image: the list of what it is made of, CycloneDX as JSON.
	SBOM v1.Image
}

// Predictor is the image of a loanops-api: the static program and the certificates of whom it may trust, started by a user without rights. The same program
// gives the same image, whoever packs it. A program that needs shared libraries is refused.
func Predictor(program string) (Program, error) {
	return alone(PredictorRepository, program, "loanops-api", contents{certificates: authorities()}, v1.Config{
		Entrypoint: []string{"/loanops-api"}, WorkingDir: "/",
	})
}

// Operator is the image of a loanops: the agent, the feature store, the receiver of pushes and a person's command. It is static, and starts no other program
// but predictors. The same program gives the same image, whoever packs it.
func Operator(program string) (Program, error) {
	at := path.Join(programs, "loanops")
	return alone(OperatorRepository, program, at, system(), v1.Config{Entrypoint: []string{"/" + at}, WorkingDir: "/" + home, Env: environment()})
}

// alone is the image of a program that runs by itself, in a layer above what it finds there.
func alone(repository, program, at string, below contents, config v1.Config) (Program, error) {
	if err := checkStatic(program); err != nil {
		return Program{}, err
	}
	layers, err := layersOf(below, contents{at: {file: program, mode: 0o755}})
	if err != nil {
		return Program{}, err
	}
	bill, err := bill(repository, []string{program}, nil)
	if err != nil {
		return Program{}, err
	}
	return build(repository, program, bill, config, layers...)
}

// build makes the image of the layers, labelled by the build of its main program.
func build(repository, program string, bill []byte, config v1.Config, layers ...v1.Layer) (Program, error) {
	config.User = fmt.Sprintf("%d:%[1]d", user)
	config.Labels = labels(repository, program)
	architecture, err := architecture(program)
	if err != nil {
		return Program{}, err
	}
	made := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	adds := make([]mutate.Addendum, len(layers))
	for i, layer := range layers {
		adds[i] = mutate.Addendum{Layer: layer, MediaType: types.OCILayer, History: v1.History{Created: v1.Time{Time: epoch}, CreatedBy: "loanops package"}}
	}
	if made, err = mutate.Append(made, adds...); err != nil {
		return Program{}, fault.Wrap(fault.Internal, err, "the image %s", repository)
	}
	file, err := made.ConfigFile()
	if err != nil {
		return Program{}, fault.Wrap(fault.Internal, err, "the image %s", repository)
	}
	file = file.DeepCopy()
	file.Created, file.OS, file.Architecture, file.Config = v1.Time{Time: epoch}, "linux", architecture, config
	if made, err = mutate.ConfigFile(made, file); err != nil {
		return Program{}, fault.Wrap(fault.Internal, err, "the image %s", repository)
	}
	list, err := referrer(made, SBOMType, cycloneDX, bill)
	return Program{Repository: repository, Image: made, SBOM: list}, err
}

// labels are the image's, of what the Go build says of its program; without version control it says less.
func labels(repository, program string) map[string]string {
	all := map[string]string{"org.opencontainers.image.title": repository}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return all // not built by Go
	}
	settings := map[string]string{}
	for _, setting := range info.Settings {
		settings[setting.Key] = setting.Value
	}
	maps.Copy(all, map[string]string{"dev.loanops.go": info.GoVersion, "org.opencontainers.image.source": "https://" + info.Main.Path})
	if revision := settings["vcs.revision"]; revision != "" {
		if settings["vcs.modified"] == "true" {
			revision += "-modified"
		}
		all["org.opencontainers.image.revision"] = revision
	}
	return all
}

// architecture is Go's name of the machine that the program is for.
func architecture(program string) (string, error) {
	file, err := openELF(program)
	if err != nil {
		return "", err
	}
	defer file.Close()
	switch file.Machine {
	case elf.EM_X86_64:
		return "amd64", nil
	case elf.EM_AARCH64:
		return "arm64", nil
	default:
		return "", fault.New(fault.Invalid, "%s is for %s; images are made for amd64 and arm64", program, file.Machine)
	}
}
