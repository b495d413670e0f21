package ci

import "path"

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
