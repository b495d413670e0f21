package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/sha256hex"
)

func (s *store) PutSchemaVersion(ctx context.Context, v registry.SchemaVersion, by *registry.SchemaAcceptance) (registry.SchemaVersion, error) {
	if v.Pipeline == "" || v.Schema.SHA256 == "" || v.Declared.SHA256 == "" {
		return v, fault.New(fault.Invalid, "a schema version needs a pipeline, a schema and what was declared")
	}
	digest, err := schemaDigest(v)
	if err != nil {
		return v, err
	}
	err = s.Transact(ctx, "recording a schema version", func(tx *sql.Tx) error {
		last, err := s.lastAccepted(ctx, tx, v.Pipeline)
		if err != nil {
			return err
		}
		err = tx.QueryRowContext(ctx, s.Dialect.Rebind("SELECT version FROM schema_versions WHERE pipeline = ? AND digest = ?"), v.Pipeline, digest).Scan(&v.Version)
		if errors.Is(err, sql.ErrNoRows) {
			if err = s.insertSchema(ctx, tx, &v, digest); err != nil {
				return err
			}
		} else if err != nil || last.version == v.Version {
			return err
		} else if accepted, err := s.wasAccepted(ctx, tx, v.Pipeline, v.Version); err != nil || accepted {
			return err // a person went back from it since
		}
		if by == nil {
			return nil
		}
		if last.version != v.Parent {
			return fault.New(fault.Conflict, "version %d of the schema of %q is current, no longer %d", last.version, v.Pipeline, v.Parent)
		}
		return s.insertAcceptance(ctx, tx, last, v.Pipeline, v.Version, *by)
	})
	if err != nil {
		return v, err
	}
	return s.schemaVersion(ctx, v.Pipeline, v.Version)
}

func (s *store) wasAccepted(ctx context.Context, tx *sql.Tx, pipeline string, version int) (accepted bool, err error) {
	var times int
	err = tx.QueryRowContext(ctx, s.Dialect.Rebind("SELECT COUNT(*) FROM schema_acceptances WHERE pipeline = ? AND version = ?"), pipeline, version).Scan(&times)
	return times > 0, err
}

// schemaDigest is the identity of a version: what it says, and what it changes.
func schemaDigest(v registry.SchemaVersion) (string, error) {
	identity, err := json.Marshal([]any{v.Parent, v.Schema.SHA256, v.Declared.SHA256, v.Unused})
	return sha256hex.Of(identity), fault.Wrap(fault.Internal, err, "encoding a schema version")
}

// accepted is the last acceptance of a pipeline's schema: which version, and its place among them, from 1; zeros before the first.
type accepted struct{ version, nth int }

func (s *store) lastAccepted(ctx context.Context, tx *sql.Tx, pipeline string) (last accepted, err error) {
	err = tx.QueryRowContext(ctx, s.Dialect.Rebind("SELECT version, nth FROM schema_acceptances WHERE pipeline = ? ORDER BY nth DESC LIMIT 1"), pipeline).Scan(&last.version, &last.nth)
	if errors.Is(err, sql.ErrNoRows) {
		return accepted{}, nil
	}
	return last, err
}

func (s *store) insertSchema(ctx context.Context, tx *sql.Tx, v *registry.SchemaVersion, digest string) error {
	if err := tx.QueryRowContext(ctx, s.Dialect.Rebind("SELECT COALESCE(MAX(version), 0) + 1 FROM schema_versions WHERE pipeline = ?"), v.Pipeline).Scan(&v.Version); err != nil {
		return err
	}
	v.CreatedAt = now()
	document, err := json.Marshal(v)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "encoding a schema version")
	}
	_, err = tx.ExecContext(ctx, s.Dialect.Rebind("INSERT INTO schema_versions (pipeline, version, digest, document) VALUES (?, ?, ?, ?)"), v.Pipeline, v.Version, digest, string(document))
	return err
}

// insertAcceptance follows the acceptance that was read: when another one has, this loses the race.
func (s *store) insertAcceptance(ctx context.Context, tx *sql.Tx, last accepted, pipeline string, version int, a registry.SchemaAcceptance) error {
	_, err := tx.ExecContext(ctx, s.Dialect.Rebind("INSERT INTO schema_acceptances (pipeline, nth, version, actor, reason, at) VALUES (?, ?, ?, ?, ?, ?)"),
		pipeline, last.nth+1, version, a.Actor, a.Reason, now().UnixMicro())
	return err
}

func (s *store) AcceptSchema(ctx context.Context, pipeline string, version int, a registry.SchemaAcceptance) (registry.SchemaVersion, error) {
	v, err := s.schemaVersion(ctx, pipeline, version)
	if err != nil {
		return registry.SchemaVersion{}, err
	}
	err = s.Transact(ctx, "accepting a schema version", func(tx *sql.Tx) error {
		last, err := s.lastAccepted(ctx, tx, pipeline)
		if err != nil || last.version == version {
			return err
		}
		if len(v.Acceptances) == 0 && last.version != v.Parent {
			return fault.New(fault.Refused, "version %d of the schema of %q changes version %d, and %d is current since; the next training proposes what is still new", version, pipeline, v.Parent, last.version)
		}
		return s.insertAcceptance(ctx, tx, last, pipeline, version, a)
	})
	if err != nil {
		return registry.SchemaVersion{}, err
	}
	return s.schemaVersion(ctx, pipeline, version)
}

func (s *store) schemaVersion(ctx context.Context, pipeline string, version int) (registry.SchemaVersion, error) {
	versions, err := s.SchemaVersions(ctx, pipeline)
	if err != nil {
		return registry.SchemaVersion{}, err
	}
	for _, v := range versions {
		if v.Version == version {
			return v, nil
		}
	}
	return registry.SchemaVersion{}, fault.New(fault.NotFound, "there is no version %d of the schema of %q; `loanops schemas list %s` shows those that there are", version, pipeline, pipeline)
}

func (s *store) SchemaVersions(ctx context.Context, pipeline string) ([]registry.SchemaVersion, error) {
	versions, err := documents[registry.SchemaVersion](ctx, s, "SELECT document FROM schema_versions WHERE pipeline = ? ORDER BY version DESC", pipeline)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, s.Dialect.Rebind("SELECT version, actor, reason, at FROM schema_acceptances WHERE pipeline = ? ORDER BY nth"), pipeline)
	if err != nil {
		return nil, s.Dialect.Fault(err, "reading who accepted schemas")
	}
	defer rows.Close()
	last := 0
	for rows.Next() {
		var a registry.SchemaAcceptance
		var version int
		var at int64
		if err := rows.Scan(&version, &a.Actor, &a.Reason, &at); err != nil {
			return nil, s.Dialect.Fault(err, "reading who accepted schemas")
		}
		a.At = time.UnixMicro(at).UTC()
		if version > len(versions) { // written since the versions were read
			continue
		}
		last = version
		place := len(versions) - version
		versions[place].Acceptances = append(versions[place].Acceptances, a)
	}
	if err := rows.Err(); err != nil {
		return nil, s.Dialect.Fault(err, "reading who accepted schemas")
	}
	for i := range versions {
		versions[i].Current = versions[i].Version == last
		if versions[i].Acceptances == nil {
			versions[i].Acceptances = []registry.SchemaAcceptance{}
		}
	}
	return versions, nil
}
