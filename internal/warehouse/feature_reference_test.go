package warehouse_test

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/feature"
)

// This is what a view says at a moment, by nested loops and the words of internal/feature alone. Nothing of it is shared with the SQL that it is held against.

const day = int64(24 * time.Hour / time.Microsecond)

// said is a row of a view: a value is nil, a float64 (of a boolean 1 or 0) or a string.
type said struct {
	keys           []string
	event, created int64
	id             string
	origin         int
	values         []any
}

func (r *said) known() int64 { return max(r.event, r.created) }

func newness(a, b *said) int {
	return cmp.Or(cmp.Compare(a.event, b.event), cmp.Compare(a.created, b.created), cmp.Compare(a.id, b.id), cmp.Compare(b.origin, a.origin))
}

// answer is what a view says: values of its features, and when the newest row was true.
type answer struct {
	values []any
	event  *int64
	// created is the latest time at which one of the rows that the values are made of was known.
	created int64
}

// ask asks a view about an entity at a moment.
func ask(v *feature.View, rows []said, keys []string, moment int64) answer {
	a := answer{values: make([]any, len(v.Features)), created: math.MinInt64}
	var usable []*said
	for i := range rows {
		if r := &rows[i]; slices.Equal(r.keys, keys) && r.event <= moment && r.created <= moment {
			usable = append(usable, r)
		}
	}
	if len(usable) == 0 {
		return a
	}
	newest := slices.MaxFunc(usable, newness)
	a.event = &newest.event
	if ttl := time.Duration(v.TTL).Microseconds(); ttl > 0 && newest.event <= moment-ttl {
		return a
	}
	a.created = newest.created
	for i := range v.Features {
		f := &v.Features[i]
		if f.Plain() {
			a.values[i] = newest.values[v.Input(f.Column())]
			continue
		}
		var in []*said
		for _, r := range usable {
			corrected := slices.ContainsFunc(usable, func(by *said) bool {
				return by.event == r.event && by.id == r.id && by.origin == r.origin && by.created > r.created
			})
			if !corrected && r.event >= beginning(moment)-int64(f.Days())*day {
				in = append(in, r)
				a.created = max(a.created, r.created)
			}
		}
		a.values[i] = aggregated(v, f, in)
	}
	return a
}

// beginning is that of a moment's day.
func beginning(moment int64) int64 {
	into := moment % day
	if into < 0 {
		into += day
	}
	return moment - into
}

func aggregated(v *feature.View, f *feature.Feature, rows []*said) any {
	if f.Aggregate == feature.Count && f.Column() == "" {
		return float64(len(rows))
	}
	column := v.Input(f.Column())
	slices.SortFunc(rows, newness)
	var values []any
	for _, r := range rows {
		if r.values[column] != nil {
			values = append(values, r.values[column])
		}
	}
	places := math.Pow10(feature.Decimals(v.Inputs()[column].Type))
	switch f.Aggregate {
	case feature.Count:
		return float64(len(values))
	case feature.Sum:
		return summed(rows, column, places, 1)
	case feature.Distinct:
		different := map[any]bool{}
		for _, value := range values {
			if x, is := value.(float64); is { // to as many decimals as sums have
				value = math.Round(x * places)
			}
			different[value] = true
		}
		return float64(len(different))
	}
	if len(values) == 0 {
		return nil
	}
	switch f.Aggregate {
	case feature.Mean:
		return summed(rows, column, places, len(values))
	case feature.Last:
		return values[len(values)-1]
	case feature.Min:
		return slices.MinFunc(values, ordered)
	default:
		return slices.MaxFunc(values, ordered)
	}
}

// summed is the sum of a column's values by so many; nil where it, or that of a day's rows of one origin, is no 64-bit number of units.
func summed(rows []*said, column int, places float64, by int) any {
	type tile struct {
		day    int64
		origin int
	}
	all, tiles := new(big.Int), map[tile]*big.Int{}
	for _, r := range rows {
		if value, is := r.values[column].(float64); is {
			units, of := big.NewInt(int64(math.Round(value*places))), tile{beginning(r.event), r.origin}
			all.Add(all, units)
			tiles[of] = units.Add(units, cmp.Or(tiles[of], new(big.Int)))
		}
	}
	for _, sum := range tiles {
		if !sum.IsInt64() {
			return nil
		}
	}
	if !all.IsInt64() {
		return nil
	}
	return float64(all.Int64()) / places / float64(by)
}

func ordered(a, b any) int {
	if x, is := a.(float64); is {
		return cmp.Compare(x, b.(float64))
	}
	return cmp.Compare(a.(string), b.(string))
}
