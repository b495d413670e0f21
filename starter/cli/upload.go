package cli

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/internal/source"
)

// uploadTimeout bounds the way of all files into the object store.
const uploadTimeout = 30 * time.Minute

// upload brings the local files that a spec names into the object store, so that any worker can read what the person may who starts the run: which
// objects hold them, by the URI that names them. What is there already is not sent again.
func (a *app) upload(ctx context.Context, s settings.Settings, from pipeline.Source) (map[string][]string, error) {
	uploads := map[string][]string{}
	var store *artifact.Store
	ctx, cancel := context.WithTimeout(ctx, uploadTimeout)
	defer cancel()
	for _, relation := range from.Relations() {
		uri := relation.FilesURI()
		if !relation.Local() {
			continue
		}
		files, err := source.List(uri)
		if err != nil {
			return nil, err
		}
		if _, err := source.KindOf(*relation, files); err != nil {
			return nil, err
		}
		if store == nil {
			if store, err = objects(ctx, s); err != nil {
				return nil, err
			}
		}
		for _, f := range files {
			a.say("storing %s", f.Name)
			ref, err := store.PutFile(ctx, f.Path, "application/octet-stream", extension(f.Path))
			if err != nil {
				return nil, err
			}
			uploads[uri] = append(uploads[uri], ref.URI)
		}
	}
	return uploads, nil
}

// extension is what follows a name's first point, such as csv.gz.
func extension(path string) string {
	name := strings.ToLower(filepath.Base(path))
	extension := filepath.Ext(name)
	if extension == ".gz" {
		extension = filepath.Ext(strings.TrimSuffix(name, extension)) + extension
	}
	return strings.TrimPrefix(extension, ".")
}
