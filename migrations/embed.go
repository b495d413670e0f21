// Package migrations carries the schemas of the metadata database and of the feature database: the same numbers for SQLite and PostgreSQL.
package migrations

import "embed"

// FS holds sqlite/*.sql and postgres/*.sql of the metadata database, and those of the feature database below features/.
//
//go:embed sqlite/*.sql postgres/*.sql features/sqlite/*.sql features/postgres/*.sql
var FS embed.FS
