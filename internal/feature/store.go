package feature

import "context"

// Store is the feature database. It is implemented on SQLite and PostgreSQL; store/storetest is its contract as tests. Every error has a fault code:
// NotFound where what is named does not exist, Conflict where the world changed meanwhile, Overtaken where a newer generation writes, Invalid for bad
// arguments, Unavailable when the database does not answer.
type Store interface {
	Register
	Log
	Online
	Offline
	// Ping reports whether the database answers.
	Ping(ctx context.Context) error
	// Close releases the connections.
	Close() error
}
