// Package featuredb keeps the feature store in SQLite or PostgreSQL: what was declared, the log of what was posted, and what is held online. It is a package
// of its own, for `loanops features serve` needs it and nothing that the registry knows. Package storetest is the contract that both databases pass.
package featuredb

import (
	"context"
	"database/sql"
	"runtime"
	"strings"
	"sync"

	"github.com/loanops/loanops/internal/database"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

// featureStore implements feature.Store on database/sql.
type featureStore struct {
	database.Database
	// reads are connections that read only: with SQLite they need not wait for the one that writes. With PostgreSQL they are those of database.
	reads *sql.DB
	// prepared are the statements that read states, by how many.
	preparing sync.Mutex
	prepared  [maxPrepared + 1]*sql.Stmt
	queues    sync.Map // *queue by view
}

// now is the time of writing.
var now = database.Now

// OpenExisting opens a feature database as Open does, but makes no SQLite file: where there is none it is fault.NotFound.
func OpenExisting(ctx context.Context, url string) (feature.Store, error) {
	if err := database.Features.Exists(url); err != nil {
		return nil, err
	}
	return Open(ctx, url)
}

// Open opens the feature database at url, see database.Schema.Open. What it says is written outlives the machine's failure.
func Open(ctx context.Context, url string) (feature.Store, error) {
	db, err := database.Features.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	reads, err := db.Readers()
	if err != nil {
		db.Close()
		return nil, err
	}
	connections := max(4, 2*runtime.GOMAXPROCS(0))
	if db.Dialect == database.PostgreSQL {
		connections *= 4 // which wait for another machine
	}
	reads.SetMaxOpenConns(connections)
	reads.SetMaxIdleConns(connections)
	return &featureStore{Database: db, reads: reads}, nil
}

func (s *featureStore) Close() error {
	err := s.reads.Close()
	if s.reads == s.DB {
		return err
	}
	if closed := s.DB.Close(); closed != nil {
		return closed
	}
	return err
}

// hold lets no other transaction write rows or states of the view before this one ends, and returns the number of the newest row of its log.
func (s *featureStore) hold(ctx context.Context, tx *sql.Tx, view string) (newest int64, err error) {
	err = tx.QueryRowContext(ctx, s.Dialect.Rebind("INSERT INTO feature_logs (view, seq) VALUES (?, 0) ON CONFLICT (view) DO UPDATE SET seq = feature_logs.seq RETURNING seq"), view).Scan(&newest)
	return newest, err
}

// chunk is how many rows one statement or, where each is a few bytes or many, one transaction takes.
const chunk = 500

// rowsOf repeats the placeholders of a row.
func rowsOf(n int, row string) string {
	return strings.TrimSuffix(strings.Repeat(row+", ", n), ", ")
}

// lookedUp is a FROM clause: the rows of a table, called t, that are those of n wanted ones, of which row has the placeholders and on the condition. Both databases are told to go
// from the few that are wanted to the many that there are: neither knows how many these are before it has counted, and would rather read all of them.
func (s *featureStore) lookedUp(n int, row, table, on string) string {
	wanted := " FROM (VALUES " + rowsOf(n, row) + ") AS wanted CROSS JOIN "
	if s.Dialect == database.PostgreSQL {
		return wanted + "LATERAL (SELECT * FROM " + table + " t WHERE " + on + " OFFSET 0) AS t"
	}
	return wanted + table + " t WHERE " + on
}

// each gives the rows of a query one by one.
func each(rows *sql.Rows, err error, scan func() error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(); err != nil {
			return err
		}
	}
	return rows.Err()
}

// liveVersion is one that is staged or active.
type liveVersion struct {
	feature.Registered       // its newest row
	since              int64 // the row of the register since which it is live
	folded             int64 // what feature_folds says of it
	lacking            bool  // whoever folds does not understand it
}

// whole says that the version is made of all rows of the log.
func (v *liveVersion) whole() bool { return v.folded == v.since }

// live is a version, or all that are live with version 0.
func (s *featureStore) live(ctx context.Context, tx *sql.Tx, view string, version int) ([]liveVersion, error) {
	rows, err := tx.QueryContext(ctx, s.Dialect.Rebind("SELECT "+definitionColumns+" FROM feature_definitions WHERE kind = ? AND name = ? ORDER BY nth"), feature.KindView, view)
	all, err := scanDefinitions(rows, err)
	if err != nil {
		return nil, err
	}
	folded, err := s.foldedSince(ctx, tx, view)
	if err != nil {
		return nil, err
	}
	since := feature.LiveSince(all, view)
	var live []liveVersion
	for _, r := range feature.Live(all, feature.KindView)[view] {
		if version == 0 || r.Version == version {
			live = append(live, liveVersion{Registered: r, since: since[r.Version], folded: folded[r.Version]})
		}
	}
	switch {
	case len(live) > 0:
		return live, nil
	case version == 0:
		return nil, fault.New(fault.NotFound, "there is no feature view %q of which a version is staged or active", view)
	}
	return nil, fault.New(fault.NotFound, "there is no version %d of feature view %q that is staged or active", version, view)
}
