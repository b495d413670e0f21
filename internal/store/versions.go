package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

func (s *store) PutPipelineVersion(ctx context.Context, v registry.PipelineVersion) (registry.PipelineVersion, bool, error) {
	if v.Pipeline == "" || v.Package == "" || v.SpecDigest == "" {
		return v, false, fault.New(fault.Invalid, "a pipeline version needs a pipeline, a package and the digest of its spec")
	}
	created := false
	err := s.transact(ctx, "recording a pipeline version", func(tx *sql.Tx) error {
		created = false
		known, err := s.known(ctx, tx, &v, "SELECT document FROM pipeline_versions WHERE pipeline = ? AND package = ?", v.Pipeline, v.Package)
		if known || err != nil {
			return err
		}
		last, err := s.last(ctx, tx, "SELECT COALESCE(MAX(version), 0) FROM pipeline_versions WHERE pipeline = ?", v.Pipeline)
		if err != nil {
			return err
		}
		v.Version, v.CreatedAt = last+1, now()
		document, err := json.Marshal(v)
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "a pipeline version that is not JSON")
		}
		_, err = tx.ExecContext(ctx, s.dialect.rebind("INSERT INTO pipeline_versions (pipeline, version, package, document, created_at) VALUES (?, ?, ?, ?, ?)"),
			v.Pipeline, v.Version, v.Package, string(document), v.CreatedAt.UnixMicro())
		created = true
		return err
	})
	return v, created && err == nil, err
}

func (s *store) PipelineVersions(ctx context.Context, pipeline string) ([]registry.PipelineVersion, error) {
	return documents[registry.PipelineVersion](ctx, s, "SELECT document FROM pipeline_versions WHERE pipeline = ? ORDER BY version DESC", pipeline)
}
