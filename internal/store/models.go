package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

func (s *store) RegisterVersion(ctx context.Context, v registry.ModelVersion) (registry.ModelVersion, bool, error) {
	if v.Name == "" || v.Digest == "" || v.Meaning == "" {
		return v, false, fault.New(fault.Invalid, "a model version needs a name, a digest and the meaning of its label")
	}
	created := false
	err := s.Transact(ctx, "registering a model version", func(tx *sql.Tx) error {
		created = false
		known, err := s.known(ctx, tx, &v, "SELECT document FROM model_versions WHERE name = ? AND digest = ? AND meaning = ? AND predictor = ?",
			v.Name, v.Digest, v.Meaning, v.Predictor)
		if known || err != nil {
			return err
		}
		last, err := s.last(ctx, tx, "SELECT COALESCE(MAX(version), 0) FROM model_versions WHERE name = ?", v.Name)
		if err != nil {
			return err
		}
		v.Version, v.CreatedAt = last+1, now()
		document, err := json.Marshal(v)
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "a model version that is not JSON")
		}
		_, err = tx.ExecContext(ctx, s.Dialect.Rebind("INSERT INTO model_versions (name, version, digest, meaning, predictor, document, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)"),
			v.Name, v.Version, v.Digest, v.Meaning, v.Predictor, string(document), v.CreatedAt.UnixMicro())
		created = true
		return err
	})
	return v, created && err == nil, err
}

func (s *store) Version(ctx context.Context, name string, version int) (registry.ModelVersion, error) {
	var v registry.ModelVersion
	err := s.document(ctx, &v, fmt.Sprintf("there is no version %d of model %q; `loanops models list` shows those that there are", version, name),
		"SELECT document FROM model_versions WHERE name = ? AND version = ?", name, version)
	return v, err
}

func (s *store) Versions(ctx context.Context, name string) ([]registry.ModelVersion, error) {
	if name == "" {
		return documents[registry.ModelVersion](ctx, s, "SELECT document FROM model_versions ORDER BY name, version DESC")
	}
	return documents[registry.ModelVersion](ctx, s, "SELECT document FROM model_versions WHERE name = ? ORDER BY version DESC", name)
}
