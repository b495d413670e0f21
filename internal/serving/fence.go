package serving

import "github.com/loanops/loanops/internal/fault"

// Fence is what whoever follows the record remembers: the newest generation it was told. The zero Fence knows nothing, and that is
// no licence: a follower that lost its state may have been told more than it knows.
type Fence struct {
	Newest int64 `json:"newest"`
}

// Admit says whether a write that carries generation may happen, and remembers it: fault.Conflict for an older one,
// fault.Unavailable when nothing is known yet (Teach first), fault.Invalid for none.
func (f *Fence) Admit(generation int64) error {
	switch {
	case generation < 1:
		return fault.New(fault.Invalid, "generation: a write carries the generation of the serving record that it follows, from 1")
	case f.Newest == 0:
		return fault.New(fault.Unavailable, "no generation is known here yet: whoever has read the serving record must tell the newest one first")
	case generation < f.Newest:
		return fault.New(fault.Conflict, "generation %d is overtaken: the newest is %d", generation, f.Newest)
	}
	f.Newest = generation
	return nil
}

// Teach tells the newest generation of the record as its reader saw it; fault.Conflict when a newer one is known.
func (f *Fence) Teach(generation int64) error {
	switch {
	case generation < 1:
		return fault.New(fault.Invalid, "generation: the newest of the serving record is wanted, from 1")
	case generation < f.Newest:
		return fault.New(fault.Conflict, "generation %d is overtaken: the newest is %d", generation, f.Newest)
	}
	f.Newest = generation
	return nil
}
