package database

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/fault"
)

// Database is one that is open.
type Database struct {
	*sql.DB
	Dialect Dialect
	// Name is what people call it.
	Name   string
	source string
}

// attempts is how often a lost race is run again before it becomes the caller's conflict.
const attempts = 50

// Ping reports whether the database answers.
func (d *Database) Ping(ctx context.Context) error {
	if err := d.PingContext(ctx); err != nil {
		return d.Dialect.Fault(err, "%s does not answer", d.Name)
	}
	return nil
}

// Readers are connections that read only: those of SQLite need not wait for the one that writes. With PostgreSQL they are the database's own.
func (d *Database) Readers() (*sql.DB, error) {
	if d.Dialect == PostgreSQL {
		return d.DB, nil
	}
	// What a connection keeps of the file is void once another has written: reading where the system has it costs no call.
	db, err := sql.Open(d.Dialect.driver(), strings.Replace(d.source, "&_txlock=immediate", "&_pragma=query_only(1)&_pragma=mmap_size(1073741824)", 1))
	if err != nil {
		return nil, fault.New(fault.Unavailable, "%s cannot be opened", d.Name)
	}
	return db, nil
}

// Transact runs work in a transaction, again when another writer was faster. What is the database's own fault says what was being done.
func (d *Database) Transact(ctx context.Context, what string, work func(tx *sql.Tx) error) error {
	var err error
	for range attempts {
		if err = d.once(ctx, work); !d.Dialect.Conflict(err) {
			break
		}
	}
	return d.Faulty(err, what)
}

func (d *Database) once(ctx context.Context, work func(tx *sql.Tx) error) error {
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := work(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// Faulty gives an error of a statement that has no code one of the database, and says what was being done.
func (d *Database) Faulty(err error, what string) error {
	if err == nil || fault.CodeOf(err) != fault.Internal {
		return err
	}
	return d.Dialect.Fault(err, "%s", what)
}

// Now is the time of writing, as precise as databases keep it.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
