package feature_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// payments has a plain feature and one of each aggregate.
func payments() *feature.View {
	over := func(days int) feature.Span { return feature.Span(time.Duration(days) * 24 * time.Hour) }
	return &feature.View{
		Name: "payments", Entity: "applicant", ID: "payment_id", TTL: over(400),
		Columns: []pipeline.Column{
			{Name: "late", Type: pipeline.Boolean}, {Name: "amount", Type: pipeline.Decimal}, {Name: "days", Type: pipeline.Number}, {Name: "channel", Type: pipeline.Category},
		},
		Features: []feature.Feature{
			{Name: "balance", Type: pipeline.Decimal},
			{Name: "late_1d", Aggregate: feature.Sum, Of: "late", Over: over(1)},
			{Name: "late_30d", Aggregate: feature.Sum, Of: "late", Over: over(30)},
			{Name: "amount_30d", Aggregate: feature.Sum, Of: "amount", Over: over(30)},
			{Name: "mean_30d", Aggregate: feature.Mean, Of: "days", Over: over(30)},
			{Name: "rows_30d", Aggregate: feature.Count, Over: over(30)},
			{Name: "amounts_30d", Aggregate: feature.Count, Of: "amount", Over: over(30)},
			{Name: "least_30d", Aggregate: feature.Min, Of: "days", Over: over(30)},
			{Name: "most_90d", Aggregate: feature.Max, Of: "days", Over: over(90)},
			{Name: "channel_90d", Aggregate: feature.Last, Of: "channel", Over: over(90)},
			{Name: "channels_90d", Aggregate: feature.Distinct, Of: "channel", Over: over(90)},
			{Name: "amounts_90d", Aggregate: feature.Distinct, Of: "amount", Over: over(90)},
		},
	}
}

// naive is what a view says of rows at a moment, by its definition: nothing is kept of a day, and every row is looked at.
func naive(v *feature.View, rows []feature.Row, moment feature.Instant) feature.Reading {
	said := feature.Reading{Values: make([]transform.Value, len(v.Features)), Statuses: make([]feature.Status, len(v.Features))}
	var usable []feature.Row
	for _, r := range rows {
		if r.Event > moment || r.Created > moment {
			continue
		}
		replaced := slices.ContainsFunc(rows, func(other feature.Row) bool {
			return other.Event == r.Event && other.ID == r.ID && other.Created > r.Created && other.Created <= moment
		})
		if !replaced {
			usable = append(usable, r)
		}
	}
	slices.SortFunc(usable, func(a, b feature.Row) int {
		if a.Event != b.Event {
			return int(a.Event - b.Event)
		}
		if a.Created != b.Created {
			return int(a.Created - b.Created)
		}
		return strings.Compare(a.ID, b.ID)
	})
	status := feature.Present
	if len(usable) == 0 {
		status = feature.NotFound
	} else if said.Event = usable[len(usable)-1].Event; v.TTL > 0 && said.Event.Time().Add(time.Duration(v.TTL)).Compare(moment.Time()) <= 0 {
		status = feature.TooOld
	}
	for i := range v.Features {
		f := &v.Features[i]
		said.Statuses[i], said.Values[i] = status, transform.Value{Missing: true}
		if status != feature.Present {
			continue
		}
		column := slices.IndexFunc(v.Inputs(), func(c pipeline.Column) bool { return c.Name == f.Column() })
		if f.Plain() {
			said.Values[i] = usable[len(usable)-1].Values[column]
		} else {
			said.Values[i] = aggregated(v, f, usable, column, moment)
		}
		if said.Values[i].Missing {
			said.Statuses[i] = feature.Null
		}
	}
	return said
}

// aggregated is an aggregate over usable rows, the oldest first.
func aggregated(v *feature.View, f *feature.Feature, usable []feature.Row, column int, moment feature.Instant) transform.Value {
	begin := moment.Time().Truncate(24*time.Hour).AddDate(0, 0, -f.Days())
	var in []transform.Value
	for _, r := range usable {
		if r.Event.Time().Before(begin) {
			continue
		}
		value := transform.Value{Number: 1}
		if column >= 0 {
			value = r.Values[column]
		}
		if !value.Missing {
			in = append(in, value)
		}
	}
	decimals := 0
	if column >= 0 {
		decimals = feature.Decimals(v.Inputs()[column].Type)
	}
	units, different := 0.0, map[string]bool{}
	for _, value := range in {
		scaled := math.Round(value.Number * math.Pow10(decimals))
		units += scaled // whole numbers that are small enough to be exact
		different[fmt.Sprint(value.Text, scaled)] = true
	}
	sum := units / math.Pow10(decimals)
	switch f.Aggregate {
	case feature.Sum:
		return transform.Value{Number: sum}
	case feature.Count:
		return transform.Value{Number: float64(len(in))}
	case feature.Distinct:
		return transform.Value{Number: float64(len(different))}
	}
	if len(in) == 0 {
		return transform.Value{Missing: true}
	}
	byNumber := func(a, b transform.Value) int { return int(math.Copysign(1, a.Number-b.Number)) }
	switch f.Aggregate {
	case feature.Mean:
		return transform.Value{Number: sum / float64(len(in))}
	case feature.Min:
		return slices.MinFunc(in, byNumber)
	case feature.Max:
		return slices.MaxFunc(in, byNumber)
	}
	return in[len(in)-1]
}

