package featuredb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
)

func (s *featureStore) Manifest(ctx context.Context, view string, version int) (json.RawMessage, error) {
	var manifest string
	err := s.QueryRowContext(ctx, s.Dialect.Rebind("SELECT manifest FROM feature_manifests WHERE view = ? AND version = ?"), view, version).Scan(&manifest)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return json.RawMessage(manifest), s.Faulty(err, "reading what was computed of a view")
}

func (s *featureStore) PutManifest(ctx context.Context, view string, version int, manifest json.RawMessage) error {
	_, err := s.ExecContext(ctx, s.Dialect.Rebind("INSERT INTO feature_manifests (view, version, manifest) VALUES (?, ?, ?) ON CONFLICT (view, version) DO UPDATE SET manifest = excluded.manifest"),
		view, version, string(manifest))
	return s.Faulty(err, "keeping what was computed of a view")
}

func (s *featureStore) Manifests(ctx context.Context) ([]json.RawMessage, error) {
	manifests := []json.RawMessage{}
	rows, err := s.reads.QueryContext(ctx, `SELECT manifest FROM feature_manifests UNION SELECT manifest FROM feature_progress WHERE manifest <> '' UNION SELECT begun FROM feature_progress`) //nolint:sqlclosecheck // each does
	err = each(rows, err, func() error {
		var manifest string
		err := rows.Scan(&manifest)
		manifests = append(manifests, json.RawMessage(manifest))
		return err
	})
	return manifests, s.Faulty(err, "reading what was computed of views")
}
