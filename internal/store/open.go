// Package store keeps the registry in SQLite or PostgreSQL. Both run the same statements; what differs (opening, placeholders,
// error codes) is in dialect.go. Package storetest is the contract that both pass.
package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	migratesqlite "github.com/golang-migrate/migrate/v4/database/sqlite"
	"github.com/golang-migrate/migrate/v4/source/iofs"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/migrations"
)

// OpenExisting opens a database as Open does, but makes no SQLite file: where there is none it is fault.NotFound. A mistyped path is no new database.
func OpenExisting(ctx context.Context, url string) (registry.Registry, error) {
	if path, isFile := strings.CutPrefix(url, sqliteScheme); isFile {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return nil, fault.New(fault.NotFound, "there is no database %s (LOANOPS_DATABASE); `loanops up` or a worker makes it", path)
		}
	}
	return Open(ctx, url)
}

// Open opens the database at url, sqlite:///absolute/path or postgres://…, and brings its schema up to date; one whose schema another LoanOps made
// is fault.Conflict. Errors never contain the url: it may hold a password.
func Open(ctx context.Context, url string) (registry.Registry, error) {
	d, source, err := dialectOf(url)
	if err != nil {
		return nil, err
	}
	if d == sqlite {
		if err := os.MkdirAll(filepath.Dir(strings.TrimPrefix(url, sqliteScheme)), 0o700); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "database folder")
		}
	}
	if err := migrateUp(ctx, d, source, strings.TrimPrefix(url, sqliteScheme)); err != nil {
		return nil, err
	}
	db, err := sql.Open(d.driver(), source)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "the metadata database cannot be opened")
	}
	s := &store{db: db, dialect: d}
	if d == sqlite {
		db.SetMaxOpenConns(1) // one writer per process; further processes wait their turn (busy_timeout)
	}
	if err := s.Ping(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return s, nil
}

// migrateUp applies what is missing. Several processes may do so at once: PostgreSQL is locked by golang-migrate, SQLite by a
// lock file, since its driver's lock holds within one process only.
func migrateUp(ctx context.Context, d dialect, source, path string) error {
	if d == sqlite {
		unlock, err := lockFile(path + ".migrate")
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "lock for migrations")
		}
		defer unlock()
	}
	db, err := sql.Open(d.driver(), source)
	if err != nil {
		return fault.New(fault.Unavailable, "the metadata database cannot be opened")
	}
	var target database.Driver
	if d == sqlite {
		target, err = migratesqlite.WithInstance(db, &migratesqlite.Config{})
	} else {
		target, err = migratepgx.WithInstance(db, &migratepgx.Config{})
	}
	if err != nil {
		db.Close()
		return d.fault(err, "the metadata database does not answer")
	}
	folder, err := fs.Sub(migrations.FS, d.folder())
	if err != nil {
		return fault.Wrap(fault.Internal, err, "migrations")
	}
	files, err := iofs.New(folder, ".")
	if err != nil {
		return fault.Wrap(fault.Internal, err, "migrations")
	}
	m, err := migrate.NewWithInstance("embedded", files, d.folder(), target)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "migrations")
	}
	defer m.Close()
	ours := applied{db: db, dialect: d, files: folder}
	switch _, dirty, err := m.Version(); {
	case errors.Is(err, migrate.ErrNilVersion): // an empty database
	case err != nil:
		return d.fault(err, "reading the metadata database")
	case !dirty: // else another process may be at it, for which Up waits
		if err := ours.check(ctx); err != nil {
			return err
		}
	}
	if err := m.Up(); err != nil && !errors.Is(err, migrate.ErrNoChange) {
		return fault.Wrap(fault.Internal, err, "migrating the metadata database; a schema newer than this program needs a newer program")
	}
	return ours.record(ctx)
}
