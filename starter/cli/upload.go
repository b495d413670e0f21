package cli

import (
	"context"
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
func (a *app) upload(ctx context.Context, s settings.Settings, spec pipeline.Spec) (map[string][]string, error) {
	local, err := source.Local(spec)
	if err != nil || len(local) == 0 {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, uploadTimeout)
	defer cancel()
	store, err := objects(ctx, s)
	if err != nil {
		return nil, err
	}
	uploads := map[string][]string{}
	for _, uri := range sortedKeys(local) {
		for _, f := range local[uri] {
			a.say("storing %s", f.Name)
			ref, err := store.PutFile(ctx, f.Path, "application/octet-stream", artifact.Extension(f.Path))
			if err != nil {
				return nil, err
			}
			uploads[uri] = append(uploads[uri], ref.URI)
		}
	}
	return uploads, nil
}