// history draws rows of one entity as they became known: late, corrected and with missing values.
func history(t *rapid.T, origin string) []feature.Row {
	missing := func(label string, v transform.Value) transform.Value {
		if rapid.IntRange(0, 5).Draw(t, label+"?") == 0 {
			return transform.Value{Missing: true}
		}
		return v
	}
	value := func() []transform.Value {
		return []transform.Value{
			missing("late", transform.Value{Number: float64(rapid.IntRange(0, 1).Draw(t, "late"))}),
			missing("amount", transform.Value{Number: float64(rapid.IntRange(-1e6, 1e6).Draw(t, "amount")) / 1e4}),
			missing("days", transform.Value{Number: rapid.SampledFrom([]float64{0, 0.1, 0.2, 1.0 / 3, -7.5, 12, 1e6}).Draw(t, "days")}),
			missing("channel", transform.Value{Text: rapid.SampledFrom([]string{"branch", "app", "mail"}).Draw(t, "channel")}),
			missing("balance", transform.Value{Number: float64(rapid.IntRange(0, 1000).Draw(t, "balance"))}),
		}
	}
	hour := feature.Instant(time.Hour / time.Microsecond)
	begin := feature.InstantOf(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	var rows []feature.Row
	for nth := range rapid.IntRange(0, 25).Draw(t, "rows") {
		event := begin + hour*feature.Instant(rapid.IntRange(0, 24*120).Draw(t, "event"))
		row := feature.Row{ID: fmt.Sprint(origin, nth), Event: event, Created: event + hour*feature.Instant(rapid.SampledFrom([]int{0, 0, 1, 30, 24 * 9}).Draw(t, "late by")), Values: value()}
		for range rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "versions") {
			rows = append(rows, row)
			row.Created += hour * feature.Instant(rapid.IntRange(1, 24*40).Draw(t, "corrected after"))
			row.Values = value()
		}
	}
	slices.SortStableFunc(rows, func(a, b feature.Row) int { return int(a.Created - b.Created) })
	return rows
}

// What is kept as rows come in one after the other, through its codec each time, says what all rows together do: bit for bit.
func TestAStateSaysWhatAllRowsSay(t *testing.T) {
	t.Parallel()
	v := payments()
	r := v.Reader()
	rapid.Check(t, func(t *rapid.T) {
		rows := history(t, "a")
		var state feature.State
		next := 0 // the first row that the state is not made of
		for i, row := range rows {
			if i+1 < len(rows) && rows[i+1].Created == row.Created && rapid.Bool().Draw(t, "together") {
				continue // with the next
			}
			folded, extent := extended(t, rows[:i+1], next)
			next = i + 1
			posted := r.Posted(state, folded, extent, row.Created)
			data := posted.Encode()
			var err error
			state, err = r.Decode(data)
			require.NoError(t, err)
			require.Equal(t, data, state.Encode())
			last := row.Created
			if i+1 < len(rows) {
				last = rows[i+1].Created - 1
			}
			for _, moment := range []feature.Instant{row.Created, row.Created.Day().Begin() + 24*3600e6, last} {
				if moment < row.Created || moment > last {
					continue
				}
				require.Equal(t, naive(v, rows[:i+1], moment), r.At(&state, moment), "at %s", moment.Time())
			}
		}
	})
}

// extended are rows with those from a place on as new ones, as a log gives them: these alone where no other row is of their instants, else all of their days, or all.
func extended(t *rapid.T, rows []feature.Row, from int) (of []feature.Row, extent feature.Extent) {
	if rapid.IntRange(0, 5).Draw(t, "all") == 0 {
		return rows, feature.AllRows
	}
	instants, days := map[feature.Instant]int{}, map[feature.Day]bool{}
	for i, r := range rows {
		instants[r.Event]++
		days[r.Event.Day()] = days[r.Event.Day()] || i >= from
	}
	if !slices.ContainsFunc(rows[from:], func(r feature.Row) bool { return instants[r.Event] > 1 }) {
		return rows[from:], feature.NewRows
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r feature.Row) bool { return !days[r.Event.Day()] }), feature.WholeDays
}

