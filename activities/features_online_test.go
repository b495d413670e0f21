package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/source"
)

// balances are definitions of a view over files and posted events, with every aggregate and two windows.
func balances(folder, ttl string) feature.File {
	return feature.File{Name: "balances.yaml", Data: fmt.Appendf(nil, `
entities:
  - {name: account, keys: [applicant_id, branch]}
views:
  - name: balances
    entity: account
    source: {csv: {uri: %s/*.csv}}
    events: true
    id: entry
    event_timestamp: at
    created_timestamp: told
    ttl: %s
    columns:
      - {name: late, type: boolean, missing_max: 1}
      - {name: paid, type: decimal, min: -1000000, max: 1000000, missing_max: 1}
      - {name: rate, type: number, min: -1000000, max: 1000000, missing_max: 1}
      - {name: channel, type: category, domain: [cash, card, "it's", post], missing_max: 1}
    features:
      - {name: score, type: integer, min: -1000, max: 1000, reason: plain, default: 1}
      - {name: way, type: category, of: channel, reason: plain}
      - {name: late_3d, aggregate: sum, of: late, over: 3d, reason: sum, default: 0}
      - {name: paid_5d, aggregate: sum, of: paid, over: 5d, reason: sum, default: 0}
      - {name: rates_3d, aggregate: sum, of: rate, over: 3d, reason: sum, default: 0}
      - {name: paid_mean_3d, aggregate: mean, of: paid, over: 3d, reason: mean}
      - {name: rows_5d, aggregate: count, over: 5d, reason: count, default: 0}
      - {name: rates_5d, aggregate: count, of: rate, over: 5d, reason: count, default: 0}
      - {name: rate_min_5d, aggregate: min, of: rate, over: 5d, reason: min}
      - {name: paid_max_3d, aggregate: max, of: paid, over: 3d, reason: max}
      - {name: last_5d, aggregate: last, of: channel, over: 5d, reason: last}
      - {name: ways_5d, aggregate: distinct, of: channel, over: 5d, reason: distinct, default: 0}
      - {name: amounts_3d, aggregate: distinct, of: paid, over: 3d, reason: distinct, default: 0}
`, folder, ttl)}
}

// accounts is a feature store whose views speak of random accounts.
type accounts struct {
	*featureBench
	folder string
	random *rand.Rand
	entry  int
	filed  []entry // what files have said
	posted []feature.Posted
	files  int
}

// entry is a row of a file.
type entry struct {
	key      []string
	id       string
	at, told feature.Instant
	values   map[string]any
}

const (
	population = 2000
	hour       = feature.Instant(time.Hour / time.Microsecond)
	wholeDay   = 24 * hour
)

func newAccounts(t *testing.T) *accounts {
	t.Helper()
	a := &accounts{featureBench: newFeatureBench(t), folder: t.TempDir(), random: rand.New(rand.NewPCG(12, 7))}
	a.now = feature.InstantOf(time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC))
	a.apply(t, balances(a.folder, "6d"))
	return a
}

// account is the keys of one of so many.
func account(i int) []string {
	return []string{fmt.Sprintf("a'%d<", i/2), []string{"north", "süd"}[i%2]}
}

// says are random values of a row; some are missing.
func (a *accounts) says() map[string]any {
	all := map[string]any{
		"late": a.random.IntN(2) == 1, "paid": float64(a.random.IntN(40)-20) / 4, "rate": float64(a.random.IntN(9)-4) / 8, "channel": []string{"cash", "card", "it's", "post"}[a.random.IntN(4)],
		"score": float64(a.random.IntN(5) - 2),
	}
	for _, name := range []string{"late", "paid", "rate", "channel", "score"} {
		if a.random.IntN(6) == 0 {
			delete(all, name)
		}
	}
	return all
}

