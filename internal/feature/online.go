package feature

import (
	"context"
	"time"
)

// Address is where the online store holds what a version of a view says of an entity.
type Address struct {
	View    string
	Version int
	Key     Key
}

// Held is what is held of an entity.
type Held struct {
	Key Key
	// Generation is that of the newest Put of it; 0 where only rows of the log made it.
	Generation int64
	State      []byte
}

// Computed is what was computed of files about an entity; no bytes say that there is nothing any more.
type Computed struct {
	Key   Key
	Files []byte
}

// Merge makes of what is held of an entity, nil where that is nothing, what is to be held with what was computed of files. No bytes are nothing to hold.
type Merge func(key Key, state, files []byte) ([]byte, error)

// Progress says how far what was computed of files is in the online store, for a version of a view.
type Progress struct {
	// Generation counts the writers: 0 before the first. Only the newest may write.
	Generation int64
	// Begun is where the manifest that the newest generation writes is, as whoever materializes names it: an artifact.Ref as JSON.
	Begun string
	// Manifest is where that is which is held as a whole, named alike, except where generations wrote that began since; empty where none is. Where it is not Begun,
	// a writer was interrupted: keys whose Held.Generation is larger than Whole may be of any manifest that was begun since.
	Manifest string
	// Whole is the generation that wrote Manifest.
	Whole int64
	// Until is the moment up to which the manifest has what was known.
	Until Instant
	// At is when this changed.
	At time.Time
}

// MaxRead is how many addresses are read in one query.
const MaxRead = 10_000

// Online holds what versions of views say of entities, as bytes.
type Online interface {
	// Read returns in one query what is held at each of the addresses, in their order; nil where that is nothing. More than MaxRead are fault.Invalid.
	Read(ctx context.Context, at []Address) ([][]byte, error)
	// Held returns up to limit of what a version holds, of entities that follow that key, in the order of their bytes. None is empty.
	Held(ctx context.Context, view string, version int, after Key, limit int) ([]Held, error)
	// Progress returns that of a version; its zero value where nothing was begun.
	Progress(ctx context.Context, view string, version int) (Progress, error)
	// Begin takes the next generation for writing a manifest, which is named as Progress does. After is the generation that whoever takes it saw as the newest: when there is a newer one, it is
	// fault.Conflict.
	Begin(ctx context.Context, view string, version int, after int64, manifest string) (Progress, error)
	// Put writes by merge what was computed of files, some entities at a time: interrupted, the same again completes it. A generation that is not the newest
	// is fault.Overtaken, and writes nothing more.
	Put(ctx context.Context, view string, version int, generation int64, computed []Computed, merge Merge) error
	// Finish says that the generation's manifest is held as a whole, with what was known until then. A generation that is not the newest is fault.Overtaken.
	Finish(ctx context.Context, view string, version int, generation int64, until Instant) (Progress, error)
}