// Rows of files and rows that were posted are told as if they were of one origin.
func TestFilesAndPostedRowsAddUp(t *testing.T) {
	t.Parallel()
	v := payments()
	r := v.Reader()
	rapid.Check(t, func(t *rapid.T) {
		now := feature.InstantOf(time.Date(2026, 6, 1, rapid.IntRange(0, 23).Draw(t, "hour"), 0, 0, 0, time.UTC))
		known := func(rows []feature.Row) []feature.Row {
			return slices.DeleteFunc(rows, func(r feature.Row) bool { return r.Known() > now })
		}
		files, posted := known(history(t, "file")), known(history(t, "log"))
		other := r.Posted(feature.State{}, files, feature.AllRows, now) // what is made of rows does not depend on where they come from
		state := r.Computed(feature.State{}, 1, other.Log, now)
		state = r.Posted(state, posted, feature.AllRows, now)
		state = r.Computed(state, 0, feature.Part{}, now)
		said := r.At(&state, now)
		require.Equal(t, naive(v, append(files, posted...), now), said, "an older generation replaces nothing")
	})
}

func TestNothingIsKnown(t *testing.T) {
	t.Parallel()
	said := payments().Reader().At(nil, 0)
	for i := range said.Values {
		require.Equal(t, feature.NotFound, said.Statuses[i])
		require.True(t, said.Values[i].Missing)
	}
}

// The window of one day at noon of 10 June: from the beginning of the 9th.
func TestTheBordersOfAWindow(t *testing.T) {
	t.Parallel()
	v := payments()
	noon := feature.InstantOf(time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC))
	begin := feature.InstantOf(time.Date(2026, 6, 9, 0, 0, 0, 0, time.UTC))
	for event, want := range map[feature.Instant]float64{begin: 1, begin - 1: 0, noon: 1} {
		row := feature.Row{Event: event, Created: event, Values: make([]transform.Value, 5)}
		row.Values[0].Number = 1
		r := v.Reader()
		state := r.Posted(feature.State{}, []feature.Row{row}, feature.AllRows, noon)
		said := r.At(&state, noon)
		require.InDelta(t, want, said.Values[1].Number, 0, "late_1d, event at %s", event.Time())
	}
}

// A clock that is behind the writer's asks before the newest row was true or known: the answer is that of the instant at which it was both, in one piece. Here
// that is the next day, to which its plain features and its windows belong alike.
func TestAMomentBeforeTheNewestRow(t *testing.T) {
	t.Parallel()
	v := payments()
	r := v.Reader()
	midnight := feature.InstantOf(time.Date(2026, 6, 10, 0, 0, 0, 0, time.UTC))
	for name, row := range map[string]feature.Row{"true later": {Event: midnight + 1, Created: midnight - 5e6}, "known later": {Event: midnight - 1, Created: midnight + 1}} {
		row.Values = make([]transform.Value, 5)
		row.Values[0].Number = 1
		dayBefore := feature.Row{ID: "before", Event: midnight - 24*3600e6 - 1, Created: midnight - 24*3600e6, Values: row.Values} // out of the window of a day, then
		state := r.Posted(feature.State{}, []feature.Row{dayBefore, row}, feature.AllRows, midnight)
		for _, moment := range []feature.Instant{midnight - 5e6, midnight + 1} {
			said := r.At(&state, moment)
			require.Equal(t, naive(v, []feature.Row{dayBefore, row}, midnight+1), said, "%s, at %s", name, moment.Time())
		}
	}
}

// A row that is as old as the TTL says nothing any more, one that is a microsecond younger does.
func TestTheBorderOfATTL(t *testing.T) {
	t.Parallel()
	v := payments()
	r := v.Reader()
	row := feature.Row{Values: make([]transform.Value, 5)}
	state := r.Posted(feature.State{}, []feature.Row{row}, feature.AllRows, 0)
	ttl := feature.Instant(time.Duration(v.TTL) / time.Microsecond)
	for moment, want := range map[feature.Instant]feature.Status{ttl - 1: feature.Present, ttl: feature.TooOld} {
		said := r.At(&state, moment)
		require.Equal(t, want, said.Statuses[0])
		require.Equal(t, want == feature.TooOld, said.Values[0].Missing, "a stale value is not told")
	}
}

