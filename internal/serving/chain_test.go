package serving_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

// Computed with Python's hashlib and struct from the comment of HashOf and the order of its fields.
func TestHashOfKnownRecord(t *testing.T) {
	r := serving.Record{
		Pipeline: "loans", Environment: "production", Generation: 2, Champion: &serving.Track{Version: 1, Policy: "p1"},
		Challenger: &serving.Track{Version: 2, Policy: "p2"}, Weight: 5, Drill: "delay=1s", Change: serving.Shared,
		Author: serving.Author{Writer: "w", Actor: "ada", Reason: "because", Operation: "op"},
		At:     time.UnixMicro(1_800_000_000_123_456), PrevHash: "abc", Hash: "is not part of itself",
	}
	require.Equal(t, "57bbe6f13918acf3d727f3908838536de0e6fe8ae254f1ea2385670a0ef7959b", serving.HashOf(r))
}

func anyRecord(t *rapid.T) serving.Record {
	text := rapid.StringN(0, 6, -1)
	aTrack := rapid.Custom(func(t *rapid.T) *serving.Track {
		return &serving.Track{Version: rapid.IntRange(1, 9).Draw(t, "version"), Policy: text.Draw(t, "policy")}
	})
	maybe := rapid.OneOf(rapid.Just[*serving.Track](nil), aTrack)
	return serving.Record{
		Pipeline: text.Draw(t, "pipeline"), Environment: text.Draw(t, "environment"), Generation: rapid.Int64Range(1, 99).Draw(t, "generation"),
		Champion: maybe.Draw(t, "champion"), Challenger: maybe.Draw(t, "challenger"), Previous: maybe.Draw(t, "previous"),
		Weight: rapid.IntRange(0, 99).Draw(t, "weight"), Drill: text.Draw(t, "drill"), Change: serving.Change(text.Draw(t, "change")),
		Author: serving.Author{
			Writer: text.Draw(t, "writer"), Actor: text.Draw(t, "actor"), Reason: text.Draw(t, "reason"), Operation: text.Draw(t, "operation"),
		},
		At: time.UnixMicro(rapid.Int64Range(0, 1<<50).Draw(t, "at")).UTC(), PrevHash: text.Draw(t, "prev_hash"),
	}
}

// changes calls with every record that differs from r in one place. It finds the places by reflection: a field that is added to
// Record and forgotten in HashOf fails the test below.
func changes(t require.TestingT, r serving.Record, with func(where string, changed serving.Record)) {
	var walk func(where string, at func(*serving.Record) reflect.Value)
	walk = func(where string, at func(*serving.Record) reflect.Value) {
		changed := func(change func(reflect.Value)) {
			other := r
			for _, track := range []**serving.Track{&other.Champion, &other.Challenger, &other.Previous} {
				if *track != nil {
					own := **track
					*track = &own
				}
			}
			change(at(&other))
			with(where, other)
		}
		switch value := at(&r); value.Interface().(type) {
		case time.Time:
			changed(func(v reflect.Value) { v.Set(reflect.ValueOf(r.At.Add(time.Microsecond))) })
		case *serving.Track:
			if value.IsNil() {
				changed(func(v reflect.Value) { v.Set(reflect.ValueOf(&serving.Track{})) })
				return
			}
			changed(func(v reflect.Value) { v.SetZero() })
			for i := range value.Elem().NumField() {
				walk(where+"."+value.Elem().Type().Field(i).Name, func(r *serving.Record) reflect.Value { return at(r).Elem().Field(i) })
			}
		case serving.Author:
			for i := range value.NumField() {
				walk(where+"."+value.Type().Field(i).Name, func(r *serving.Record) reflect.Value { return at(r).Field(i) })
			}
		default:
			switch value.Kind() { //nolint:exhaustive // a kind that Record gets later must be added
			case reflect.String:
				changed(func(v reflect.Value) { v.SetString(v.String() + "x") })
			case reflect.Int, reflect.Int64:
				changed(func(v reflect.Value) { v.SetInt(v.Int() + 1) })
			default:
				require.Fail(t, "a field of a kind that this test does not know", where)
			}
		}
	}
	for i := range reflect.TypeFor[serving.Record]().NumField() {
		if name := reflect.TypeFor[serving.Record]().Field(i).Name; name != "Hash" {
			walk(name, func(r *serving.Record) reflect.Value { return reflect.ValueOf(r).Elem().Field(i) })
		}
	}
}

