package database

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gofrs/flock"
	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
	sqlitedriver "modernc.org/sqlite"

	"github.com/loanops/loanops/internal/fault"
)

// Dialect is one of the two databases.
type Dialect int

// The dialects.
const (
	SQLite Dialect = iota
	PostgreSQL
)

const sqliteScheme = "sqlite://"

// dialectOf returns the dialect of a database's URL and the driver's data source name.
func dialectOf(sc Schema, url string) (Dialect, string, error) {
	switch {
	case strings.HasPrefix(url, sqliteScheme+"/"):
		path := strings.TrimPrefix(url, sqliteScheme)
		return SQLite, fmt.Sprintf("file:%s?_pragma=busy_timeout(30000)&_pragma=journal_mode(wal)&_pragma=synchronous(%d)&_pragma=foreign_keys(1)&_txlock=immediate", path, sc.synchronous), nil
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		return PostgreSQL, url, nil
	default:
		return 0, "", fault.New(fault.Invalid, "%s: sqlite:///absolute/path or postgres://… is wanted", sc.variable)
	}
}

func (d Dialect) driver() string { return [...]string{"sqlite", "pgx"}[d] }
func (d Dialect) folder() string { return [...]string{"sqlite", "postgres"}[d] }

// Rebind turns the ? placeholders of a statement into PostgreSQL's $1, $2 ….
func (d Dialect) Rebind(statement string) string {
	if d == SQLite {
		return statement
	}
	var b strings.Builder
	n := 0
	for _, r := range statement {
		if r == '?' {
			n++
			fmt.Fprintf(&b, "$%d", n)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Codes of unique and primary key violations and of lost races.
const (
	sqliteConstraintPrimary = 1555
	sqliteConstraintUnique  = 2067
	postgresUnique          = "23505"
	postgresSerialization   = "40001"
	postgresDeadlock        = "40P01"
	postgresNoTable         = "42P01"
)

// noTable reports whether a statement names a table that is not there.
func (d Dialect) noTable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == postgresNoTable
	}
	return d == SQLite && strings.Contains(err.Error(), "no such table") // SQLite has no code of its own for it
}

// Conflict reports whether the statement lost against another writer.
func (d Dialect) Conflict(err error) bool {
	var lite *sqlitedriver.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqliteConstraintPrimary || lite.Code() == sqliteConstraintUnique
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == postgresUnique || pg.Code == postgresSerialization || pg.Code == postgresDeadlock
	}
	return false
}

// Fault gives a database's error a code: Conflict for a lost race, Unavailable for everything that may pass.
func (d Dialect) Fault(err error, format string, args ...any) error {
	code := fault.Unavailable
	if d.Conflict(err) {
		code = fault.Conflict
	}
	return fault.Wrap(code, err, format, args...)
}

// lockFile waits for the file's lock; the system frees it when the process ends.
func lockFile(path string) (unlock func(), err error) {
	lock := flock.New(path)
	if err := lock.Lock(); err != nil {
		return nil, err
	}
	return func() { _ = lock.Close() }, nil
}
