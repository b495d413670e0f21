package feature

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// Tile is what a view's aggregates need of some rows of one entity: a Partial for each of View.Slots. Tiles of different rows merge, in any
// order, to that of all of them.
type Tile []Partial

// Partial is what one slot holds.
type Partial struct {
	// Number is the count, or the sum of values, each rounded to Decimals, in units of the last decimal.
	Number Total
	// TooLarge says that the rows of some day sum up to no 64-bit number: then Number says nothing.
	TooLarge bool
	// Value is the smallest, largest or last value; missing where there is none.
	Value transform.Value
	// Of is the row of the last value.
	Of Position
	// Texts are the different values, sorted.
	Texts []string
}

// Position orders rows of one entity: the newest is the last.
type Position struct {
	Event, Created Instant
	ID             string
}

// Position is where the row stands among others.
func (r *Row) Position() Position { return Position{r.Event, r.Created, r.ID} }

// Compare is below 0 where p comes before q.
func (p Position) Compare(q Position) int {
	switch {
	case p.Event != q.Event:
		return compare(p.Event, q.Event)
	case p.Created != q.Created:
		return compare(p.Created, q.Created)
	}
	return strings.Compare(p.ID, q.ID)
}

func compare(a, b Instant) int {
	if a < b {
		return -1
	}
	return 1
}

// Newest are the rows that count of those that are given: of the rows of one key, instant and ID the one that was known last.
func Newest(rows []Row) []Row {
	type identity struct {
		key   Key
		event Instant
		id    string
	}
	at := map[identity]int{}
	var newest []Row
	for i := range rows {
		of := identity{rows[i].Key, rows[i].Event, rows[i].ID}
		j, seen := at[of]
		switch {
		case !seen:
			at[of] = len(newest)
			newest = append(newest, rows[i])
		case rows[i].Created > newest[j].Created:
			newest[j] = rows[i]
		}
	}
	return newest
}

// aggregates makes tiles of a view's rows.
type aggregates struct {
	slots  []Slot
	inputs []int // the place of each slot's column; -1 for a count of rows
	types  []pipeline.ColumnType
}

func (v *View) aggregates() *aggregates {
	a := &aggregates{slots: v.Slots()}
	inputs := v.Inputs()
	for _, s := range a.slots {
		at := slices.IndexFunc(inputs, func(c pipeline.Column) bool { return c.Name == s.Column })
		a.inputs = append(a.inputs, at)
		of := pipeline.ColumnType("")
		if at >= 0 {
			of = inputs[at].Type
		}
		a.types = append(a.types, of)
	}
	return a
}

// empty is the tile of no rows.
func (a *aggregates) empty() Tile {
	t := make(Tile, len(a.slots))
	for i := range t {
		t[i].Value.Missing = true
	}
	return t
}

// of is the tile of one row.
func (a *aggregates) of(r *Row) Tile {
	t := a.empty()
	for i, s := range a.slots {
		if a.inputs[i] < 0 {
			t[i].Number = TotalOf(1)
			continue
		}
		value := r.Values[a.inputs[i]]
		if value.Missing {
			continue
		}
		switch p := &t[i]; s.Aggregate {
		case Count:
			p.Number = TotalOf(1)
		case Sum:
			p.Number = TotalOf(a.units(i, value.Number))
		case Min, Max:
			value.Number += 0 // of two zeros that differ in their sign none is the smaller one
			p.Value = value
		case Last:
			p.Value, p.Of = value, r.Position()
		case Distinct:
			text := value.Text
			if a.types[i] != pipeline.Category {
				text = strconv.FormatInt(a.units(i, value.Number), 10)
			}
			p.Texts = []string{text}
		}
	}
	return t
}

// units is a number in units of its last decimal: one of 64 bits, see View.Taken.
func (a *aggregates) units(slot int, x float64) int64 {
	return int64(math.Round(x * power(Decimals(a.types[slot]))))
}

// power is 10 to so many decimals.
func power(decimals int) float64 { return math.Pow10(decimals) }

// merge is the tile of the rows of both.
func (a *aggregates) merge(t, u Tile) Tile {
	merged := slices.Clone(t)
	for i := range merged {
		p, q := &merged[i], &u[i]
		switch a.slots[i].Aggregate {
		case Count, Sum:
			p.Number, p.TooLarge = p.Number.Plus(q.Number), p.TooLarge || q.TooLarge
		case Min:
			if p.Value.Missing || !q.Value.Missing && q.Value.Number < p.Value.Number {
				p.Value = q.Value
			}
		case Max:
			if p.Value.Missing || !q.Value.Missing && q.Value.Number > p.Value.Number {
				p.Value = q.Value
			}
		case Last:
			if p.Value.Missing || !q.Value.Missing && q.Of.Compare(p.Of) > 0 {
				p.Value, p.Of = q.Value, q.Of
			}
		case Distinct:
			texts := append(slices.Clone(p.Texts), q.Texts...)
			slices.Sort(texts)
			p.Texts = slices.Compact(texts)
		}
	}
	return merged
}

// tile is that of rows of which each counts, see Newest.
func (a *aggregates) tile(rows []Row) Tile {
	sum := a.empty()
	for i := range rows {
		sum = a.merge(sum, a.of(&rows[i]))
	}
	return sum
}

// ofDay is the tile of all rows of a day as the offline store has it: it holds 64-bit numbers.
func (a *aggregates) ofDay(t Tile) Tile {
	for i := range t {
		if _, fits := t[i].Number.Int64(); !fits {
			t = slices.Clone(t)
			t[i].Number, t[i].TooLarge = Total{}, true
		}
	}
	return t
}

// value is what a feature says of the tile of its window.
func (a *aggregates) value(f *Feature, t Tile) transform.Value {
	at := func(s Slot) int { return slices.Index(a.slots, s) }
	switch f.Aggregate {
	case Mean:
		count, _ := t[at(Slot{Count, f.Column()})].Number.Int64()
		if count == 0 {
			return transform.Value{Missing: true}
		}
		sum := a.sum(at(Slot{Sum, f.Column()}), t)
		if !sum.Missing {
			sum.Number /= float64(count)
		}
		return sum
	case Sum:
		return a.sum(at(Slot{Sum, f.Column()}), t)
	case Count:
		count, _ := t[at(Slot{Count, f.Column()})].Number.Int64()
		return transform.Value{Number: float64(count)}
	case Distinct:
		return transform.Value{Number: float64(len(t[at(Slot{Distinct, f.Column()})].Texts))}
	}
	return t[at(Slot{f.Aggregate, f.Column()})].Value
}

// sum is that of a slot; missing where it is no 64-bit number of units.
func (a *aggregates) sum(slot int, t Tile) transform.Value {
	units, fits := t[slot].Number.Int64()
	if !fits || t[slot].TooLarge {
		return transform.Value{Missing: true}
	}
	return transform.Value{Number: float64(units) / power(Decimals(a.types[slot]))}
}