// since is an instant between now and so many days ago; one of three is the beginning of a day.
func (a *accounts) since(days int) feature.Instant {
	at := a.now - feature.Instant(a.random.Int64N(int64(days)*int64(wholeDay)))
	if a.random.IntN(3) == 0 {
		at = at.Day().Begin()
	}
	return at
}

// file writes rows of a share of the accounts about the last days: some late, some known only in days to come, some corrected, some twice.
func (a *accounts) file(t *testing.T, rows, days int) {
	t.Helper()
	var fresh []entry
	for range rows {
		e := entry{key: account(a.random.IntN(population)), id: fmt.Sprint("f", a.entry), at: a.since(days), values: a.says()}
		a.entry++
		e.told = e.at + feature.Instant(a.random.Int64N(int64(2*wholeDay)))
		if a.random.IntN(10) == 0 && len(a.filed) > 0 { // what an earlier row said is put right
			of := a.filed[a.random.IntN(len(a.filed))]
			e.key, e.id, e.at, e.told = of.key, of.id, of.at, a.now-feature.Instant(a.random.Int64N(int64(hour)))
			e.told = max(e.told, of.told+1+feature.Instant(a.entry))
		}
		fresh = append(fresh, e)
		if a.random.IntN(20) == 0 {
			fresh = append(fresh, e)
		}
	}
	a.filed = append(a.filed, fresh...)
	a.files++
	a.write(t, fmt.Sprintf("%03d.csv", a.files), fresh)
}

func (a *accounts) write(t *testing.T, name string, rows []entry) {
	t.Helper()
	var text strings.Builder
	text.WriteString("applicant_id,branch,entry,at,told,late,paid,rate,channel,score\n")
	for _, e := range rows {
		fmt.Fprintf(&text, "%s,%s,%s,%s,%s", e.key[0], e.key[1], e.id, e.at.Time().Format(time.RFC3339Nano), e.told.Time().Format(time.RFC3339Nano))
		for _, name := range []string{"late", "paid", "rate", "channel", "score"} {
			value := ""
			if e.values[name] != nil {
				value = fmt.Sprint(e.values[name])
			}
			text.WriteString("," + value)
		}
		text.WriteString("\n")
	}
	require.NoError(t, os.WriteFile(filepath.Join(a.folder, name), []byte(text.String()), 0o600))
}

// post appends events of some accounts: of the last days, some corrected, some twice.
func (a *accounts) post(t *testing.T, rows, days int) {
	t.Helper()
	var fresh []feature.Posted
	for range rows {
		data, err := json.Marshal(a.says())
		require.NoError(t, err)
		p := feature.Posted{ID: fmt.Sprint("p", a.entry), Key: feature.KeyOf(account(a.random.IntN(population + 50))...), Names: feature.KeyOf("applicant_id", "branch"), Event: a.since(days), Values: data}
		a.entry++
		if len(a.posted) > 0 && a.random.IntN(8) == 0 {
			of := a.posted[a.random.IntN(len(a.posted))]
			p.ID, p.Key, p.Event = of.ID, of.Key, of.Event
			if a.random.IntN(3) == 0 {
				p = of
			}
		}
		fresh = append(fresh, p)
	}
	a.append(t, "balances", fresh...)
	a.posted = append(a.posted, fresh...)
}

// append posts rows as servers do.
func (a *accounts) append(t *testing.T, view string, rows ...feature.Posted) {
	t.Helper()
	fold := func(version feature.Registered, _ feature.Key, state []byte, rows []feature.Logged, of feature.Extent) ([]byte, error) {
		var view feature.View
		if err := json.Unmarshal(version.Document, &view); err != nil {
			return nil, err
		}
		return view.Reader().Fold(state, rows, of, a.now)
	}
	_, err := a.store.Append(t.Context(), view, rows, func() feature.Instant { return a.now - hour }, fold)
	require.NoError(t, err)
}

// retire retires a version of the view.
func (a *accounts) retire(t *testing.T, version string) {
	t.Helper()
	plan, err := a.catalogue(t).Retire(version, "")
	require.NoError(t, err)
	_, err = a.store.Register(t.Context(), plan.After, plan.Rows("lena"))
	require.NoError(t, err)
}