func TestHashChangesWithEveryField(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyRecord(t)
		hash, places := serving.HashOf(r), 0
		changes(t, r, func(where string, changed serving.Record) {
			places++
			require.NotEqual(t, hash, serving.HashOf(changed), "%s is not in the hash", where)
		})
		require.GreaterOrEqual(t, places, 15)
		r.Hash = "another"
		require.Equal(t, hash, serving.HashOf(r))
	})
}

// The same letters in another field, and the same track in another role, are another record.
func TestHashTellsFieldsApart(t *testing.T) {
	texts := []func(*serving.Record) *string{
		func(r *serving.Record) *string { return &r.PrevHash }, func(r *serving.Record) *string { return &r.Pipeline },
		func(r *serving.Record) *string { return &r.Environment }, func(r *serving.Record) *string { return &r.Drill },
		func(r *serving.Record) *string { return (*string)(&r.Change) }, func(r *serving.Record) *string { return &r.Writer },
		func(r *serving.Record) *string { return &r.Actor }, func(r *serving.Record) *string { return &r.Reason },
		func(r *serving.Record) *string { return &r.Operation },
	}
	rapid.Check(t, func(t *rapid.T) {
		r := anyRecord(t)
		from, to := rapid.SampledFrom(texts).Draw(t, "from"), rapid.SampledFrom(texts).Draw(t, "to")
		other := r
		*from(&other) = ""
		*to(&other) = *from(&r) + *to(&r)
		require.Equal(t, reflect.DeepEqual(r, other), serving.HashOf(r) == serving.HashOf(other))

		other = r
		other.Champion, other.Challenger, other.Previous = r.Challenger, r.Previous, r.Champion
		require.Equal(t, reflect.DeepEqual(r, other), serving.HashOf(r) == serving.HashOf(other))
	})
}

// A database keeps microseconds in UTC: the hash of what comes back must be that of what went in.
func TestHashIgnoresZoneAndNanoseconds(t *testing.T) {
	r := before(steady).Seal(time.Date(2026, 6, 30, 12, 0, 0, 123_456_000, time.UTC))
	require.Equal(t, r.Hash, serving.HashOf(r))
	r.At = time.Date(2026, 6, 30, 14, 0, 0, 123_456_789, time.FixedZone("there", 2*60*60))
	require.Equal(t, r.Hash, serving.HashOf(r))
}

// chain is a history of n records.
func chain(n int) []serving.Record {
	r := serving.Record{Pipeline: "loans", Environment: serving.Production}
	var history []serving.Record
	for i := range n {
		author := serving.Author{Writer: "w", Actor: "ada", Reason: "because", Operation: fmt.Sprint("op-", i)}
		r = r.Stage(*track(i + 1)).By(author).Seal(time.Unix(int64(i), 0))
		history = append(history, r)
	}
	return history
}

