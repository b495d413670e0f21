package ci

import (
	"path"
	"path/filepath"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Files are the paths in the tree of the files that the relations of the spec name, by how these are named: by the spec, from its own folder, or by ci.yaml
// in place of the source's rows.
func (r *Repository) Files(tree *Tree) map[string][]string {
	files := map[string][]string{}
	for i, relation := range r.Spec.Relations() {
		switch {
		case i == 0 && r.Data != "":
			files[r.Data] = tree.named(r.Data)
		case relation.Local():
			uri := relation.FilesURI()
			files[uri] = tree.named(path.Join(path.Dir(r.PipelineFile), uri))
		}
	}
	return files
}

// Relocated is the spec with what to says in place of the paths of the repository's files, for those who do not have the repository. Whole paths are of the
// machine that trains, and stay. A spec that names its files otherwise than one by one is fault.Invalid.
func (r *Repository) Relocated(tree *Tree, to func(path string) (uri string, err error)) ([]byte, error) {
	files := r.Files(tree)
	return pipeline.Relocate(r.PipelineFile, r.YAML, func(uri string) (string, error) {
		switch {
		case filepath.IsAbs(uri):
			return uri, nil
		case len(files[uri]) != 1:
			return "", fault.New(fault.Invalid, "%s: %q means %d files of the repository; a spec that is published names one file of it, a whole path, or a store", r.PipelineFile, uri, len(files[uri]))
		}
		return to(files[uri][0])
	})
}