// materialize computes the view and writes what is known now.
func (a *accounts) materialize(t *testing.T) (MaterializeViewOutput, error) {
	t.Helper()
	made := a.compute(t, "balances")
	return a.views.Materialize(t.Context(), MaterializeViewInput{View: made.found[0], Manifest: made.outs[0].Manifest, Until: made.outs[0].Until})
}

// written is materialize without an error.
func (a *accounts) written(t *testing.T) MaterializeViewOutput {
	t.Helper()
	out, err := a.materialize(t)
	require.NoError(t, err)
	require.Equal(t, a.now, out.Until)
	return out
}

// same holds what is served of every account now to what would train of that moment, bit for bit.
func (a *accounts) same(t *testing.T) {
	t.Helper()
	made := a.compute(t, "balances")
	m := a.held(t, made.outs[0].Manifest)
	days, err := dayFiles(t.Context(), a.objects, m)
	require.NoError(t, err)
	base := dataset.Table{Columns: []dataset.Column{{Name: dataset.RowColumn, Kind: dataset.Integer}, {Name: "moment", Kind: dataset.Timestamp}, {Name: "who", Kind: dataset.Text}, {Name: "where", Kind: dataset.Text}}}
	var at []feature.Address
	for i := range population + 100 {
		key := account(i)
		at = append(at, feature.Address{View: "balances", Version: m.Version, Key: feature.KeyOf(key...)})
		base.Columns[0].Floats, base.Columns[1].Floats = append(base.Columns[0].Floats, float64(i)), append(base.Columns[1].Floats, float64(a.now))
		for k := range key {
			base.Columns[2+k].Texts, base.Columns[2+k].Valid = append(base.Columns[2+k].Texts, key[k]), append(base.Columns[2+k].Valid, true)
		}
	}
	folder := t.TempDir()
	from, to := filepath.Join(folder, "base.parquet"), filepath.Join(folder, "joined.parquet")
	require.NoError(t, writeFile(from, base))
	join := feature.Join{Computable: m.Computable, Days: days, On: []string{"who", "where"}, Event: "event"}
	for _, f := range m.View.Features {
		join.Features = append(join.Features, feature.JoinedFeature{Name: f.Name, As: f.Name})
	}
	require.NoError(t, a.tables.JoinFeatures(t.Context(), source.Staged{Name: "base", Paths: []string{from}}, "moment", []feature.Join{join}, to))
	data, err := os.ReadFile(to)
	require.NoError(t, err)
	joined, err := dataset.ReadParquet(data)
	require.NoError(t, err)

	states, err := a.store.Read(t.Context(), at)
	require.NoError(t, err)
	reader := m.View.Reader()
	present := map[feature.Status]int{}
	for i, state := range states {
		var held *feature.State
		if state != nil {
			s, err := reader.Decode(state)
			require.NoError(t, err)
			held = &s
			require.False(t, s.Files.Newest != nil && strings.HasPrefix(s.Files.Newest.ID, "p"), "what was posted is no part of what files say")
		}
		served := reader.At(held, a.now)
		event := cell(joined.Column("event"), i)
		require.Equal(t, event.Missing, served.Event == 0, at[i].Key)
		require.True(t, event.Missing || feature.Instant(event.Number) == served.Event, at[i].Key)
		for k, f := range m.View.Features {
			want, got := cell(joined.Column(f.Name), i), served.Values[k]
			require.True(t, want.Missing == got.Missing && (want.Missing || want.Text == got.Text && math.Float64bits(want.Number) == math.Float64bits(got.Number)),
				"%s of %s is %v, and %v is what trains", f.Name, at[i].Key, got, want)
			present[served.Statuses[k]]++
		}
	}
	for _, status := range []feature.Status{feature.Present, feature.Null, feature.NotFound, feature.TooOld} {
		require.Positive(t, present[status], status)
	}
}

