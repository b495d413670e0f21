package image

import (
	"fmt"
	"io/fs"
	"os"
	"path"

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

// The folders of a worker's image.
const (
	workerBin       = "usr/local/bin"
	workerLibraries = "usr/lib/loanops"
	workerHome      = "var/lib/loanops"
)

// certificates are this machine's, in the place where Go programs look first.
const certificates = "/etc/ssl/certs/ca-certificates.crt"

// Worker is the image of a loanops-worker with Terraform, its provider, and the shared libraries of this machine that any of them needs (DuckDB's
// C++ runtime, the C library, the loader). The programs alone are reproducible; the image's digest depends on the libraries and the
// certificates of the machine that packs it, and on its Terraform: build it on one base to get one digest.
func Worker(files WorkerFiles) (Program, error) {
	programs := contents{}
	for name, file := range map[string]string{
		"loanops-worker": files.Worker, "terraform-provider-loanops": files.Provider, "loanops-api": files.API,
	} {
		programs[path.Join(workerBin, name)] = entry{file: file, mode: 0o755}
	}
	system, libraries, err := runtimeOf(files.Worker, files.Provider, files.API, files.Terraform)
	if err != nil {
		return Program{}, err
	}
	var layers []v1.Layer
	for _, of := range []contents{system, {path.Join(workerBin, "terraform"): {file: files.Terraform, mode: 0o755}}, programs} { // what changes least first
		made, err := layer(of)
		if err != nil {
			return Program{}, err
		}
		layers = append(layers, made)
	}
	bill, err := bill(WorkerRepository, []string{files.Worker, files.Provider, files.API, files.Terraform}, libraries)
	if err != nil {
		return Program{}, err
	}
	return build(WorkerRepository, files.Worker, bill, v1.Config{
		Entrypoint: []string{"/" + path.Join(workerBin, "loanops-worker")}, WorkingDir: "/" + workerHome,
		Env: []string{"PATH=/" + workerBin, "HOME=/" + workerHome, "LD_LIBRARY_PATH=/" + workerLibraries, "LOANOPS_BIN_DIR=/" + workerBin, "LOANOPS_WORK_DIR=/" + workerHome + "/work"},
	}, layers...)
}

// runtimeOf are the loader and the libraries of the programs, and what else a program expects of a system. All libraries lie in one folder
// of their own: where this machine's loader found them may be nowhere that the image's looks.
func runtimeOf(programs ...string) (system contents, libraries map[string]string, err error) {
	system, libraries = contents{
		"tmp":        {mode: fs.ModeDir | fs.ModeSticky | 0o777},
		workerHome:   {mode: fs.ModeDir | 0o700, owner: user},
		"etc/passwd": {mode: 0o644, data: fmt.Appendf(nil, "loanops:x:%d:%d::/%s:/nonexistent\n", user, user, workerHome)},
		"etc/group":  {mode: 0o644, data: fmt.Appendf(nil, "loanops:x:%d:\n", user)},
	}, map[string]string{}
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
		if has, ok := system[loader]; ok && has.file != found.loaderFile {
			return nil, nil, fault.New(fault.Invalid, "%s needs another loader than the other programs at /%s", program, loader)
		}
		system[loader] = entry{file: found.loaderFile, mode: 0o755}
		libraries[path.Base(loader)] = found.loaderFile
		for _, name := range found.names() {
			system[path.Join(workerLibraries, name)] = entry{file: found.libraries[name], mode: 0o755}
			libraries[name] = found.libraries[name]
		}
	}
	if _, err := os.Stat(certificates); err == nil {
		system[certificates[1:]] = entry{file: certificates, mode: 0o644}
	}
	return system, libraries, nil
}
