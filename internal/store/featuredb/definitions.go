package featuredb

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

const definitionColumns = "nth, kind, name, version, meaning, document, stage, actor, repository, at, what"

// Register reads the newest row and follows it. When another writer was faster the primary key refuses the row, and the transaction that runs again finds
// a newer one.
func (s *featureStore) Register(ctx context.Context, after int64, rows []feature.Registered) ([]feature.Registered, error) {
	for i := range rows {
		if err := complete(&rows[i]); err != nil {
			return nil, err
		}
	}
	registered := slices.Clone(rows)
	if len(rows) == 0 {
		return registered, nil
	}
	err := s.Transact(ctx, "registering definitions", func(tx *sql.Tx) error {
		if err := s.holdViews(ctx, tx, rows); err != nil {
			return err
		}
		var newest int64
		if err := tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(nth), 0) FROM feature_definitions").Scan(&newest); err != nil {
			return err
		}
		if newest != after {
			return fault.New(fault.Conflict, "the definitions changed since they were read: the newest row is %d, no longer %d; plan again", newest, after)
		}
		at := now()
		for i := range registered {
			registered[i].Nth, registered[i].At = after+int64(i)+1, at
			if err := s.insertDefinition(ctx, tx, &registered[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return registered, nil
}

// holdViews waits for who writes rows of the views: what is posted after this sees the versions that are live from now on.
func (s *featureStore) holdViews(ctx context.Context, tx *sql.Tx, rows []feature.Registered) error {
	var views []string
	for i := range rows {
		if rows[i].Kind == feature.KindView {
			views = append(views, rows[i].Name)
		}
	}
	slices.Sort(views) // two that hold several do not wait for each other
	for _, view := range slices.Compact(views) {
		if _, err := s.hold(ctx, tx, view); err != nil {
			return err
		}
	}
	return nil
}

// complete holds a row against what it must have.
func complete(r *feature.Registered) error {
	switch {
	case !slices.Contains([]feature.Kind{feature.KindEntity, feature.KindView, feature.KindExpression, feature.KindService}, r.Kind):
		return fault.New(fault.Invalid, "a definition of kind %q; entity, view, expression or service is wanted", r.Kind)
	case !slices.Contains([]feature.Stage{feature.Staged, feature.Active, feature.Retired}, r.Stage):
		return fault.New(fault.Invalid, "%s %q has stage %q; staged, active or retired is wanted", r.Kind, r.Name, r.Stage)
	case r.Name == "" || r.Version < 1 || r.Meaning == "" || r.Actor == "" || !json.Valid(r.Document):
		return fault.New(fault.Invalid, "%s %q: a row of the register needs a name, a version, the digest of its meaning, a JSON document and an actor", r.Kind, r.Name)
	}
	return nil
}

func (s *featureStore) insertDefinition(ctx context.Context, tx *sql.Tx, r *feature.Registered) error {
	var versions int
	if err := tx.QueryRowContext(ctx, s.Dialect.Rebind("SELECT COALESCE(MAX(version), 0) FROM feature_definitions WHERE kind = ? AND name = ?"), r.Kind, r.Name).Scan(&versions); err != nil {
		return err
	}
	if r.Version > versions+1 {
		return fault.New(fault.Invalid, "version %d of %s %q does not follow version %d", r.Version, r.Kind, r.Name, versions)
	}
	if r.Version <= versions {
		var meaning string
		if err := tx.QueryRowContext(ctx, s.Dialect.Rebind("SELECT meaning FROM feature_definitions WHERE kind = ? AND name = ? AND version = ? ORDER BY nth LIMIT 1"), r.Kind, r.Name, r.Version).Scan(&meaning); err != nil {
			return err
		}
		if meaning != r.Meaning {
			return fault.New(fault.Invalid, "version %d of %s %q means something else; a changed meaning is a new version", r.Version, r.Kind, r.Name)
		}
	}
	_, err := tx.ExecContext(ctx, s.Dialect.Rebind("INSERT INTO feature_definitions ("+definitionColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
		r.Nth, r.Kind, r.Name, r.Version, r.Meaning, string(r.Document), r.Stage, r.Actor, r.Repository, r.At.UnixMicro(), r.What)
	return err
}

func (s *featureStore) Registered(ctx context.Context, after int64) ([]feature.Registered, error) {
	rows, err := s.reads.QueryContext(ctx, s.Dialect.Rebind("SELECT "+definitionColumns+" FROM feature_definitions WHERE nth > ? ORDER BY nth"), after)
	all, err := scanDefinitions(rows, err)
	if err != nil {
		return nil, s.Faulty(err, "reading definitions")
	}
	return all, nil
}

func scanDefinitions(rows *sql.Rows, err error) ([]feature.Registered, error) {
	all := []feature.Registered{}
	err = each(rows, err, func() error {
		var r feature.Registered
		var document string
		var at int64
		if err := rows.Scan(&r.Nth, &r.Kind, &r.Name, &r.Version, &r.Meaning, &document, &r.Stage, &r.Actor, &r.Repository, &at, &r.What); err != nil {
			return err
		}
		r.Document, r.At = json.RawMessage(document), time.UnixMicro(at).UTC()
		all = append(all, r)
		return nil
	})
	return all, err
}
