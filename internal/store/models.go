package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

func (s *store) RegisterVersion(ctx context.Context, v registry.ModelVersion) (registry.ModelVersion, bool, error) {
	if v.Name == "" || v.Digest == "" {
		return v, false, fault.New(fault.Invalid, "a model version needs a name and a digest")
	}
	created := false
	err := s.transact(ctx, "registering a model version", func(tx *sql.Tx) error {
		created = false
		var text string
		err := tx.QueryRowContext(ctx, s.dialect.rebind("SELECT document FROM model_versions WHERE name = ? AND digest = ?"), v.Name, v.Digest).Scan(&text)
		if err == nil {
			return json.Unmarshal([]byte(text), &v)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var last int
		if err := tx.QueryRowContext(ctx, s.dialect.rebind("SELECT COALESCE(MAX(version), 0) FROM model_versions WHERE name = ?"), v.Name).Scan(&last); err != nil {
			return err
		}
		v.Version, v.CreatedAt = last+1, now()
		document, err := json.Marshal(v)
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "a model version that is not JSON")
		}
		_, err = tx.ExecContext(ctx, s.dialect.rebind("INSERT INTO model_versions (name, version, digest, document, created_at) VALUES (?, ?, ?, ?, ?)"),
			v.Name, v.Version, v.Digest, string(document), v.CreatedAt.UnixMicro())
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

func (s *store) MoveAliases(ctx context.Context, op registry.AliasOperation) ([]registry.AliasMove, error) {
	if op.ID == "" || op.Name == "" || op.Actor == "" || op.Reason == "" {
		return nil, fault.New(fault.Invalid, "an alias operation needs an ID, a model, an actor and a reason")
	}
	var moves []registry.AliasMove
	err := s.transact(ctx, "moving aliases", func(tx *sql.Tx) error {
		moves = []registry.AliasMove{}
		history, err := s.history(ctx, tx, op.Name)
		if err != nil {
			return err
		}
		for _, move := range history {
			if move.Operation == op.ID {
				moves = append(moves, move)
			}
		}
		if len(moves) > 0 {
			return nil
		}
		for _, change := range op.Changes {
			if err := s.versionExists(ctx, tx, op.Name, change.Version); err != nil {
				return err
			}
		}
		moves = append(moves, registry.Next(history, op, now())...)
		for _, m := range moves {
			_, err := tx.ExecContext(ctx, s.dialect.rebind(
				"INSERT INTO alias_moves (name, seq, alias, version, from_version, actor, reason, at, operation, prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
				m.Name, m.Seq, m.Alias, m.Version, m.From, m.Actor, m.Reason, m.At.UnixMicro(), m.Operation, m.PrevHash, m.Hash)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return moves, err
}

// versionExists accepts 0: the alias is removed.
func (s *store) versionExists(ctx context.Context, tx *sql.Tx, name string, version int) error {
	if version == 0 {
		return nil
	}
	var one int
	err := tx.QueryRowContext(ctx, s.dialect.rebind("SELECT 1 FROM model_versions WHERE name = ? AND version = ?"), name, version).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.New(fault.NotFound, "there is no version %d of model %q", version, name)
	}
	return err
}

func (s *store) Aliases(ctx context.Context, name string) (map[string]int, error) {
	history, err := s.AliasHistory(ctx, name)
	if err != nil {
		return nil, err
	}
	return registry.Current(history), nil
}

func (s *store) AliasHistory(ctx context.Context, name string) ([]registry.AliasMove, error) {
	return s.history(ctx, s.db, name)
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// history reads and verifies a model's alias chain.
func (s *store) history(ctx context.Context, q querier, name string) ([]registry.AliasMove, error) {
	rows, err := q.QueryContext(ctx, s.dialect.rebind(
		"SELECT name, seq, alias, version, from_version, actor, reason, at, operation, prev_hash, hash FROM alias_moves WHERE name = ? ORDER BY seq"), name)
	if err != nil {
		return nil, s.dialect.fault(err, "reading the alias history")
	}
	defer rows.Close()
	history := []registry.AliasMove{}
	for rows.Next() {
		var m registry.AliasMove
		var at int64
		if err := rows.Scan(&m.Name, &m.Seq, &m.Alias, &m.Version, &m.From, &m.Actor, &m.Reason, &at, &m.Operation, &m.PrevHash, &m.Hash); err != nil {
			return nil, s.dialect.fault(err, "reading the alias history")
		}
		m.At = time.UnixMicro(at).UTC()
		history = append(history, m)
	}
	if err := rows.Err(); err != nil {
		return nil, s.dialect.fault(err, "reading the alias history")
	}
	return history, registry.VerifyChain(history)
}
