package database

import (
	"context"
	"crypto/rand"
	"database/sql"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/sha256hex"
)

// applied holds a database's schema against the migrations of this program. Their numbers do not tell: a migration that was edited after it was applied
// has the same number, and what it adds is missing.
type applied struct {
	db      *sql.DB
	dialect Dialect
	files   fs.FS
	schema  Schema
}

// sums are the digests of this program's migrations, by their number.
func (a applied) sums() (map[int]string, error) {
	names, err := fs.Glob(a.files, "*.up.sql")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "migrations")
	}
	sums := map[int]string{}
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "migrations")
		}
		data, err := fs.ReadFile(a.files, name)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "migrations")
		}
		sums[version] = sha256hex.Of(data)
	}
	return sums, nil
}

// check refuses a schema that other migrations made. One whose digest is not recorded was applied by a process that ended at that moment.
func (a applied) check(ctx context.Context) error {
	sums, err := a.sums()
	if err != nil {
		return err
	}
	rows, err := a.db.QueryContext(ctx, "SELECT version, sha256 FROM "+a.schema.applied)
	if err != nil {
		if a.dialect.noTable(err) {
			return a.another("it does not say what made it")
		}
		return a.dialect.Fault(err, "reading %s", a.schema.name)
	}
	defer rows.Close()
	for rows.Next() {
		var version int
		var sum string
		if err := rows.Scan(&version, &sum); err != nil {
			return a.dialect.Fault(err, "reading %s", a.schema.name)
		}
		if ours, known := sums[version]; known && ours != sum { // a newer one that is not known, Up refuses
			return a.another("its migration " + strconv.Itoa(version) + " is not this program's")
		}
	}
	if err := rows.Err(); err != nil {
		return a.dialect.Fault(err, "reading %s", a.schema.name)
	}
	return nil
}

func (a applied) another(why string) error {
	return fault.New(fault.Conflict, "%s has the schema of another LoanOps: %s; use the program that made it, or begin with an empty database (with `loanops up`: another --state)", a.schema.name, why)
}

// record writes what made the schema, and, once, the database's identity where it has one.
func (a applied) record(ctx context.Context) error {
	sums, err := a.sums()
	if err != nil {
		return err
	}
	for version, sum := range sums {
		if _, err := a.db.ExecContext(ctx, a.dialect.Rebind("INSERT INTO "+a.schema.applied+" (version, sha256) VALUES (?, ?) ON CONFLICT DO NOTHING"), version, sum); err != nil {
			return a.dialect.Fault(err, "recording the migrations")
		}
	}
	if !a.schema.identity {
		return nil
	}
	if _, err := a.db.ExecContext(ctx, a.dialect.Rebind("INSERT INTO identity (one, id) VALUES (1, ?) ON CONFLICT DO NOTHING"), rand.Text()); err != nil {
		return a.dialect.Fault(err, "recording the database's identity")
	}
	return nil
}
