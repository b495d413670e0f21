package image

import (
	"maps"
	"path"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/loanops/loanops/internal/fault"
)

// WorkerFiles are the programs of a worker's image.
type WorkerFiles struct {
	// Worker is loanops-worker, Provider terraform-provider-loanops, API the loanops-api that continuous integration packs.
	Worker, Provider, API string
	// Terraform is the executable of Terraform or OpenTofu.
	Terraform string
}

// libraries is the folder of a worker's shared libraries.
const libraries = "usr/lib/loanops"

// healthAddress is where the worker of an image says whether it takes work: only within its container, unless LOANOPS_HEALTH_ADDRESS says otherwise.
const healthAddress = "127.0.0.1:7079"

// Worker is the image of a loanops-worker with Terraform, its provider, and the shared libraries of this machine that any of them needs (DuckDB's
// C++ runtime, the C library, the loader). The programs alone are reproducible; the image's digest depends on the libraries of the machine that packs it,
// and on its Terraform: build it on one base to get one digest.
func Worker(files WorkerFiles) (Program, error) {
	own := contents{}
	for name, file := range map[string]string{
		"loanops-worker": files.Worker, "terraform-provider-loanops": files.Provider, "loanops-api": files.API,
	} {
		own[path.Join(programs, name)] = entry{file: file, mode: 0o755}
	}
	linked, shared, err := runtimeOf(files.Worker, files.Provider, files.API, files.Terraform)
	if err != nil {
		return Program{}, err
	}
	maps.Copy(linked, system())
	layers, err := layersOf(linked, contents{path.Join(programs, "terraform"): {file: files.Terraform, mode: 0o755}}, own)
	if err != nil {
		return Program{}, err
	}
	bill, err := bill(WorkerRepository, []string{files.Worker, files.Provider, files.API, files.Terraform}, shared)
	if err != nil {
		return Program{}, err
	}
	worker := "/" + path.Join(programs, "loanops-worker")
	return build(WorkerRepository, files.Worker, bill, v1.Config{
		Entrypoint: []string{worker}, WorkingDir: "/" + home,
		Env: environment("LD_LIBRARY_PATH=/"+libraries, "LOANOPS_BIN_DIR=/"+programs, "LOANOPS_HEALTH_ADDRESS="+healthAddress),
		Healthcheck: &v1.HealthConfig{
			Test: []string{"CMD", worker, "healthy"}, Interval: 10 * time.Second, Timeout: 5 * time.Second, StartPeriod: time.Minute, Retries: 3,
		},
	}, layers...)
}

// runtimeOf are the loader and the libraries of the programs. All libraries lie in one folder of their own: where this machine's loader found them may be
// nowhere that the image's looks.
func runtimeOf(programs ...string) (files contents, shared map[string]string, err error) {
	files, shared = contents{}, map[string]string{}
	folders := loaderFolders()
	for _, program := range programs {
		found, err := linkedTo(program, folders)
		if err != nil {
			return nil, nil, err
		}
		if found.loader == "" {
			continue
		}
		loader := path.Clean(found.loader)[1:]
		if has, ok := files[loader]; ok && has.file != found.loaderFile {
			return nil, nil, fault.New(fault.Invalid, "%s needs another loader than the other programs at /%s", program, loader)
		}
		files[loader] = entry{file: found.loaderFile, mode: 0o755}
		shared[path.Base(loader)] = found.loaderFile
		for _, name := range found.names() {
			files[path.Join(libraries, name)] = entry{file: found.libraries[name], mode: 0o755}
			shared[name] = found.libraries[name]
		}
	}
	return files, shared, nil
}
