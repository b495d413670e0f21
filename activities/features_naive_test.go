package activities

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// The words of package feature as nested loops over the rows of a feed. Nothing of it is shared with what is held against it.

// feedRows are a feed's rows as a view has them.
func feedRows(t *testing.T, v *feature.View, feed dataset.Table) (rows []feature.Row) {
	t.Helper()
	for i := range feed.Rows() {
		row := feature.Row{
			Key: feature.KeyOf(feed.Column(v.Keys[0]).Texts[i]), Event: feature.Instant(feed.Column(v.EventTimestamp).Floats[i]), Created: feature.Instant(feed.Column(v.CreatedTimestamp).Floats[i]),
		}
		if v.ID != "" {
			row.ID = feed.Column(v.ID).Texts[i]
		}
		for _, c := range v.Inputs() {
			require.NotNil(t, feed.Column(c.Name), c.Name)
			row.Values = append(row.Values, cell(feed.Column(c.Name), i))
		}
		rows = append(rows, row)
	}
	return rows
}

// saidAt are the values of the view's features at a moment, of an entity whose rows these are.
func saidAt(v *feature.View, rows []feature.Row, moment feature.Instant) (values []transform.Value) {
	values = make([]transform.Value, len(v.Features))
	for i := range values {
		values[i].Missing = true
	}
	var usable []feature.Row
	for _, r := range rows {
		replaced := slices.ContainsFunc(rows, func(by feature.Row) bool {
			return by.Event == r.Event && by.ID == r.ID && by.Created <= moment && by.Created > r.Created
		})
		twice := slices.ContainsFunc(usable, func(of feature.Row) bool { return of.Event == r.Event && of.ID == r.ID && of.Created == r.Created })
		if r.Event <= moment && r.Created <= moment && !replaced && !twice {
			usable = append(usable, r)
		}
	}
	if len(usable) == 0 {
		return values
	}
	slices.SortFunc(usable, func(a, b feature.Row) int {
		for _, d := range []feature.Instant{a.Event - b.Event, a.Created - b.Created} {
			if d != 0 {
				return int(d)
			}
		}
		return strings.Compare(a.ID, b.ID)
	})
	newest := usable[len(usable)-1]
	if v.TTL > 0 && !newest.Event.Time().Add(time.Duration(v.TTL)).After(moment.Time()) {
		return values
	}
	for i := range v.Features {
		f := &v.Features[i]
		if f.Aggregate == "" {
			values[i] = newest.Values[v.Input(f.Column())]
			continue
		}
		from := moment.Time().Truncate(24 * time.Hour).Add(-time.Duration(f.Over))
		var in []transform.Value
		for _, r := range usable {
			value := transform.Value{Number: 1}
			if f.Of != "" {
				value = r.Values[v.Input(f.Of)]
			}
			if !r.Event.Time().Before(from) && !value.Missing {
				in = append(in, value)
			}
		}
		values[i] = madeOf(v, f, in)
	}
	return values
}

// madeOf is an aggregate of values, the oldest first.
func madeOf(v *feature.View, f *feature.Feature, in []transform.Value) transform.Value {
	units, different := int64(0), map[string]bool{}
	places := 1.0
	if f.Of != "" && v.Inputs()[v.Input(f.Of)].Type == pipeline.Decimal {
		places = 1e4
	}
	for _, value := range in {
		units += int64(math.Round(value.Number * places))
		different[value.Text] = true
	}
	switch f.Aggregate {
	case feature.Sum:
		return transform.Value{Number: float64(units) / places}
	case feature.Count:
		return transform.Value{Number: float64(len(in))}
	case feature.Distinct: // of texts
		return transform.Value{Number: float64(len(different))}
	}
	if len(in) == 0 {
		return transform.Value{Missing: true}
	}
	byNumber := func(a, b transform.Value) int { return int(math.Copysign(1, a.Number-b.Number)) }
	switch f.Aggregate {
	case feature.Mean:
		return transform.Value{Number: float64(units) / places / float64(len(in))}
	case feature.Min:
		return slices.MinFunc(in, byNumber)
	case feature.Max:
		return slices.MaxFunc(in, byNumber)
	}
	return in[len(in)-1]
}