// progress is how far the online store is.
func (a *accounts) progress(t *testing.T) feature.Progress {
	t.Helper()
	p, err := a.store.Progress(t.Context(), "balances", 1)
	require.NoError(t, err)
	return p
}

// What is served now is what would train of this moment, whatever came of files and of events, and in whatever steps it was written.
func TestWhatIsServedIsWhatTrains(t *testing.T) {
	a := newAccounts(t)
	for range 3 {
		a.file(t, 2000, 8)
	}
	a.post(t, 1500, 8)
	first := a.written(t)
	a.same(t)
	require.Equal(t, len(a.about(func(entry) bool { return true })), first.Entities)

	again := a.written(t)
	require.Zero(t, again.Entities, "nothing is new")
	require.Contains(t, again.Summary(), "nothing is new until 2026-03-20T12:00:00Z")

	a.now += hour / 2 // nothing comes, and yet rows become known
	later := a.written(t)
	require.Positive(t, later.Entities)
	require.Less(t, later.Entities, first.Entities)
	a.same(t)

	a.now += wholeDay + 5*hour
	a.file(t, 60, 2)
	a.post(t, 200, 2)
	a.written(t)
	a.same(t)

	a.apply(t, balances(a.folder, "4d")) // another version, of all that was posted before it was there
	second := a.written(t)
	require.Equal(t, "balances@2", second.View)
	a.same(t)
}

// A version that is retired and put back has what was posted meanwhile.
func TestAVersionThatIsPutBack(t *testing.T) {
	a := newAccounts(t)
	a.file(t, 2000, 8)
	a.post(t, 500, 8)
	a.written(t)
	a.apply(t, balances(a.folder, "4d"))
	a.retire(t, "balances@1")
	a.now += hour
	a.post(t, 500, 2)
	a.now += hour
	a.apply(t, balances(a.folder, "6d"))
	a.written(t)
	a.same(t)
}

// A version that takes no events has none of what is posted for another one, in neither store.
func TestAVersionWithoutEvents(t *testing.T) {
	a := newAccounts(t)
	a.file(t, 2000, 8)
	a.post(t, 500, 8)
	of := balances(a.folder, "4d")
	of.Data = []byte(strings.Replace(string(of.Data), "events: true", "events: false", 1))
	a.apply(t, of)
	a.written(t)
	a.post(t, 500, 2)
	a.same(t)
	a.now += hour
	a.written(t)
	a.same(t)
}

// Rows that were posted by other keys than the entity's are about nobody, in both stores: with another key, one less, and with those in another order.
func TestAnEntityOfOtherKeys(t *testing.T) {
	visits := func(keys string) feature.File {
		return feature.File{Name: "balances.yaml", Data: fmt.Appendf(nil, `
entities: [{name: visitor, keys: [%s]}]
views:
  - name: visits
    entity: visitor
    events: true
    features: [{name: minutes, type: integer, default: 1}, {name: visits_9d, aggregate: count, over: 9d, default: 0}]
`, keys)}
	}
	a := &accounts{featureBench: newFeatureBench(t)}
	a.now = feature.InstantOf(time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC))
	posted := 0
	for version, keys := range [][]string{{"who"}, {"who", "where"}, {"where", "who"}, {"who"}} {
		a.apply(t, visits(strings.Join(keys, ", ")))
		made := a.compute(t, "visits")
		if version < 3 {
			require.Zero(t, made.outs[0].Rows, keys)
		}
		texts := []string{"ann", "ann"}[:len(keys)]
		posted++
		a.append(t, "visits", feature.Posted{ID: fmt.Sprint(posted), Key: feature.KeyOf(texts...), Names: feature.KeyOf(keys...), Event: a.now - hour - feature.Instant(posted), Values: json.RawMessage(`{"minutes":3}`)})
		made = a.compute(t, "visits")
		_, err := a.views.Materialize(t.Context(), MaterializeViewInput{View: made.found[0], Manifest: made.outs[0].Manifest, Until: a.now})
		require.NoError(t, err)
		want := []int{1, 1, 1, 2}[version] // by the first and the last of the same keys
		require.Equal(t, int64(want), made.outs[0].Rows, keys)
		held, err := a.store.Held(t.Context(), "visits", made.found[0].Version, "", 9)
		require.NoError(t, err)
		require.Len(t, held, 1, keys)
		require.Equal(t, feature.KeyOf(texts...), held[0].Key)
		reader := a.held(t, made.outs[0].Manifest).View.Reader()
		said, err := reader.Reading(held[0].State, a.now)
		require.NoError(t, err)
		require.InDelta(t, float64(want), said.Values[1].Number, 0, keys)
	}
}

