// Package database opens SQLite and PostgreSQL databases whose schemas migrations make. Both run the same statements; what differs (opening,
// placeholders, error codes) is in dialect.go.
package database

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	slashpath "path"
	"path/filepath"
	"strings"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	migratesqlite "github.com/golang-migrate/migrate/v4/database/sqlite"
	"github.com/golang-migrate/migrate/v4/source/iofs"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/migrations"
)

// Schema is what a database of ours holds: which migrations make it, and where they are noted.
type Schema struct {
	name     string // of the database, to people
	variable string // that has its URL
	folder   string // of its migrations, with one of each dialect below
	noted    string // golang-migrate's table; empty is its default
	applied  string // the table of the migrations' digests
	identity bool   // it has an identity of its own
	// synchronous is SQLite's: 1 may lose the last transactions when the machine (not the program) fails, 2 loses none.
	synchronous int
}

var (
	// Metadata is the registry's.
	Metadata = Schema{name: "the metadata database", variable: "LOANOPS_DATABASE", folder: ".", applied: "applied_migrations", identity: true, synchronous: 1}
	// Features is the feature store's. It may share a PostgreSQL database with Metadata: no table of theirs has the same name.
	Features = Schema{name: "the feature database", variable: "LOANOPS_FEATURES_DATABASE", folder: "features", noted: "feature_migrations", applied: "feature_applied_migrations", synchronous: 2}
)

// Exists is fault.NotFound where the URL is of a SQLite file that is not there: a mistyped path is no new database.
func (sc Schema) Exists(url string) error {
	if path, isFile := strings.CutPrefix(url, sqliteScheme); isFile {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return fault.New(fault.NotFound, "there is no database %s (%s); `loanops up` or a worker makes it", path, sc.variable)
		}
	}
	return nil
}

// Open opens the database at url, sqlite:///absolute/path or postgres://…, and brings its schema up to date; one whose schema another LoanOps made
// is fault.Conflict. Errors never contain the url: it may hold a password.
func (sc Schema) Open(ctx context.Context, url string) (db Database, err error) {
	d, source, err := dialectOf(sc, url)
	if err != nil {
		return db, err
	}
	if d == SQLite {
		if err := os.MkdirAll(filepath.Dir(strings.TrimPrefix(url, sqliteScheme)), 0o700); err != nil {
			return db, fault.Wrap(fault.Unavailable, err, "database folder")
		}
	}
	if err := sc.migrateUp(ctx, d, source, strings.TrimPrefix(url, sqliteScheme)); err != nil {
		return db, err
	}
	pool, err := sql.Open(d.driver(), source)
	if err != nil {
		return db, fault.New(fault.Unavailable, "%s cannot be opened", sc.name)
	}
	db = Database{DB: pool, Dialect: d, Name: sc.name, source: source}
	if d == SQLite {
		pool.SetMaxOpenConns(1) // one writer per process; further processes wait their turn (busy_timeout)
	}
	if err := db.Ping(ctx); err != nil {
		pool.Close()
		return db, err
	}
	return db, nil
}

// migrateUp applies what is missing. Several processes may do so at once: PostgreSQL is locked by golang-migrate, SQLite by a
// lock file, since its driver's lock holds within one process only.
func (sc Schema) migrateUp(ctx context.Context, d Dialect, source, path string) error {
	if d == SQLite {
		unlock, err := lockFile(path + ".migrate")
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "lock for migrations")
		}
		defer unlock()
	}
	db, err := sql.Open(d.driver(), source)
	if err != nil {
		return fault.New(fault.Unavailable, "%s cannot be opened", sc.name)
	}
	var target database.Driver
	if d == SQLite {
		target, err = migratesqlite.WithInstance(db, &migratesqlite.Config{MigrationsTable: sc.noted})
	} else {
		target, err = migratepgx.WithInstance(db, &migratepgx.Config{MigrationsTable: sc.noted})
	}
	if err != nil {
		db.Close()
		return d.Fault(err, "%s does not answer", sc.name)
	}
	folder, err := fs.Sub(migrations.FS, slashpath.Join(sc.folder, d.folder()))
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
	ours := applied{db: db, dialect: d, files: folder, schema: sc}
	switch _, dirty, err := m.Version(); {
	case errors.Is(err, migrate.ErrNilVersion): // an empty database
	case err != nil:
		return d.Fault(err, "reading %s", sc.name)
	case !dirty: // else another process may be at it, for which Up waits
		if err := ours.check(ctx); err != nil {
			return err
		}
	}
	if err := m.Up(); err != nil && !errors.Is(err, migrate.ErrNoChange) {
		return fault.Wrap(fault.Internal, err, "migrating %s; a schema newer than this program needs a newer program", sc.name)
	}
	return ours.record(ctx)
}
