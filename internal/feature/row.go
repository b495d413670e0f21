package feature

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// Key is the texts of an entity's keys, in the entity's order, as one text: a JSON array.
type Key string

// KeyOf makes one text of the keys'.
func KeyOf(texts ...string) Key {
	data, err := json.Marshal(texts)
	if err != nil {
		panic("feature: texts that are no JSON: " + err.Error())
	}
	return Key(data)
}

// Texts are the keys' own.
func (k Key) Texts() ([]string, error) {
	var texts []string
	if err := json.Unmarshal([]byte(k), &texts); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "a key of an entity")
	}
	return texts, nil
}

// Instant is a point in time in microseconds since 1970-01-01T00:00:00Z.
type Instant int64

// InstantOf is the instant of a time.
func InstantOf(t time.Time) Instant { return Instant(t.UnixMicro()) }

// Time is the instant in UTC.
func (i Instant) Time() time.Time { return time.UnixMicro(int64(i)).UTC() }

// Day is a day in UTC: their number since 1970-01-01.
type Day int32

const dayMicros = int64(24 * time.Hour / time.Microsecond)

// Day is the one that the instant lies in.
func (i Instant) Day() Day {
	day := int64(i) / dayMicros
	if int64(i)%dayMicros < 0 {
		day--
	}
	return Day(day)
}

// Begin is the day's first instant.
func (d Day) Begin() Instant { return Instant(int64(d) * dayMicros) }

// Row is what a view's feed says of an entity.
type Row struct {
	Key Key
	// ID tells it apart from others of the same key and instant; empty in a view whose rows have none.
	ID string
	// Event is when it was true, Created when it was known.
	Event, Created Instant
	// Values are those of View.Inputs.
	Values []transform.Value
}

// Known is the first instant at which the row can be used: it is true and known then.
func (r *Row) Known() Instant { return max(r.Event, r.Created) }

// Plain says that the feature is a column of the newest row.
func (f *Feature) Plain() bool { return f.Aggregate == "" }

// Column is the name of the column that the feature is made of; empty for a count of rows.
func (f *Feature) Column() string {
	if f.Of == "" && f.Plain() {
		return f.Name
	}
	return f.Of
}

// Days is the window of an aggregate: so many whole days before that of the moment.
func (f *Feature) Days() int { return int(time.Duration(f.Over) / (24 * time.Hour)) }

// Inputs are the columns of rows that features are made of: Columns, then those that plain features declare themselves.
func (v *View) Inputs() []pipeline.Column {
	inputs := slices.Clone(v.Columns)
	for i := range v.Features {
		if f := &v.Features[i]; f.Plain() && f.Of == "" {
			inputs = append(inputs, pipeline.Column{Name: f.Name, Type: f.Type, Min: f.Min, Max: f.Max, Domain: f.Domain, MissingMax: 1, Unit: f.Unit})
		}
	}
	return inputs
}

// largest is the largest number of which there is a 64-bit number of units, see Decimals, in whole ones.
const largest = 9_223_372_036_854

// Taken are Inputs as rows are held against them: numbers that are summed, or told apart, have bounds. Integers and amounts have too few digits to need any.
func (v *View) Taken() []pipeline.Column {
	taken := v.Inputs()
	for _, slot := range v.Slots() {
		i := v.Input(slot.Column)
		if slot.Aggregate != Sum && slot.Aggregate != Distinct || taken[i].Type != pipeline.Number {
			continue
		}
		of, low, high := &taken[i], float64(-largest), float64(largest)
		if of.Min != nil {
			low = max(low, *of.Min)
		}
		if of.Max != nil {
			high = min(high, *of.Max)
		}
		of.Min, of.Max = &low, &high
	}
	return taken
}

// Input is the place of a column in Inputs, or -1.
func (v *View) Input(column string) int {
	return slices.IndexFunc(v.Inputs(), func(c pipeline.Column) bool { return c.Name == column })
}

// Feature is the view's of a name; nil where it has none.
func (v *View) Feature(name string) *Feature {
	for i := range v.Features {
		if v.Features[i].Name == name {
			return &v.Features[i]
		}
	}
	return nil
}

// TypeOf is the type of a feature's values: a plain one's is its column's; counts are integers, means numbers, sums of booleans integers, and what else
// is made of a column has the column's.
func (v *View) TypeOf(f *Feature) pipeline.ColumnType {
	var of pipeline.ColumnType
	if i := v.Input(f.Column()); i >= 0 {
		of = v.Inputs()[i].Type
	}
	switch {
	case f.Aggregate == Count || f.Aggregate == Distinct || f.Aggregate == Sum && of == pipeline.Boolean:
		return pipeline.Integer
	case f.Aggregate == Mean:
		return pipeline.Number
	}
	return of
}

// OwnerOf is whom to ask about a feature: its own owner, else the view's.
func (v *View) OwnerOf(f *Feature) string { return cmp.Or(f.Owner, v.Owner) }

// Decimals is how many decimals of a column's values a sum takes: sums of whole numbers are the same in any order.
func Decimals(of pipeline.ColumnType) int {
	switch of {
	case pipeline.Decimal:
		return 4
	case pipeline.Number:
		return 6
	}
	return 0
}

// Slot is one thing that a tile holds of the rows of a day: features that are made of the same share it.
type Slot struct {
	// Aggregate is what is held; never Mean, which is made of Sum and Count.
	Aggregate Aggregate
	// Column is of what; empty for a count of rows.
	Column string
}

// Slots are those of a view's aggregates, in the order of the features that need them first; none of a view without aggregates.
func (v *View) Slots() []Slot {
	var slots []Slot
	add := func(s Slot) {
		if !slices.Contains(slots, s) {
			slots = append(slots, s)
		}
	}
	for i := range v.Features {
		switch f := &v.Features[i]; {
		case f.Plain():
		case f.Aggregate == Mean:
			add(Slot{Sum, f.Column()})
			add(Slot{Count, f.Column()})
		default:
			add(Slot{f.Aggregate, f.Column()})
		}
	}
	return slots
}

// Window is the longest of the view's windows, in days before that of the moment; 0 without aggregates.
func (v *View) Window() int {
	longest := 0
	for i := range v.Features {
		longest = max(longest, v.Features[i].Days())
	}
	return longest
}

// Status says how a value came about, by the words of Feast.
type Status string

// The statuses.
const (
	Present  Status = "PRESENT"
	Null     Status = "NULL_VALUE"      // the rows say that there is none
	NotFound Status = "NOT_FOUND"       // nothing is known of the entity
	TooOld   Status = "OUTSIDE_MAX_AGE" // its newest row is older than the view's TTL

)

// Reading is what a view says of an entity at a moment.
type Reading struct {
	// Values and Statuses are those of the view's features. A value whose status is not Present is missing.
	Values   []transform.Value
	Statuses []Status
	// Event is when the newest row was true; 0 where there is none.
	Event Instant
}
