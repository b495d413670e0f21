package feature

import (
	"slices"
	"strings"
)

// The columns that files of a view have beside its keys and inputs. Instants are TIMESTAMP, in UTC.
const (
	EventColumn   = "event_timestamp"   // when a row was true
	CreatedColumn = "created_timestamp" // when it was known
	KnownColumn   = "known_timestamp"   // the later of both: from then on it, or an edition of a tile, can be used
	UntilColumn   = "until_timestamp"   // of an edition: when the next one took its place; null of the last one
	IDColumn      = "row_id"            // what tells rows of one key and instant apart; empty in a view whose rows have none
	OriginColumn  = "origin"            // where a row came from: 0 files, 1 the log of events
	DayColumn     = "day"               // of a tile
)

// PlaceColumn is what DuckDB adds to the columns of a file: where in it a row stands.
const PlaceColumn = "file_row_number"

// TileColumns are those of a slot in a tile. A last value has with it the event, created and ID of its row, by which those of several tiles are compared.
func TileColumns(s Slot) []string {
	name := string(s.Aggregate)
	if s.Column != "" {
		name += "_" + s.Column
	}
	if s.Aggregate != Last {
		return []string{name}
	}
	return []string{name, "last_event_" + s.Column, "last_created_" + s.Column, "last_id_" + s.Column}
}

// Twice is a name that two columns of the view's files would have, and both of them as they are written; empty where all differ. In SQL, names that differ
// by case alone are one.
func (v *View) Twice() (name, before string) {
	rows := append(slices.Clone(v.Keys), EventColumn, CreatedColumn, KnownColumn, IDColumn, OriginColumn, PlaceColumn)
	for _, c := range v.Inputs() {
		rows = append(rows, c.Name)
	}
	tiles := append(slices.Clone(v.Keys), DayColumn, OriginColumn, KnownColumn, UntilColumn)
	for _, s := range v.Slots() {
		tiles = append(tiles, TileColumns(s)...)
	}
	for _, names := range [][]string{rows, tiles} {
		seen := map[string]string{}
		for _, name := range names {
			if before, taken := seen[strings.ToLower(name)]; taken {
				return name, before
			}
			seen[strings.ToLower(name)] = name
		}
	}
	return "", ""
}
