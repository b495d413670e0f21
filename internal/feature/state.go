package feature

import (
	"slices"
	"time"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// State is what the online store holds of an entity in a view: all that is needed to tell its features at any moment from when it was written on, until
// there are further rows.
type State struct {
	// Generation counts what was written of files: what an older one has never replaces it.
	Generation int64
	// Files is made of the rows that the warehouse read, Log of those that were posted. Rows of both are told apart by nothing: a row is corrected
	// where it came from.
	Files, Log Part
}

// Part is what rows of one origin say.
type Part struct {
	// Newest is the newest row; nil where there is none.
	Newest *Row
	// Days are the tiles of the view's longest window, in the order of their days.
	Days []DayTile
}

// DayTile is the tile of the rows of a day.
type DayTile struct {
	Day  Day
	Tile Tile
}

// Reader tells a view's features of states. It is immutable and safe for concurrent use.
type Reader struct {
	view       *View
	names      Key // of the keys
	aggregates *aggregates
	columns    []pipeline.Column // those of View.Inputs
	inputs     []int             // the place of each plain feature's column; -1 of an aggregate
	window     int
	validator  *Validator
	wrong      error // why no rows can be folded
	unknown    error // why nothing can be told of states either
}

// Reader makes one for the view, which must not change any more.
func (v *View) Reader() *Reader {
	r := &Reader{view: v, names: KeyOf(v.Keys...), aggregates: v.aggregates(), columns: v.Inputs(), window: v.Window()}
	if r.unknown = v.unknown(); r.unknown != nil {
		r.wrong = r.unknown
	} else if r.validator, r.wrong = v.Validator(); r.wrong != nil {
		r.wrong = &NotUnderstoodError{r.wrong}
	}
	for i := range v.Features {
		at := -1
		if f := &v.Features[i]; f.Plain() {
			at = v.Input(f.Column())
		}
		r.inputs = append(r.inputs, at)
	}
	return r
}

// At is what the view says at a moment of an entity with this state, nil where the store has none. A state says nothing of moments before its newest row was
// known: for them, which only a clock asks for that is behind the writer's, it says what it says at that instant, and so never counts a row that is not true yet.
func (r *Reader) At(s *State, moment Instant) Reading {
	reading := Reading{Values: make([]transform.Value, len(r.view.Features)), Statuses: make([]Status, len(r.view.Features))}
	var newest *Row
	if s != nil {
		newest = later(s.Files.Newest, s.Log.Newest)
	}
	if newest != nil {
		reading.Event, moment = newest.Event, max(moment, newest.Known())
	}
	whole := Present
	switch {
	case newest == nil:
		whole = NotFound
	case r.view.TTL > 0 && newest.Event <= moment-Instant(time.Duration(r.view.TTL)/time.Microsecond):
		whole = TooOld
	}
	var windows map[int]Tile // by their days: features of one window share it
	for i := range r.view.Features {
		f := &r.view.Features[i]
		reading.Values[i].Missing, reading.Statuses[i] = true, whole
		if whole != Present {
			continue
		}
		if at := r.inputs[i]; at >= 0 {
			reading.Values[i] = newest.Values[at]
		} else {
			if windows == nil {
				windows = map[int]Tile{}
			}
			tile, ok := windows[f.Days()]
			if !ok {
				tile = r.over(s, moment.Day()-Day(f.Days()), moment.Day())
				windows[f.Days()] = tile
			}
			reading.Values[i] = r.aggregates.value(f, tile)
		}
		if reading.Values[i].Missing {
			reading.Statuses[i] = Null
		}
	}
	return reading
}

// Reading is At of an encoded state, nil where the store has none. A view that this program does not understand is a NotUnderstoodError.
func (r *Reader) Reading(state []byte, moment Instant) (Reading, error) {
	if r.unknown != nil {
		return Reading{}, r.unknown
	}
	if state == nil {
		return r.At(nil, moment), nil
	}
	s, err := r.Decode(state)
	if err != nil {
		return Reading{}, err
	}
	return r.At(&s, moment), nil
}

// over is the tile of the days from the first to the last.
func (r *Reader) over(s *State, first, last Day) Tile {
	sum := r.aggregates.empty()
	for _, part := range []*Part{&s.Files, &s.Log} {
		for _, d := range part.Days {
			if d.Day >= first && d.Day <= last {
				sum = r.aggregates.merge(sum, r.aggregates.ofDay(d.Tile))
			}
		}
	}
	return sum
}

// later is the newer of two rows.
func later(a, b *Row) *Row {
	if a == nil || b != nil && b.Position().Compare(a.Position()) > 0 {
		return b
	}
	return a
}

// Nothing says that nothing is known of the entity.
func (s *State) Nothing() bool { return s.Files.Newest == nil && s.Log.Newest == nil }

// Posted is the state after rows were posted, of that extent. Days that no window reaches any more at the moment are forgotten.
func (r *Reader) Posted(s State, rows []Row, of Extent, moment Instant) State {
	if of == AllRows {
		s.Log = Part{}
	}
	days := map[Day][]Row{}
	for _, row := range Newest(rows) {
		s.Log.Newest = later(s.Log.Newest, &row)
		days[row.Event.Day()] = append(days[row.Event.Day()], row)
	}
	if len(r.aggregates.slots) == 0 {
		return s
	}
	var tiles []DayTile
	for _, d := range s.Log.Days {
		switch fresh, touched := days[d.Day]; {
		case !touched:
			tiles = append(tiles, d)
		case of == NewRows:
			tiles = append(tiles, DayTile{d.Day, r.aggregates.merge(d.Tile, r.aggregates.tile(fresh))})
			delete(days, d.Day)
		}
	}
	for day, fresh := range days {
		tiles = append(tiles, DayTile{day, r.aggregates.tile(fresh)})
	}
	s.Log.Days = r.within(tiles, moment)
	return s
}

// Computed is the state with what a generation of files says; as it was where that is an older one.
func (r *Reader) Computed(s State, generation int64, files Part, moment Instant) State {
	if generation < s.Generation {
		return s
	}
	files.Days = r.within(files.Days, moment)
	return State{Generation: generation, Files: files, Log: s.Log}
}

// within are the days that a window reaches at the moment or, for clocks differ, a day before, in their order.
func (r *Reader) within(days []DayTile, moment Instant) []DayTile {
	days = slices.DeleteFunc(slices.Clone(days), func(d DayTile) bool { return d.Day < moment.Day()-Day(r.window)-1 })
	slices.SortFunc(days, func(a, b DayTile) int { return int(a.Day) - int(b.Day) })
	return days
}