// Wanted by hand: a sum that is no 64-bit number of units is not told, of that window alone. Those of days may cancel each other out as long as each of them is one;
// so do those of a day, in whatever order they come.
func TestSumsThatAreTooLarge(t *testing.T) {
	t.Parallel()
	const large = 9e14 // amounts have 4 decimals
	for name, test := range map[string]struct {
		days     [][]float64 // amounts by how many days ago
		sum, one float64     // of 30 days, and of the last two
		missing  [2]bool
	}{
		"over two days":         {[][]float64{{large}, {large}}, 0, large, [2]bool{true, false}},
		"which cancel":          {[][]float64{{large}, {large}, {-large}, {-large}}, 0, large, [2]bool{false, false}},
		"below":                 {[][]float64{{-large}, {-large}}, 0, -large, [2]bool{true, false}},
		"of a day":              {[][]float64{{1}, {large, large}}, 0, 1, [2]bool{true, false}},
		"of a day, for good":    {[][]float64{{1}, {large, large}, {-large}}, 0, 1, [2]bool{true, false}},
		"of a day which cancel": {[][]float64{{2}, {large, large, -large, -large}}, 2, 2, [2]bool{false, false}},
	} {
		v := payments()
		v.Features = append(v.Features, feature.Feature{Name: "amount_0d", Aggregate: feature.Sum, Of: "amount"}, feature.Feature{Name: "mean_amount", Aggregate: feature.Mean, Of: "amount", Over: feature.Span(30 * 24 * time.Hour)})
		r := v.Reader()
		noon := feature.Day(20_000).Begin() + 43_200_000_000
		var rows []feature.Row
		for day, amounts := range test.days {
			for _, amount := range amounts {
				row := feature.Row{ID: fmt.Sprint(len(rows)), Event: noon - feature.Instant(day)*86_400_000_000 + feature.Instant(len(rows)), Values: make([]transform.Value, 5)}
				row.Values[1].Number = amount
				rows = append(rows, row)
			}
		}
		state := r.Posted(feature.State{}, rows, feature.AllRows, noon)
		var one feature.State
		for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(len(rows)) {
			one = r.Posted(one, rows[i:i+1], feature.NewRows, noon)
		}
		require.Equal(t, state.Encode(), one.Encode(), "%s: in any order", name)
		decoded, err := r.Decode(state.Encode())
		require.NoError(t, err)
		require.Equal(t, state, decoded, name)
		said := r.At(&decoded, noon+1000)
		at := func(feature string) int { return slices.Index(names(v), feature) }
		for i, want := range map[int]float64{at("amount_30d"): test.sum, at("amount_0d"): test.one} {
			missing := test.missing[0]
			if i == at("amount_0d") {
				missing = test.missing[1]
			}
			require.Equal(t, transform.Value{Number: map[bool]float64{false: want}[missing], Missing: missing}, said.Values[i], "%s: %s", name, v.Features[i].Name)
			require.Equal(t, missing, said.Statuses[i] == feature.Null, name)
		}
		require.Equal(t, test.missing[0], said.Values[at("mean_amount")].Missing, name)
		require.InDelta(t, len(rows), said.Values[at("amounts_30d")].Number, 0, name)
	}
}

func names(v *feature.View) (names []string) {
	for i := range v.Features {
		names = append(names, v.Features[i].Name)
	}
	return names
}

// What files say of a day with such a sum is kept as such.
func TestATileThatIsTooLarge(t *testing.T) {
	t.Parallel()
	r := payments().Reader()
	row := feature.Row{ID: "1", Event: 5, Created: 7, Values: []transform.Value{{Number: 1}, {Number: 2}, {Number: 0.5}, {Text: "app"}, {Number: 3}}}
	files := r.Posted(feature.State{}, []feature.Row{row}, feature.AllRows, 9).Log
	for i := range files.Days[0].Tile {
		if p := &files.Days[0].Tile[i]; i == 1 { // the sum of amount
			p.Number, p.TooLarge = feature.Total{}, true
		}
	}
	state := r.Computed(feature.State{}, 1, files, 9)
	decoded, err := r.Decode(state.Encode())
	require.NoError(t, err)
	require.Equal(t, state, decoded)
	said := r.At(&decoded, 9)
	require.Equal(t, feature.Null, said.Statuses[3], "amount_30d")
	require.Equal(t, feature.Present, said.Statuses[2], "late_30d")
}

func TestZerosAreOne(t *testing.T) {
	t.Parallel()
	row := feature.Row{Values: make([]transform.Value, 5)}
	row.Values[2].Number = math.Copysign(0, -1)
	r := payments().Reader()
	state := r.Posted(feature.State{}, []feature.Row{row}, feature.AllRows, 0)
	said := r.At(&state, 0)
	require.False(t, math.Signbit(said.Values[7].Number))
}

func FuzzDecode(f *testing.F) {
	r := payments().Reader()
	row := feature.Row{ID: "1", Event: 5, Created: 7, Values: []transform.Value{{Number: 1}, {Missing: true}, {Number: 0.5}, {Text: "app"}, {Number: 3}}}
	state := r.Posted(feature.State{Generation: 3}, []feature.Row{row}, feature.AllRows, 0)
	f.Add(state.Encode())
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, data []byte) {
		state, err := r.Decode(data)
		if err != nil {
			require.Equal(t, fault.Internal, fault.CodeOf(err))
			return
		}
		again, err := r.Decode(state.Encode())
		require.NoError(t, err)
		require.Equal(t, state.Encode(), again.Encode())
	})
}
