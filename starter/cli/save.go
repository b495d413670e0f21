package cli

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"strconv"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/settings"
)

// listArtifacts prints where each artifact is.
func (a *app) listArtifacts(artifacts map[string]artifact.Ref) {
	rows := [][]string{{"ARTIFACT", "BYTES", "URI"}}
	for _, role := range sortedKeys(artifacts) {
		rows = append(rows, []string{role, strconv.FormatInt(artifacts[role].Bytes, 10), artifacts[role].URI})
	}
	a.table(rows)
}

// save writes artifacts into a folder, named by their roles.
func (a *app) save(ctx context.Context, s settings.Settings, artifacts map[string]artifact.Ref, dir string) error {
	store, err := objects(ctx, s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fault.Wrap(fault.Invalid, err, "--save")
	}
	for _, role := range sortedKeys(artifacts) {
		ref := artifacts[role]
		if err := a.saveObject(ctx, store, ref, filepath.Join(dir, role+path.Ext(ref.URI))); err != nil {
			return err
		}
		parts, err := activities.PartsOf(ctx, store, role, ref)
		if err != nil {
			return err
		}
		for _, name := range sortedKeys(parts) {
			if err := a.saveObject(ctx, store, parts[name], filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *app) saveObject(ctx context.Context, store *artifact.Store, ref artifact.Ref, file string) error {
	data, err := store.Get(ctx, ref)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return fault.Wrap(fault.Invalid, err, "--save")
	}
	a.say("saved %s", file)
	return nil
}
