package feature

import (
	"encoding/binary"
	"math"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/transform"
)

// codecVersion begins every encoded state. Another one is another form.
const codecVersion = 1

// What a value is.
const (
	missingValue = iota
	numberValue
	textValue
)

// Which of a partial's fields follow, in this order.
const (
	hasNumber = 1 << iota
	hasValue
	hasPosition
	hasTexts
	isTooLarge // nothing follows
	hasHigh    // the number's upper half, before its lower one
	unknown    // and all bits above
)

// Encode writes a state. The same state gives the same bytes.
func (s *State) Encode() []byte {
	w := &encoder{to: []byte{codecVersion}}
	w.integer(s.Generation)
	w.part(&s.Files)
	w.part(&s.Log)
	return w.to
}

// Decode reads what Encode wrote of an entity's state in the reader's view; what it did not write is fault.Internal.
func (r *Reader) Decode(data []byte) (State, error) {
	d := &decoder{from: data, inputs: len(r.columns), slots: len(r.aggregates.slots)}
	if d.byte() != codecVersion {
		d.bad = true
	}
	s := State{Generation: d.integer()}
	d.part(&s.Files)
	d.part(&s.Log)
	if d.bad || len(d.from) > 0 {
		return State{}, fault.New(fault.Internal, "a state of view %s is damaged, or of another form: materialize the version with --anew", r.view.Name)
	}
	return s, nil
}

type encoder struct{ to []byte }

func (w *encoder) integer(x int64) { w.to = binary.AppendVarint(w.to, x) }
func (w *encoder) count(n int)     { w.to = binary.AppendUvarint(w.to, uint64(n)) } //nolint:gosec // a length

func (w *encoder) text(t string) {
	w.count(len(t))
	w.to = append(w.to, t...)
}

func (w *encoder) value(v transform.Value) {
	switch {
	case v.Missing:
		w.to = append(w.to, missingValue)
	case v.Text != "":
		w.to = append(w.to, textValue)
		w.text(v.Text)
	default:
		w.to = binary.LittleEndian.AppendUint64(append(w.to, numberValue), math.Float64bits(v.Number))
	}
}

func (w *encoder) position(p Position) {
	w.integer(int64(p.Event))
	w.integer(int64(p.Created))
	w.text(p.ID)
}

func (w *encoder) part(p *Part) {
	if p.Newest == nil {
		w.count(0)
	} else {
		w.count(1)
		w.position(p.Newest.Position())
		for _, v := range p.Newest.Values {
			w.value(v)
		}
	}
	w.count(len(p.Days))
	for _, d := range p.Days {
		w.integer(int64(d.Day))
		for i := range d.Tile {
			w.partial(&d.Tile[i])
		}
	}
}

func (w *encoder) partial(p *Partial) {
	has := byte(0)
	units, fits := p.Number.Int64()
	for bit, is := range [...]bool{p.Number != Total{}, !p.Value.Missing, p.Of != Position{}, len(p.Texts) > 0, p.TooLarge, !fits} {
		if is {
			has |= 1 << bit
		}
	}
	w.to = append(w.to, has)
	if has&hasHigh != 0 {
		w.integer(p.Number.high)
	}
	if has&hasNumber != 0 {
		w.integer(units)
	}
	if has&hasValue != 0 {
		w.value(p.Value)
	}
	if has&hasPosition != 0 {
		w.position(p.Of)
	}
	if has&hasTexts != 0 {
		w.count(len(p.Texts))
		for _, t := range p.Texts {
			w.text(t)
		}
	}
}

// decoder reads until something is bad; what comes then is zero.
type decoder struct {
	from          []byte
	inputs, slots int
	bad           bool
}

func (d *decoder) take(n int) []byte {
	if d.bad || n < 0 || n > len(d.from) {
		d.bad = true
		return nil
	}
	taken := d.from[:n]
	d.from = d.from[n:]
	return taken
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) integer() int64 {
	x, n := binary.Varint(d.from)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.take(n)
	return x
}

// count is a number of things of which each takes a byte at least.
func (d *decoder) count() int {
	x, n := binary.Uvarint(d.from)
	if n <= 0 || x > uint64(len(d.from)) {
		d.bad = true
		return 0
	}
	d.take(n)
	return int(x) //nolint:gosec // at most the length of what is read
}

func (d *decoder) text() string { return string(d.take(d.count())) }

func (d *decoder) value() (v transform.Value) {
	switch d.byte() {
	case missingValue:
		v.Missing = true
	case numberValue:
		if bits := d.take(8); bits != nil {
			v.Number = math.Float64frombits(binary.LittleEndian.Uint64(bits))
		}
	case textValue:
		v.Text = d.text()
	default:
		d.bad = true
	}
	return v
}

func (d *decoder) position() Position {
	return Position{Event: Instant(d.integer()), Created: Instant(d.integer()), ID: d.text()}
}

func (d *decoder) part(p *Part) {
	switch d.count() {
	case 0:
	case 1:
		at := d.position()
		p.Newest = &Row{ID: at.ID, Event: at.Event, Created: at.Created, Values: make([]transform.Value, d.inputs)}
		for i := range p.Newest.Values {
			p.Newest.Values[i] = d.value()
		}
	default:
		d.bad = true
	}
	for range d.count() {
		if d.bad {
			return
		}
		day := DayTile{Day: Day(d.integer()), Tile: make(Tile, d.slots)} //nolint:gosec // another one is a day that no window reaches
		for i := range day.Tile {
			d.partial(&day.Tile[i])
		}
		p.Days = append(p.Days, day)
	}
}

func (d *decoder) partial(p *Partial) {
	has := d.byte()
	if has >= unknown {
		d.bad = true
	}
	p.Value.Missing, p.TooLarge = true, has&isTooLarge != 0
	high := int64(0)
	if has&hasHigh != 0 {
		high = d.integer()
	}
	if has&hasNumber != 0 {
		p.Number = TotalOf(d.integer())
	}
	if has&hasHigh != 0 {
		p.Number.high = high
	}
	if has&hasValue != 0 {
		p.Value = d.value()
	}
	if has&hasPosition != 0 {
		p.Of = d.position()
	}
	if has&hasTexts != 0 {
		for range d.count() {
			if d.bad {
				return
			}
			p.Texts = append(p.Texts, d.text())
		}
	}
}