// about are the accounts of which files have rows that are.
func (a *accounts) about(is func(entry) bool) map[string]bool {
	keys := map[string]bool{}
	for _, e := range a.filed {
		if is(e) {
			keys[string(feature.KeyOf(e.key...))] = true
		}
	}
	return keys
}

// onlines is an online store that does something before it writes.
type onlines struct {
	feature.Online
	before func(put int) error
	puts   int
	wrote  int
}

func (o *onlines) Put(ctx context.Context, view string, version int, generation int64, computed []feature.Computed, merge feature.Merge) error {
	o.puts++
	if err := o.before(o.puts); err != nil {
		return err
	}
	o.wrote += len(computed)
	return o.Online.Put(ctx, view, version, generation, computed, merge)
}

// Accounts of which nothing is new are not written.
func TestOnlyWhatIsAffectedIsWritten(t *testing.T) {
	a := newAccounts(t)
	a.file(t, 3000, 8)
	a.written(t)
	before := a.progress(t)
	then := a.now
	a.now += hour
	late := entry{key: account(3), id: "late", at: a.now - 10*wholeDay, told: a.now - 1, values: map[string]any{"paid": 2.5}}
	a.filed = append(a.filed, late)
	a.write(t, "late.csv", []entry{late})
	want := len(a.about(func(e entry) bool {
		known := max(e.at, e.told)
		return e.id == late.id || known > then && known <= a.now
	}))
	out := a.written(t)
	require.Equal(t, want, out.Entities, "those of whom anything is new")
	require.Less(t, out.Entities, len(a.about(func(entry) bool { return true })))
	after := a.progress(t)
	require.Equal(t, before.Generation+1, after.Generation)
	a.same(t)
}

// A writer that is interrupted leaves the watermark where it was, and what is written again is whole, also where accounts are gone meanwhile.
func TestAnInterruptedMaterializationIsMadeWhole(t *testing.T) {
	a := newAccounts(t)
	a.file(t, 3000, 8)
	a.written(t)
	before := a.progress(t)
	a.now += 3 * hour
	a.file(t, 1500, 8)
	broken := fault.New(fault.Unavailable, "the store is away")
	a.views.Online = &onlines{Online: a.store, before: func(put int) error {
		if put == 2 {
			return broken
		}
		return nil
	}}
	_, err := a.materialize(t)
	require.ErrorIs(t, err, broken)
	stopped := a.progress(t)
	require.Equal(t, []any{before.Manifest, before.Until, before.Whole}, []any{stopped.Manifest, stopped.Until, stopped.Whole}, "not before all is written")
	require.Equal(t, before.Generation+1, stopped.Generation)
	a.views.Online = a.store

	t.Run("the same again", func(t *testing.T) {
		out := a.written(t)
		a.same(t)
		p := a.progress(t)
		require.Equal(t, []any{p.Begun, out.Generation, a.now}, []any{p.Manifest, p.Whole, p.Until})
	})
	t.Run("another manifest, of less", func(t *testing.T) {
		a.now += hour
		a.file(t, 1500, 8)
		a.views.Online = &onlines{Online: a.store, before: func(put int) error {
			if put == 2 {
				return broken
			}
			return nil
		}}
		_, err := a.materialize(t)
		require.ErrorIs(t, err, broken)
		a.views.Online = a.store
		require.NoError(t, os.Remove(filepath.Join(a.folder, "001.csv"))) // the accounts of it alone are gone
		require.NoError(t, os.Remove(filepath.Join(a.folder, "003.csv")))
		a.written(t)
		a.same(t)
	})
	t.Run("files that are gone", func(t *testing.T) {
		a.file(t, 50, 8)
		a.now += wholeDay
		a.written(t)
		require.NoError(t, os.Remove(filepath.Join(a.folder, "002.csv")))
		a.written(t)
		a.same(t)
	})
}

