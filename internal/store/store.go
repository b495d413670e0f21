// Package store keeps the registry in SQLite or PostgreSQL. Package storetest is the contract that both pass.
package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/loanops/loanops/internal/database"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// store implements registry.Registry on database/sql.
type store struct{ database.Database }

// OpenExisting opens a database as Open does, but makes no SQLite file: where there is none it is fault.NotFound.
func OpenExisting(ctx context.Context, url string) (registry.Registry, error) {
	if err := database.Metadata.Exists(url); err != nil {
		return nil, err
	}
	return Open(ctx, url)
}

// Open opens the metadata database at url, see database.Schema.Open.
func Open(ctx context.Context, url string) (registry.Registry, error) {
	db, err := database.Metadata.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	return &store{db}, nil
}

func (s *store) Identity(ctx context.Context) (id string, err error) {
	if err := s.QueryRowContext(ctx, "SELECT id FROM identity").Scan(&id); err != nil {
		return "", s.Dialect.Fault(err, "reading the metadata database")
	}
	return id, nil
}

func (s *store) exec(ctx context.Context, what, statement string, args ...any) error {
	if _, err := s.ExecContext(ctx, s.Dialect.Rebind(statement), args...); err != nil {
		return s.Dialect.Fault(err, "%s", what)
	}
	return nil
}

// document reads the one JSON column of the one row into v. No row is NotFound with the text.
func (s *store) document(ctx context.Context, v any, notFound, statement string, args ...any) error {
	var text string
	err := s.QueryRowContext(ctx, s.Dialect.Rebind(statement), args...).Scan(&text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fault.New(fault.NotFound, "%s", notFound)
	case err != nil:
		return s.Dialect.Fault(err, "reading the metadata database")
	}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return fault.Wrap(fault.Internal, err, "a row of the metadata database is not readable")
	}
	return nil
}

// known reads the one JSON column of one row as a transaction sees it; false where there is none.
func (s *store) known(ctx context.Context, tx *sql.Tx, v any, statement string, args ...any) (bool, error) {
	var text string
	err := tx.QueryRowContext(ctx, s.Dialect.Rebind(statement), args...).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, json.Unmarshal([]byte(text), v)
}

// last is the newest number that a transaction sees; 0 where there is none.
func (s *store) last(ctx context.Context, tx *sql.Tx, statement string, args ...any) (number int, err error) {
	err = tx.QueryRowContext(ctx, s.Dialect.Rebind(statement), args...).Scan(&number)
	return number, err
}

// documents reads the one JSON column of every row.
func documents[T any](ctx context.Context, s *store, statement string, args ...any) ([]T, error) {
	rows, err := s.QueryContext(ctx, s.Dialect.Rebind(statement), args...)
	if err != nil {
		return nil, s.Dialect.Fault(err, "reading the metadata database")
	}
	defer rows.Close()
	all := []T{}
	for rows.Next() {
		var text string
		var v T
		if err := rows.Scan(&text); err != nil {
			return nil, s.Dialect.Fault(err, "reading the metadata database")
		}
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "a row of the metadata database is not readable")
		}
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		return nil, s.Dialect.Fault(err, "reading the metadata database")
	}
	return all, nil
}

// now is the time of writing.
var now = database.Now
