package ingest

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/gob"
	"encoding/json"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/profile"
	"github.com/loanops/loanops/internal/source"
)

// Version is a part of the key under which finished slices are kept. It is raised when the same rows give another part, or when what is known
// of a slice is written otherwise: with the codec of profile.Accumulator, and with dataset.Checked.
const Version = "7"

// unkept is how many slices at the beginning are not kept: a short extraction is done again sooner than kept.
const unkept = 3

// Finished is what came of a slice.
type Finished struct {
	// State is all that is to be known of it to go on; it names its parts by their digests.
	State []byte
	// Parts are those that were kept of it: none, its rows, its quarantine, or both.
	Parts []dataset.Part
}

// sliced is what came of one slice.
type sliced struct {
	fields           []dataset.Field
	span             span
	part, quarantine dataset.Part
	days             days
	checked          dataset.Checked
	described        *profile.Accumulator
	resumed          bool // it was not worked on now
}

// once works on a slice, or takes what came of it before.
func (w *worker) once(ctx context.Context, number int, s source.Slice) (sliced, error) {
	if w.in.Once == nil || number < unkept {
		return w.work(ctx, s)
	}
	var made sliced
	worked := false
	state, err := w.in.Once(ctx, s.First, func(ctx context.Context) (Finished, error) {
		worked = true
		var err error
		if made, err = w.work(ctx, s); err != nil {
			return Finished{}, err
		}
		return made.finished()
	})
	if err != nil || worked {
		return made, err
	}
	s.Skip()
	made, err = restored(state)
	made.resumed = true
	return made, err
}

// state is how sliced is written. The same slice gives the same bytes.
type state struct {
	Fields           []dataset.Field
	Span             span
	Part, Quarantine dataset.Part
	Days             days
	Checked          []byte // JSON, which orders what is in maps
	Described        *profile.Accumulator
}

func (s *sliced) finished() (Finished, error) {
	checked, err := json.Marshal(s.checked)
	if err != nil {
		return Finished{}, fault.Wrap(fault.Internal, err, "encoding what was found in a slice")
	}
	var data bytes.Buffer
	// Counts are small numbers, which a Huffman code alone makes as small as looking for repetitions does, in half of the time.
	packed, err := flate.NewWriter(&data, flate.HuffmanOnly)
	if err != nil {
		return Finished{}, fault.Wrap(fault.Internal, err, "encoding a slice")
	}
	err = gob.NewEncoder(packed).Encode(state{s.fields, s.span, s.part, s.quarantine, s.days, checked, s.described})
	if err == nil {
		err = packed.Close()
	}
	out := Finished{State: data.Bytes()}
	for _, part := range []dataset.Part{s.part, s.quarantine} {
		if part.Rows > 0 {
			out.Parts = append(out.Parts, part)
		}
	}
	return out, fault.Wrap(fault.Internal, err, "encoding a slice")
}

func restored(data []byte) (sliced, error) {
	var s state
	if err := gob.NewDecoder(flate.NewReader(bytes.NewReader(data))).Decode(&s); err != nil {
		return sliced{}, fault.Wrap(fault.Internal, err, "decoding a slice that was kept")
	}
	out := sliced{fields: s.Fields, span: s.Span, part: s.Part, quarantine: s.Quarantine, days: s.Days, described: s.Described}
	return out, fault.Wrap(fault.Internal, json.Unmarshal(s.Checked, &out.checked), "decoding a slice that was kept")
}