// What was damaged, lost or made up online is made whole anew, of rows of files and of the log; without being asked, nothing of it is written.
func TestTheOnlineStoreIsWrittenAnew(t *testing.T) {
	a := newAccounts(t)
	a.file(t, 1500, 8)
	a.post(t, 600, 8)
	a.written(t)
	held, err := a.store.Held(t.Context(), "balances", 1, "", 2*population)
	require.NoError(t, err)
	p := a.progress(t)
	var damaged []feature.Computed
	for i, h := range held {
		if i%3 > 0 {
			damaged = append(damaged, feature.Computed{Key: h.Key})
		}
	}
	damaged = append(damaged, feature.Computed{Key: feature.KeyOf("nobody", "nowhere")})
	n := 0
	require.NoError(t, a.store.Put(t.Context(), "balances", 1, p.Generation, damaged, func(feature.Key, []byte, []byte) ([]byte, error) {
		n++
		return [][]byte{nil, []byte("damaged"), held[0].State}[n%3], nil // lost, not to be read, another's
	}))
	out := a.written(t)
	require.Zero(t, out.Entities)
	made := a.compute(t, "balances")
	out, err = a.views.Materialize(t.Context(), MaterializeViewInput{View: made.found[0], Manifest: made.outs[0].Manifest, Until: a.now, Anew: true})
	require.NoError(t, err)
	require.Equal(t, p.Generation+2, out.Generation)
	a.same(t)
	now, err := a.store.Held(t.Context(), "balances", 1, "", 2*population)
	require.NoError(t, err)
	require.Len(t, now, len(held), "and nobody is made up")

	// A schedule's run came in between: what it found is written anew, and states that claim to be of a later generation as well.
	reader := a.held(t, made.outs[0].Manifest).View.Reader()
	early := a.now
	a.now += hour
	a.file(t, 500, 8)
	a.written(t)
	p = a.progress(t)
	for i := range damaged {
		damaged[i] = feature.Computed{Key: damaged[i].Key}
	}
	require.NoError(t, a.store.Put(t.Context(), "balances", 1, p.Generation, damaged[:len(damaged)-1], func(_ feature.Key, state, _ []byte) ([]byte, error) {
		s, err := reader.Decode(state)
		s.Generation, s.Files = 1_000_000, feature.Part{}
		return s.Encode(), err
	}))
	out, err = a.views.Materialize(t.Context(), MaterializeViewInput{View: made.found[0], Manifest: made.outs[0].Manifest, Until: early, Anew: true})
	require.NoError(t, err)
	require.False(t, out.Overtaken)
	require.Equal(t, a.now, out.Until)
	a.same(t)
}

// Whoever is overtaken by a newer writer writes nothing more.
func TestAnOlderGenerationIsOvertaken(t *testing.T) {
	a := newAccounts(t)
	a.file(t, 1500, 8)
	taken := &onlines{Online: a.store}
	taken.before = func(put int) error {
		if put == 2 {
			_, err := a.store.Begin(t.Context(), "balances", 1, 1, "of another")
			return err
		}
		return nil
	}
	a.views.Online = taken
	_, err := a.materialize(t)
	require.Equal(t, fault.Overtaken, fault.CodeOf(err))
	require.Equal(t, 2, taken.puts)
	p := a.progress(t)
	require.Equal(t, []any{"", "of another", int64(2)}, []any{p.Manifest, p.Begun, p.Generation})
	a.views.Online = a.store
	a.written(t)
	a.same(t)
}

