// Package warehouse reads, joins and describes tables with DuckDB. What enters a model is computed elsewhere, in Go and in a fixed
// order of rows; a profile is for people.
package warehouse

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"

	_ "github.com/duckdb/duckdb-go/v2" // registers the driver "duckdb"

	"github.com/loanops/loanops/internal/fault"
)

// Warehouse is a DuckDB in memory that spills to a folder. It is safe for concurrent use: every call has a connection of its own.
type Warehouse struct {
	dir string
}

// Open checks that DuckDB works. dir, made when absent, takes what does not fit into memory.
func Open(dir string) (*Warehouse, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "warehouse folder")
	}
	w := &Warehouse{dir: dir}
	return w, w.session(context.Background(), func(session) error { return nil })
}

// Close has nothing to free: sessions end with their calls.
func (w *Warehouse) Close() error { return nil }

// session is one call's database. One thread keeps sums of floats and the order of rows the same at every run.
type session struct {
	db  *sql.DB
	ctx context.Context //nolint:containedctx // it lives as long as the call
}

func (w *Warehouse) session(ctx context.Context, work func(session) error) error {
	db, err := sql.Open("duckdb", "?threads=1&autoinstall_known_extensions=false&autoload_known_extensions=false")
	if err != nil {
		return fault.Wrap(fault.Internal, err, "DuckDB")
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	s := session{db, ctx}
	if err := s.exec("SET memory_limit = '2GB'; SET temp_directory = " + text(w.dir)); err != nil {
		return fault.Wrap(fault.Internal, err, "DuckDB")
	}
	return work(s)
}

func (s session) exec(statement string) error {
	_, err := s.db.ExecContext(s.ctx, statement)
	return err
}

// one reads one row.
func (s session) one(statement string, into ...any) error {
	return s.db.QueryRowContext(s.ctx, statement).Scan(into...)
}

// each calls use for every row after scanning it into the targets.
func (s session) each(statement string, use func(), into ...any) error {
	rows, err := s.db.QueryContext(s.ctx, statement)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		use()
	}
	return rows.Err()
}

// columns lists a table's column names in order.
func (s session) columns(table string) ([]string, error) {
	var names []string
	var name string
	err := s.each(fmt.Sprintf("SELECT column_name FROM (DESCRIBE %s)", quote(table)), func() { names = append(names, name) }, &name)
	return names, err
}

// quote quotes an identifier, text a string.
func quote(identifier string) string { return `"` + strings.ReplaceAll(identifier, `"`, `""`) + `"` }
func text(value string) string       { return `'` + strings.ReplaceAll(value, `'`, `''`) + `'` }