func TestVerify(t *testing.T) {
	const where = "serving record of loans in production: generation "
	for _, test := range []struct {
		name   string
		tamper func([]serving.Record) []serving.Record
		want   string
	}{
		{"a whole history", func(h []serving.Record) []serving.Record { return h }, ""},
		{"no history", func([]serving.Record) []serving.Record { return nil }, ""},
		{"the newest removed", func(h []serving.Record) []serving.Record { return h[:3] }, ""},
		{"the first removed", func(h []serving.Record) []serving.Record { return h[1:] }, where + "1 is missing"},
		{"one removed", func(h []serving.Record) []serving.Record { return slices.Delete(h, 1, 2) }, where + "2 is missing"},
		{"one doubled", func(h []serving.Record) []serving.Record { return slices.Insert(h, 1, h[0]) }, where + "2 is missing"},
		{"two exchanged", func(h []serving.Record) []serving.Record { h[1], h[2] = h[2], h[1]; return h }, where + "2 is missing"},
		{"one altered", func(h []serving.Record) []serving.Record { h[2].Champion = track(1); return h }, where + "3 was altered"},
		{"the newest altered", func(h []serving.Record) []serving.Record { h[3].Actor = "mallory"; return h }, where + "4 was altered"},
		{"one altered and sealed anew", func(h []serving.Record) []serving.Record {
			h[1].Reason = "another"
			h[1] = h[1].Seal(h[1].At)
			return h
		}, where + "3 does not follow generation 2"},
		{"one removed and the rest renumbered", func(h []serving.Record) []serving.Record {
			h = slices.Delete(h, 1, 2)
			h[1].Generation = 2
			return h
		}, where + "2 does not follow generation 1"},
		{"the first with one before it", func(h []serving.Record) []serving.Record { h[0].PrevHash = "x"; return h }, where + "1 does not follow generation 0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := serving.Verify(test.tamper(chain(4)))
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, fault.Internal, fault.CodeOf(err))
			require.EqualError(t, err, test.want)
		})
	}
}

// Of a history's last two records, or its only one, is told what they tell by themselves.
func TestVerifyNewest(t *testing.T) {
	const where = "serving record of loans in production: generation "
	for _, test := range []struct {
		name string
		last []serving.Record
		want string
	}{
		{"none", nil, ""},
		{"the only one", chain(1), ""},
		{"the first two", chain(2), ""},
		{"the last two of four", chain(4)[2:], ""},
		{"the newest alone", chain(4)[3:], where + "1 is missing"},
		{"one missing between", []serving.Record{chain(4)[1], chain(4)[3]}, where + "3 is missing"},
		{"one doubled", []serving.Record{chain(4)[3], chain(4)[3]}, where + "5 is missing"},
		{"one of generation 0", []serving.Record{{Pipeline: "loans", Environment: "production"}, chain(1)[0]}, where + "1 is missing"},
		{"the first with one before it", tampered(chain(2), 0, func(r *serving.Record) { r.PrevHash = "x" }), where + "1 does not follow generation 0"},
		{"the newest altered", tampered(chain(4)[2:], 1, func(r *serving.Record) { r.Actor = "mallory" }), where + "4 was altered"},
		{"the one before altered", tampered(chain(4)[2:], 0, func(r *serving.Record) { r.Actor = "mallory" }), where + "3 was altered"},
		{"the one before sealed anew", tampered(chain(4)[2:], 0, func(r *serving.Record) {
			r.Actor = "mallory"
			*r = r.Seal(r.At)
		}), where + "4 does not follow generation 3"},
		{"the newest linked to another", tampered(chain(4)[2:], 1, func(r *serving.Record) {
			r.PrevHash = "x"
			*r = r.Seal(r.At)
		}), where + "4 does not follow generation 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := serving.VerifyNewest(test.last)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, fault.Internal, fault.CodeOf(err))
			require.EqualError(t, err, test.want)
		})
	}
}

// tampered is records with one of them changed.
func tampered(records []serving.Record, row int, change func(*serving.Record)) []serving.Record {
	change(&records[row])
	return records
}

// Whatever is altered in whatever row, that row is named.
func TestVerifyNamesTheRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.IntRange(0, 4).Draw(t, "row")
		changes(t, chain(5)[row], func(where string, changed serving.Record) {
			history := chain(5)
			history[row] = changed
			require.ErrorContains(t, serving.Verify(history), fmt.Sprintf("generation %d ", row+1), where)
		})
	})
}