// Whoever comes late with what an earlier look found does not put it in the place of what a later one did, whether it was never begun or was interrupted.
func TestWhoComesLateWritesNothing(t *testing.T) {
	for name, begun := range map[string]bool{"never begun": false, "interrupted": true} {
		t.Run(name, func(t *testing.T) {
			a := newAccounts(t)
			a.file(t, 1000, 8)
			made := a.compute(t, "balances")
			late := MaterializeViewInput{View: made.found[0], Manifest: made.outs[0].Manifest, Until: a.now}
			if begun {
				a.views.Online = &onlines{Online: a.store, before: func(int) error { return fault.New(fault.Unavailable, "the store is away") }}
				_, err := a.views.Materialize(t.Context(), late)
				require.Error(t, err)
				a.views.Online = a.store
			}
			a.now += hour
			a.file(t, 2000, 8)
			a.post(t, 500, 8)
			a.written(t)
			held := a.progress(t)
			out, err := a.views.Materialize(t.Context(), late)
			require.NoError(t, err)
			require.Equal(t, MaterializeViewOutput{View: "balances@1", Generation: held.Generation, Until: a.now, Overtaken: true}, out)
			require.Contains(t, out.Summary(), "a later run has written what was known until 2026-03-20T13:00:00Z")
			require.Equal(t, held, a.progress(t))
			a.same(t)
		})
	}
	t.Run("with what is held", func(t *testing.T) { // by a clock that is behind: it is no older look
		a := newAccounts(t)
		a.file(t, 2000, 8)
		a.written(t)
		made := a.compute(t, "balances")
		out, err := a.views.Materialize(t.Context(), MaterializeViewInput{View: made.found[0], Manifest: made.outs[0].Manifest, Until: a.now - hour})
		require.NoError(t, err)
		require.Equal(t, []any{false, a.now}, []any{out.Overtaken, out.Until})
	})
}

// beaten makes of what a heartbeat says the details of one.
type beaten struct{ converter.DataConverter }

func (b beaten) ToPayloads(values ...any) (*commonpb.Payloads, error) {
	if said, is := values[0].([]any); is {
		values = said
	}
	return b.DataConverter.ToPayloads(values...)
}

// Another try of the step goes on where the one before it was.
func TestAnotherTryGoesOn(t *testing.T) {
	a := newAccounts(t)
	a.file(t, 3000, 8)
	counted := &onlines{Online: a.store, before: func(put int) error {
		if put == 3 {
			return fault.New(fault.Unavailable, "the store is away")
		}
		return nil
	}}
	a.views.Online = counted
	_, err := a.materialize(t)
	require.Error(t, err)
	require.Equal(t, 2*chunk, counted.wrote)

	made := a.compute(t, "balances")
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetDataConverter(beaten{converter.GetDefaultDataConverter()})
	said := pulse{text: "1000 entities", at: soFar{Generation: 1, Entities: 2 * chunk}}
	env.SetHeartbeatDetails(said.last())
	MaterializeView.register(registrar{env, Data, false, &Runs{}}, a.views.Materialize)
	value, err := env.ExecuteActivity(MaterializeView.Name, MaterializeViewInput{View: made.found[0], Manifest: made.outs[0].Manifest, Until: a.now})
	require.NoError(t, err)
	var out MaterializeViewOutput
	require.NoError(t, value.Get(&out))
	all := len(a.about(func(entry) bool { return true }))
	require.Equal(t, []any{int64(1), all, all}, []any{out.Generation, out.Entities, counted.wrote}, "each once")
	a.same(t)
}
