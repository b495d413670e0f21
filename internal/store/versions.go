package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

func (s *store) PutPipelineVersion(ctx context.Context, v registry.PipelineVersion) (registry.PipelineVersion, bool, error) {
	if v.Pipeline == "" || v.Package == "" || v.SpecDigest == "" || v.RunID == "" {
		return v, false, fault.New(fault.Invalid, "a pipeline version needs a pipeline, a package, the digest of its spec, and the run that published it")
	}
	created := false
	err := s.Transact(ctx, "recording a pipeline version", func(tx *sql.Tx) error {
		created = false
		known, err := s.known(ctx, tx, &v, "SELECT document FROM pipeline_versions WHERE pipeline = ? AND run_id = ?", v.Pipeline, v.RunID)
		if known || err != nil {
			return err
		}
		var newest registry.PipelineVersion
		known, err = s.known(ctx, tx, &newest, "SELECT document FROM pipeline_versions WHERE pipeline = ? ORDER BY version DESC LIMIT 1", v.Pipeline)
		if err != nil {
			return err
		}
		if known {
			if v.Owner, err = registry.NextOwner(newest.Owner, v.Pipeline, v.Repository, v.Trigger, v.TakeOver); err != nil {
				return err
			}
			if newest.Package == v.Package && newest.Owner == v.Owner {
				v = newest
				return nil
			}
		}
		v.Version, v.CreatedAt = newest.Version+1, now()
		document, err := json.Marshal(v)
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "a pipeline version that is not JSON")
		}
		_, err = tx.ExecContext(ctx, s.Dialect.Rebind("INSERT INTO pipeline_versions (pipeline, version, package, run_id, document, created_at) VALUES (?, ?, ?, ?, ?, ?)"),
			v.Pipeline, v.Version, v.Package, v.RunID, string(document), v.CreatedAt.UnixMicro())
		created = true
		return err
	})
	return v, created && err == nil, err
}

func (s *store) PipelineVersions(ctx context.Context, pipeline string) ([]registry.PipelineVersion, error) {
	return documents[registry.PipelineVersion](ctx, s, "SELECT document FROM pipeline_versions WHERE pipeline = ? ORDER BY version DESC", pipeline)
}
