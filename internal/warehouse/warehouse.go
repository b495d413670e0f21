// Package warehouse does with DuckDB what needs more than one row at a time: joins, conditions in SQL, repeated values. It spills to a folder
// within a fixed limit of memory.
package warehouse

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // registers the driver "duckdb"

	"github.com/loanops/loanops/internal/fault"
)

// Warehouse is a DuckDB in memory that spills to a folder. It is safe for concurrent use: every call has a database, and a folder in that folder, of its own.
type Warehouse struct {
	dir     string
	threads int // of a call; 0 is one for every processor, and tests hold results to any number
	rows    int // of a key, see crowd; 0 is the usual number
	memory  int // of a call, in MB; 0 is the usual one
}

// crowd is how many rows of a key may be looked at for each row that asks for one of them.
func (w *Warehouse) crowd() int64 {
	if w.rows > 0 {
		return int64(w.rows)
	}
	return 32
}

// Open checks that DuckDB works. dir, made when absent, takes what does not fit into memory.
func Open(dir string) (*Warehouse, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "warehouse folder")
	}
	w := &Warehouse{dir: dir}
	if err := w.sweep(time.Now().Add(-abandoned)); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "warehouse folder")
	}
	return w, w.session(context.Background(), nil, func(session) error { return nil })
}

// spillFolders are the folders of calls. One in which nothing was begun for as long as abandoned is of a program that was killed.
const (
	spillFolders = "spill-"
	abandoned    = 24 * time.Hour
)

// sweep removes the folders in which nothing was begun since.
func (w *Warehouse) sweep(since time.Time) error {
	entries, err := os.ReadDir(w.dir)
	for _, entry := range entries {
		if info, gone := entry.Info(); gone == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), spillFolders) && info.ModTime().Before(since) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(w.dir, entry.Name())))
		}
	}
	return err
}

// Close has nothing to free: sessions end with their calls.
func (w *Warehouse) Close() error { return nil }

// usualMemory bounds each call, in MB; what does not fit goes to the folder.
const usualMemory = 512

// session is one call's database.
type session struct {
	db     *sql.DB
	ctx    context.Context //nolint:containedctx // it lives as long as the call
	memory string
}

// session makes a database that reaches the named files and nothing else of the machine: conditions in a spec are SQL, and whoever may write a
// spec may not read a worker's disk.
func (w *Warehouse) session(ctx context.Context, files []string, work func(session) error) error {
	return w.unlocked(ctx, files, func(s session) error {
		if err := s.exec("SET lock_configuration = true"); err != nil {
			return fault.Wrap(fault.Internal, err, "DuckDB: locking its settings")
		}
		return work(s)
	})
}

// unlocked is a session whose settings the work may change: it runs no SQL of anybody else's.
func (w *Warehouse) unlocked(ctx context.Context, files []string, work func(session) error) error {
	db, err := sql.Open("duckdb", "?autoinstall_known_extensions=false&autoload_known_extensions=false")
	if err != nil {
		return fault.Wrap(fault.Internal, err, "DuckDB")
	}
	// Databases name what they spill alike, and would write into each other's files.
	spill, err := os.MkdirTemp(w.dir, spillFolders)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "warehouse folder")
	}
	defer os.RemoveAll(spill)
	defer db.Close()
	db.SetMaxOpenConns(1)
	s := session{db, ctx, fmt.Sprintf("%dMB", cmp.Or(w.memory, usualMemory))}
	paths := make([]string, len(files))
	for i, path := range files {
		paths[i] = text(path)
	}
	settings := []string{
		"memory_limit = '" + s.memory + "'", "temp_directory = " + text(spill), "allowed_paths = [" + strings.Join(paths, ", ") + "]",
		"enable_external_access = false", "TimeZone = 'UTC'",
	}
	if w.threads > 0 {
		settings = append([]string{fmt.Sprintf("threads = %d", w.threads)}, settings...)
	}
	for _, setting := range settings {
		if err := s.exec("SET " + setting); err != nil {
			return fault.Wrap(fault.Internal, err, "DuckDB: %s", setting)
		}
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
