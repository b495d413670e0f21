package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/loanops/loanops/internal/fault"
)

// store implements registry.Registry on database/sql.
type store struct {
	db      *sql.DB
	dialect dialect
}

// attempts is how often a lost race is run again before it becomes the caller's conflict.
const attempts = 50

func (s *store) Ping(ctx context.Context) error {
	if err := s.db.PingContext(ctx); err != nil {
		return s.dialect.fault(err, "the metadata database does not answer")
	}
	return nil
}

func (s *store) Identity(ctx context.Context) (id string, err error) {
	if err := s.db.QueryRowContext(ctx, "SELECT id FROM identity").Scan(&id); err != nil {
		return "", s.dialect.fault(err, "reading the metadata database")
	}
	return id, nil
}

func (s *store) Close() error { return s.db.Close() }

// transact runs work in a transaction, again when another writer was faster.
func (s *store) transact(ctx context.Context, what string, work func(tx *sql.Tx) error) error {
	var err error
	for range attempts {
		if err = s.once(ctx, work); !s.dialect.conflict(err) {
			break
		}
	}
	if err == nil || fault.CodeOf(err) != fault.Internal {
		return err
	}
	return s.dialect.fault(err, "%s", what)
}

func (s *store) once(ctx context.Context, work func(tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := work(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *store) exec(ctx context.Context, what, statement string, args ...any) error {
	if _, err := s.db.ExecContext(ctx, s.dialect.rebind(statement), args...); err != nil {
		return s.dialect.fault(err, "%s", what)
	}
	return nil
}

// document reads the one JSON column of the one row into v. No row is NotFound with the text.
func (s *store) document(ctx context.Context, v any, notFound, statement string, args ...any) error {
	var text string
	err := s.db.QueryRowContext(ctx, s.dialect.rebind(statement), args...).Scan(&text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fault.New(fault.NotFound, "%s", notFound)
	case err != nil:
		return s.dialect.fault(err, "reading the metadata database")
	}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return fault.Wrap(fault.Internal, err, "a row of the metadata database is not readable")
	}
	return nil
}

// known reads the one JSON column of one row as a transaction sees it; false where there is none.
func (s *store) known(ctx context.Context, tx *sql.Tx, v any, statement string, args ...any) (bool, error) {
	var text string
	err := tx.QueryRowContext(ctx, s.dialect.rebind(statement), args...).Scan(&text)
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
	err = tx.QueryRowContext(ctx, s.dialect.rebind(statement), args...).Scan(&number)
	return number, err
}

// documents reads the one JSON column of every row.
func documents[T any](ctx context.Context, s *store, statement string, args ...any) ([]T, error) {
	rows, err := s.db.QueryContext(ctx, s.dialect.rebind(statement), args...)
	if err != nil {
		return nil, s.dialect.fault(err, "reading the metadata database")
	}
	defer rows.Close()
	all := []T{}
	for rows.Next() {
		var text string
		var v T
		if err := rows.Scan(&text); err != nil {
			return nil, s.dialect.fault(err, "reading the metadata database")
		}
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "a row of the metadata database is not readable")
		}
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		return nil, s.dialect.fault(err, "reading the metadata database")
	}
	return all, nil
}

// now is the time of writing, as precise as the database keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
