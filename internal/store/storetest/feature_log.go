package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

// day is the beginning of a day in 2026.
func day(n int) feature.Instant { return feature.Day(20_454 + n).Begin() }

// at is a clock that stands still.
func at(i feature.Instant) func() feature.Instant { return func() feature.Instant { return i } }

// byApplicant are the names of the keys of applicants.
var byApplicant = feature.KeyOf("applicant_id")

// posted is an event of an applicant.
func posted(id, applicant string, event feature.Instant, amount int) feature.Posted {
	return feature.Posted{ID: id, Key: feature.KeyOf(applicant), Names: byApplicant, Event: event, Values: json.RawMessage(fmt.Sprintf(`{"amount":%d}`, amount))}
}

// held is what these tests hold of an entity: what files say, and the newest values of each event by its day.
type held struct {
	Files string                            `json:"files,omitempty"`
	Log   map[feature.Day]map[string]string `json:"log,omitempty"`
}

func (h held) encode() []byte {
	if h.Files == "" && len(h.Log) == 0 {
		return nil
	}
	data, err := json.Marshal(h)
	if err != nil {
		panic(err)
	}
	return data
}

func decode(state []byte) (h held) {
	if len(state) > 0 {
		if err := json.Unmarshal(state, &h); err != nil {
			panic(err)
		}
	}
	if h.Log == nil {
		h.Log = map[feature.Day]map[string]string{}
	}
	return h
}

// fold adds new rows, makes the days anew of which there are rows, or all.
func fold(_ feature.Registered, key feature.Key, state []byte, rows []feature.Logged, extent feature.Extent) ([]byte, error) {
	h := decode(state)
	if extent == feature.AllRows {
		h.Log = map[feature.Day]map[string]string{}
	}
	fresh := map[feature.Day]bool{}
	for i, r := range rows {
		if r.Key != key || i > 0 && r.Seq <= rows[i-1].Seq {
			return nil, errors.New("rows of another entity, or out of order")
		}
		if of := r.Event.Day(); !fresh[of] && (extent == feature.WholeDays || h.Log[of] == nil) {
			fresh[of], h.Log[of] = true, map[string]string{}
		} else if _, there := h.Log[of][r.ID]; there && extent == feature.NewRows {
			return nil, errors.New("a new row corrects another one")
		}
		h.Log[r.Event.Day()][r.ID] = string(r.Values)
	}
	return h.encode(), nil
}

// merge takes what files say.
func merge(_ feature.Key, state, files []byte) ([]byte, error) {
	h := decode(state)
	h.Files = string(files)
	return h.encode(), nil
}

// withViews is a store in which these views have one active version each.
func withViews(t *testing.T, open OpenFeatures, views ...string) feature.Store {
	t.Helper()
	s := open(t)
	var rows []feature.Registered
	for _, view := range views {
		rows = append(rows, registered(feature.KindView, view, 1, feature.Active))
	}
	_, err := s.Register(ctx(t), 0, rows)
	require.NoError(t, err)
	return s
}

// heldBy is all that a version holds.
func heldBy(t *testing.T, s feature.Store, view string, version int) map[feature.Key]held {
	t.Helper()
	all := map[feature.Key]held{}
	for after := feature.Key(""); ; {
		some, err := s.Held(ctx(t), view, version, after, 3)
		require.NoError(t, err)
		for _, h := range some {
			all[h.Key], after = decode(h.State), h.Key
		}
		if len(some) == 0 {
			return all
		}
	}
}

// logOf is all of a view's log.
func logOf(t *testing.T, s feature.Store, view string) (rows []feature.Logged) {
	t.Helper()
	for {
		some, err := s.Events(ctx(t), view, int64(len(rows)), 7)
		require.NoError(t, err)
		for _, r := range some {
			require.Equal(t, int64(len(rows)+1), r.Seq)
			rows = append(rows, r)
		}
		if len(some) == 0 {
			return rows
		}
	}
}

// folded is what a log's rows must have become, entity by entity from scratch.
func folded(t *testing.T, rows []feature.Logged) map[feature.Key]held {
	t.Helper()
	of := map[feature.Key][]feature.Logged{}
	for _, r := range rows {
		of[r.Key] = append(of[r.Key], r)
	}
	all := map[feature.Key]held{}
	for key, rows := range of {
		state, err := fold(feature.Registered{}, key, nil, rows, feature.AllRows)
		require.NoError(t, err)
		all[key] = decode(state)
	}
	return all
}

func events(t *testing.T, open OpenFeatures) {
	s := withViews(t, open, "payments")
	first, err := s.Append(ctx(t), "payments", []feature.Posted{posted("a", "ann", day(0)+1, 10), posted("b", "bob", day(0)+2, 20)}, at(day(1)), fold)
	require.NoError(t, err)
	require.Equal(t, []feature.Appended{{Seq: 1, Created: day(1)}, {Seq: 2, Created: day(1) + 1}}, first)

	for name, test := range map[string][]struct {
		post feature.Posted
		at   feature.Instant
		want feature.Appended
	}{
		// In this order, each of a case on what the one before left.
		"the same, corrections, the first again": {
			{posted("a", "ann", day(0)+1, 10), day(2), feature.Appended{Seq: 1, Created: day(1), Duplicate: true}},
			{posted("a", "ann", day(0)+1, 11), day(2), feature.Appended{Seq: 3, Created: day(2)}},
			{posted("a", "ann", day(0)+1, 11), day(3), feature.Appended{Seq: 3, Created: day(2), Duplicate: true}},
			// By a clock that stands still, and by one that goes backwards: still known after what it corrects.
			{posted("a", "ann", day(0)+1, 12), day(2), feature.Appended{Seq: 4, Created: day(2) + 1}},
			{posted("a", "ann", day(0)+1, 13), day(1), feature.Appended{Seq: 5, Created: day(2) + 2}},
			// A correction that was wrong is taken back: what was said at first is said again.
			{posted("a", "ann", day(0)+1, 10), day(1), feature.Appended{Seq: 6, Created: day(2) + 3}},
			{posted("a", "ann", day(0)+1, 10), day(1), feature.Appended{Seq: 6, Created: day(2) + 3, Duplicate: true}},
			// Another ID is another event, whatever else it shares.
			{posted("c", "ann", day(0)+1, 13), day(1), feature.Appended{Seq: 7, Created: day(2) + 4}},
		},
	} {
		for i, step := range test {
			got, err := s.Append(ctx(t), "payments", []feature.Posted{step.post}, at(step.at), fold)
			require.NoError(t, err)
			require.Equal(t, []feature.Appended{step.want}, got, "%s: %d", name, i)
		}
	}
	// In one batch as one by one.
	batch, err := s.Append(ctx(t), "payments", []feature.Posted{
		posted("d", "dan", day(3), 1), posted("d", "dan", day(3), 1), posted("d", "dan", day(3), 2), posted("d", "dan", day(3), 1), posted("b", "bob", day(0)+2, 20),
	}, at(day(4)), fold)
	require.NoError(t, err)
	require.Equal(t, []feature.Appended{
		{Seq: 8, Created: day(4)}, {Seq: 8, Created: day(4), Duplicate: true}, {Seq: 9, Created: day(4) + 1}, {Seq: 10, Created: day(4) + 2}, {Seq: 2, Created: day(1) + 1, Duplicate: true},
	}, batch)

	log := logOf(t, open(t), "payments")
	require.Len(t, log, 10)
	require.Equal(t, feature.Logged{Posted: posted("a", "ann", day(0)+1, 11), Seq: 3, Created: day(2)}, log[2])
	require.Equal(t, folded(t, log), heldBy(t, s, "payments", 1))
	some, err := s.Events(ctx(t), "payments", 2, 3)
	require.NoError(t, err)
	require.Equal(t, log[2:5], some)
	none, err := s.Append(ctx(t), "payments", nil, at(day(4)), fold)
	require.NoError(t, err)
	require.Empty(t, none)
	beyond, err := s.Events(ctx(t), "payments", 10, 3)
	require.NoError(t, err)
	require.Equal(t, []feature.Logged{}, beyond)
}

// No two rows of a view are known at once: those of a batch follow each other by a microsecond, those of the next batch come later by a clock that stands still,
// that is behind, and that is ahead. Duplicates take no instant. Logs of two views know nothing of each other.
func eventsOneByOne(t *testing.T, open OpenFeatures) {
	s := withViews(t, open, "bureau", "payments")
	n := 0
	batch := func(view string, clock feature.Instant, want ...feature.Instant) {
		t.Helper()
		var rows []feature.Posted
		for range want {
			n++
			rows = append(rows, posted(fmt.Sprint(n), fmt.Sprintf("applicant-%d", n%2), day(0), n), posted(fmt.Sprint(n), fmt.Sprintf("applicant-%d", n%2), day(0), n))
		}
		got, err := s.Append(ctx(t), view, rows, at(clock), fold)
		require.NoError(t, err)
		var created []feature.Instant
		for i := range got {
			require.Equal(t, i%2 == 1, got[i].Duplicate)
			if !got[i].Duplicate {
				created = append(created, got[i].Created)
			}
		}
		require.Equal(t, want, created)
	}
	batch("payments", day(5), day(5), day(5)+1, day(5)+2)
	batch("payments", day(5), day(5)+3, day(5)+4)
	batch("payments", day(4), day(5)+5)
	batch("payments", day(5)+6, day(5)+6)
	batch("payments", day(6), day(6), day(6)+1)
	batch("bureau", day(4), day(4), day(4)+1)
	for _, view := range []string{"bureau", "payments"} {
		log := logOf(t, open(t), view)
		for i := range log[1:] {
			require.Greater(t, log[i+1].Created, log[i].Created)
		}
	}
}

func eventsAllOrNone(t *testing.T, open OpenFeatures) {
	s := withViews(t, open, "payments")
	_, err := s.Append(ctx(t), "payments", []feature.Posted{posted("a", "ann", day(0), 10)}, at(day(1)), fold)
	require.NoError(t, err)
	failed := errors.New("of the fold")
	for name, test := range map[string]struct {
		view string
		post feature.Posted
		fold feature.Fold
		code fault.Code
	}{
		"another entity":  {"payments", posted("a", "bob", day(0), 10), fold, fault.Refused},
		"another instant": {"payments", posted("a", "ann", day(0)+1, 10), fold, fault.Refused},
		"both in a batch": {"payments", posted("new", "bob", day(0), 10), fold, fault.Refused},
		"no such view":    {"incomes", posted("b", "bob", day(0), 10), fold, fault.NotFound},
		"no ID":           {"payments", posted("", "bob", day(0), 10), fold, fault.Invalid},
		"other keys":      {"payments", feature.Posted{ID: "a", Key: feature.KeyOf("ann"), Names: feature.KeyOf("account"), Event: day(0), Values: json.RawMessage(`{"amount":10}`)}, fold, fault.Refused},
		"no entity":       {"payments", feature.Posted{ID: "b", Names: byApplicant, Values: json.RawMessage("{}")}, fold, fault.Invalid},
		"no keys' names":  {"payments", feature.Posted{ID: "b", Key: feature.KeyOf("bob"), Values: json.RawMessage("{}")}, fold, fault.Invalid},
		"no values":       {"payments", feature.Posted{ID: "b", Key: feature.KeyOf("bob"), Names: byApplicant}, fold, fault.Invalid},
		"a fold fails": {"payments", posted("b", "bob", day(0), 10), func(feature.Registered, feature.Key, []byte, []feature.Logged, feature.Extent) ([]byte, error) {
			return nil, fault.Wrap(fault.Internal, failed, "folding")
		}, fault.Internal},
	} {
		_, err := s.Append(ctx(t), test.view, []feature.Posted{posted("new", "ann", day(2), 1), test.post}, at(day(3)), test.fold)
		require.Equal(t, test.code, fault.CodeOf(err), "%s: %v", name, err)
		var moved *feature.MovedError
		require.Equal(t, test.code == fault.Refused, errors.As(err, &moved), name)
		if moved != nil {
			require.Equal(t, 1, moved.Index)
			require.ErrorContains(t, err, "events[1]: a correction keeps entity and event_timestamp")
		}
	}
	log := logOf(t, s, "payments")
	require.Len(t, log, 1)
	require.Equal(t, folded(t, log), heldBy(t, s, "payments", 1))
	next, err := s.Append(ctx(t), "payments", []feature.Posted{posted("new", "ann", day(2), 1)}, at(day(3)), fold)
	require.NoError(t, err)
	require.Equal(t, int64(2), next[0].Seq, "what was not written has no number")
}

func eventsOfViews(t *testing.T, open OpenFeatures) {
	s := withViews(t, open, "bureau", "payments")
	for i := range 2 {
		for n, view := range []string{"bureau", "payments"} { // of one entity and day, with one ID, and other values
			got, err := s.Append(ctx(t), view, []feature.Posted{posted(fmt.Sprint(i), "ann", day(0), 10*n+i)}, at(day(1)), fold)
			require.NoError(t, err)
			require.Equal(t, []feature.Appended{{Seq: int64(i + 1), Created: day(1) + feature.Instant(i)}}, got)
		}
	}
	for _, view := range []string{"bureau", "payments"} {
		require.Equal(t, folded(t, logOf(t, s, view)), heldBy(t, s, view, 1))
		require.NoError(t, s.Refold(ctx(t), view, 1, fold))
		require.Equal(t, folded(t, logOf(t, s, view)), heldBy(t, s, view, 1))
	}
	_, err := s.Register(ctx(t), 2, []feature.Registered{registered(feature.KindView, "bureau", 1, feature.Retired)})
	require.NoError(t, err)
	_, err = s.Append(ctx(t), "bureau", []feature.Posted{posted("b", "bob", day(0), 10)}, at(day(1)), fold)
	require.Equal(t, fault.NotFound, fault.CodeOf(err), "no version is live")
	require.Len(t, logOf(t, s, "bureau"), 2)
}

// A fold has the new rows alone, or, where the entity has another row of their instant, every row of the days that are touched and no others; and so for every version that is live.
func folds(t *testing.T, open OpenFeatures) {
	s := withViews(t, open, "payments")
	_, err := s.Register(ctx(t), 1, []feature.Registered{
		registered(feature.KindView, "payments", 2, feature.Staged), registered(feature.KindView, "payments", 3, feature.Active), registered(feature.KindView, "payments", 3, feature.Retired),
	})
	require.NoError(t, err)
	type call struct {
		version int
		key     feature.Key
		before  bool
		of      feature.Extent
		seqs    []int64
	}
	var calls []call
	watched := func(version feature.Registered, key feature.Key, state []byte, rows []feature.Logged, of feature.Extent) ([]byte, error) {
		c := call{version: version.Version, key: key, before: state != nil, of: of}
		for _, r := range rows {
			c.seqs = append(c.seqs, r.Seq)
		}
		calls = append(calls, c)
		if version.Version == 2 && key == feature.KeyOf("bob") {
			return nil, nil // nothing to hold
		}
		return fold(version, key, state, rows, of)
	}
	app := func(rows ...feature.Posted) {
		calls = nil
		_, err := s.Append(ctx(t), "payments", rows, at(day(5)), watched)
		require.NoError(t, err)
	}
	ann, bob := feature.KeyOf("ann"), feature.KeyOf("bob")
	added, days := feature.NewRows, feature.WholeDays
	app(posted("a", "ann", day(0), 1), posted("b", "ann", day(1), 2), posted("c", "bob", day(1), 3))
	require.ElementsMatch(t, []call{{1, ann, false, added, []int64{1, 2}}, {1, bob, false, added, []int64{3}}, {2, ann, false, added, []int64{1, 2}}, {2, bob, false, added, []int64{3}}}, calls)
	app(posted("a", "ann", day(0), 4)) // a correction
	require.ElementsMatch(t, []call{{1, ann, true, days, []int64{1, 4}}, {2, ann, true, days, []int64{1, 4}}}, calls)
	app(posted("d", "ann", day(2)-1, 5), posted("e", "bob", day(2), 6)) // the end of a day, and the beginning of one
	require.ElementsMatch(t, []call{{1, ann, true, added, []int64{5}}, {1, bob, true, added, []int64{6}}, {2, ann, true, added, []int64{5}}, {2, bob, false, added, []int64{6}}}, calls)
	app(posted("f", "ann", day(1), 7), posted("g", "ann", day(2), 8), posted("h", "bob", day(2)+1, 9)) // another event of an instant: the days of that entity, from their beginnings to their ends
	require.ElementsMatch(t, []call{{1, ann, true, days, []int64{2, 5, 7, 8}}, {1, bob, true, added, []int64{9}}, {2, ann, true, days, []int64{2, 5, 7, 8}}, {2, bob, false, added, []int64{9}}}, calls)
	app(posted("i", "ann", day(3), 1), posted("j", "ann", day(3), 2)) // which come together
	require.ElementsMatch(t, []call{{1, ann, true, days, []int64{10, 11}}, {2, ann, true, days, []int64{10, 11}}}, calls)
	app(posted("d", "ann", day(2)-1, 5)) // a duplicate
	require.Empty(t, calls)

	require.Equal(t, folded(t, logOf(t, s, "payments")), heldBy(t, s, "payments", 1))
	require.Contains(t, heldBy(t, s, "payments", 2), ann)
	require.NotContains(t, heldBy(t, s, "payments", 2), bob)
	require.Empty(t, heldBy(t, s, "payments", 3))
}

// More entities and days than one statement takes.
func foldsOfManyDays(t *testing.T, open OpenFeatures) {
	s := withViews(t, open, "payments")
	for round := range 2 {
		var rows []feature.Posted
		for i := range 1000 {
			rows = append(rows, posted(fmt.Sprintf("%d-%d", round, i), fmt.Sprintf("applicant-%d", i%600), day(i/7), i))
		}
		got, err := s.Append(ctx(t), "payments", rows, at(day(200)), fold)
		require.NoError(t, err)
		require.Equal(t, feature.Appended{Seq: int64(1000 * (round + 1)), Created: day(200) + feature.Instant(1000*(round+1)-1)}, got[999])
	}
	require.Equal(t, folded(t, logOf(t, s, "payments")), heldBy(t, s, "payments", 1))
}

// numbered is a fold that holds the numbers of the rows that it was given, and remembers how often it was called.
func numbered(calls *int) feature.Fold {
	return func(_ feature.Registered, _ feature.Key, _ []byte, rows []feature.Logged, _ feature.Extent) (state []byte, _ error) {
		*calls++
		for i := range rows {
			state = fmt.Appendf(state, "%d ", rows[i].Seq)
		}
		return state, nil
	}
}

// A version that was registered after the first rows lacks those: until it is brought up, entities of which there is a new row have all of theirs.
func refolds(t *testing.T, open OpenFeatures) {
	s := withViews(t, open, "payments")
	app := func(p feature.Posted, fold feature.Fold) {
		t.Helper()
		_, err := s.Append(ctx(t), "payments", []feature.Posted{p}, at(day(5)), fold)
		require.NoError(t, err)
	}
	for i, applicant := range []string{"ann", "bob", "ann", "cid"} {
		app(posted(fmt.Sprint(i), applicant, day(i), i), fold)
	}
	require.Equal(t, fault.NotFound, fault.CodeOf(s.Refold(ctx(t), "payments", 2, fold)))
	_, err := s.Register(ctx(t), 1, []feature.Registered{registered(feature.KindView, "payments", 2, feature.Staged)})
	require.NoError(t, err)
	require.Empty(t, heldBy(t, s, "payments", 2))
	for i := range 2 { // what is held of an entity may lack rows, also when there is something
		app(posted(fmt.Sprint("new", i), "ann", day(9+i), i), fold)
		want := folded(t, logOf(t, s, "payments"))
		require.Equal(t, want, heldBy(t, s, "payments", 1))
		require.Equal(t, map[feature.Key]held{feature.KeyOf("ann"): want[feature.KeyOf("ann")]}, heldBy(t, s, "payments", 2))
	}
	require.NoError(t, s.Refold(ctx(t), "payments", 2, fold))
	want := folded(t, logOf(t, s, "payments"))
	require.Equal(t, want, heldBy(t, s, "payments", 2))

	calls := 0
	require.NoError(t, open(t).Refold(ctx(t), "payments", 2, numbered(&calls)), "again, by another")
	require.NoError(t, s.Refold(ctx(t), "payments", 1, numbered(&calls)), "which was there before the first row")
	require.Zero(t, calls, "they are made of all rows")
	app(posted("last", "bob", day(1), 1), numbered(&calls))
	for version := 1; version <= 2; version++ {
		some, err := s.Read(ctx(t), []feature.Address{{View: "payments", Version: version, Key: feature.KeyOf("bob")}})
		require.NoError(t, err)
		require.Equal(t, "2 7 ", string(some[0]), "from then on those of its day")
	}

	require.NoError(t, s.Unfold(ctx(t), "payments", 1))
	require.NoError(t, s.Refold(ctx(t), "payments", 1, numbered(&calls)))
	some, err := s.Read(ctx(t), []feature.Address{{View: "payments", Version: 1, Key: feature.KeyOf("ann")}, {View: "payments", Version: 2, Key: feature.KeyOf("ann")}})
	require.NoError(t, err)
	require.Equal(t, "1 3 5 6 ", string(some[0]), "all rows anew, whatever was held")
	require.NotEqual(t, some[0], some[1], "of that version alone")
}

// A version that whoever folds does not understand fails nobody who posts, and is brought up by who does.
func foldsOfOthers(t *testing.T, open OpenFeatures) {
	s := withViews(t, open, "payments")
	_, err := s.Register(ctx(t), 1, []feature.Registered{registered(feature.KindView, "payments", 2, feature.Staged)})
	require.NoError(t, err)
	app := func(fold feature.Fold, rows ...feature.Posted) {
		t.Helper()
		_, err := s.Append(ctx(t), "payments", rows, at(day(5)), fold)
		require.NoError(t, err)
	}
	app(fold, posted("a", "ann", day(0), 1), posted("b", "bob", day(0), 1))
	before := heldBy(t, s, "payments", 2)
	app(oldFold, posted("c", "ann", day(0)+1, 2), posted("d", "bob", day(0), 3))
	app(oldFold, posted("e", "bob", day(1), 3))
	require.Equal(t, folded(t, logOf(t, s, "payments")), heldBy(t, s, "payments", 1))
	require.Equal(t, before, heldBy(t, s, "payments", 2))
	app(fold, posted("f", "bob", day(2), 3))
	want := folded(t, logOf(t, s, "payments"))
	require.Equal(t, want[feature.KeyOf("bob")], heldBy(t, s, "payments", 2)[feature.KeyOf("bob")], "no row of an entity is left out")
	require.Equal(t, fault.Invalid, fault.CodeOf(s.Refold(ctx(t), "payments", 2, oldFold)))
	require.NoError(t, s.Refold(ctx(t), "payments", 2, fold))
	require.Equal(t, want, heldBy(t, s, "payments", 2))
}

// A version that was retired lacks what was posted meanwhile, however whole it was: it is brought up again. A row of the register that changes its stage, or words, loses nothing.
func refoldsOfRetired(t *testing.T, open OpenFeatures) {
	s := withViews(t, open, "payments")
	nth := int64(1)
	register := func(version int, stage feature.Stage) {
		t.Helper()
		_, err := s.Register(ctx(t), nth, []feature.Registered{registered(feature.KindView, "payments", version, stage)})
		require.NoError(t, err)
		nth++
	}
	app := func(id, applicant string, of feature.Instant) {
		t.Helper()
		_, err := s.Append(ctx(t), "payments", []feature.Posted{posted(id, applicant, of, 1)}, at(day(5)), fold)
		require.NoError(t, err)
	}
	app("a", "ann", day(0))
	app("b", "bob", day(0))
	register(1, feature.Staged)
	register(1, feature.Active)
	calls := 0
	require.NoError(t, s.Refold(ctx(t), "payments", 1, numbered(&calls)))
	require.Zero(t, calls)
	register(2, feature.Active)
	register(1, feature.Retired)
	app("c", "ann", day(1))
	app("d", "bob", day(1))
	app("e", "cid", day(1))
	register(1, feature.Active)
	app("f", "ann", day(2))
	want := folded(t, logOf(t, s, "payments"))
	has := heldBy(t, s, "payments", 1)
	require.Equal(t, want[feature.KeyOf("ann")], has[feature.KeyOf("ann")])
	require.NotEqual(t, want, has)
	require.NoError(t, s.Refold(ctx(t), "payments", 1, fold))
	require.Equal(t, want, heldBy(t, s, "payments", 1))
}

// manyEntities is a store with a version of a view that lacks rows of more entities than one transaction takes.
func manyEntities(t *testing.T, open OpenFeatures) feature.Store {
	t.Helper()
	s := withViews(t, open, "payments")
	var rows []feature.Posted
	for i := range 1200 {
		rows = append(rows, posted(fmt.Sprint(i), fmt.Sprintf("applicant-%04d", i), day(0), i))
	}
	_, err := s.Append(ctx(t), "payments", rows, at(day(5)), fold)
	require.NoError(t, err)
	_, err = s.Register(ctx(t), 1, []feature.Registered{registered(feature.KindView, "payments", 2, feature.Active)})
	require.NoError(t, err)
	return s
}

// oldFold is of a program that does not understand the second version.
func oldFold(version feature.Registered, key feature.Key, state []byte, rows []feature.Logged, of feature.Extent) ([]byte, error) {
	if version.Version == 2 {
		return nil, &feature.NotUnderstoodError{Reason: fault.New(fault.Invalid, "of a newer program")}
	}
	return fold(version, key, state, rows, of)
}

// More entities than one transaction takes, of a version that is retired and put back in between: what was posted in the meantime is not left out.
func refoldsOfManyEntities(t *testing.T, open OpenFeatures) {
	s, other := manyEntities(t, open), open(t)
	meanwhile := make(chan error, 1)
	calls := 0
	err := s.Refold(ctx(t), "payments", 2, func(version feature.Registered, key feature.Key, state []byte, rows []feature.Logged, of feature.Extent) ([]byte, error) {
		if calls++; calls == 1 {
			go func() { // which waits for the first transaction, and is then before or after any of the next
				_, err := other.Register(ctx(t), 2, []feature.Registered{registered(feature.KindView, "payments", 2, feature.Retired)})
				if err == nil {
					_, err = other.Append(ctx(t), "payments", []feature.Posted{posted("late", "applicant-0000", day(0), 1)}, at(day(6)), fold)
				}
				if err == nil {
					_, err = other.Register(ctx(t), 3, []feature.Registered{registered(feature.KindView, "payments", 2, feature.Staged)})
				}
				meanwhile <- err
			}()
		}
		return fold(version, key, state, rows, of)
	})
	if err != nil {
		require.Equal(t, fault.NotFound, fault.CodeOf(err), "it was retired")
	}
	require.NoError(t, <-meanwhile)
	require.NoError(t, s.Refold(ctx(t), "payments", 2, fold))
	require.Equal(t, folded(t, logOf(t, s, "payments")), heldBy(t, s, "payments", 2))
}

// A version that is brought up while somebody who does not understand it writes: what that one could not fold is not left out.
func refoldsBesideOthers(t *testing.T, open OpenFeatures) {
	s, other := manyEntities(t, open), open(t)
	meanwhile := make(chan error, 1)
	calls := 0
	require.NoError(t, s.Refold(ctx(t), "payments", 2, func(version feature.Registered, key feature.Key, state []byte, rows []feature.Logged, of feature.Extent) ([]byte, error) {
		if calls++; calls == 1 {
			go func() { // which waits for the first transaction, and is then before or after any of the next
				_, err := other.Append(ctx(t), "payments", []feature.Posted{posted("late", "applicant-0000", day(1), 1)}, at(day(6)), oldFold)
				meanwhile <- err
			}()
		}
		return fold(version, key, state, rows, of)
	}))
	require.NoError(t, <-meanwhile)
	require.NoError(t, s.Refold(ctx(t), "payments", 2, fold))
	require.Equal(t, folded(t, logOf(t, s, "payments")), heldBy(t, s, "payments", 2))
}

// Many writers post overlapping entities, corrections and duplicates, while one follows the log and one writes what files say: nothing is lost, nothing is
// twice, and no row comes before one that was read.
func concurrentEvents(t *testing.T, open OpenFeatures) {
	s := withViews(t, open, "payments")
	p, err := s.Begin(ctx(t), "payments", 1, 0, "manifest")
	require.NoError(t, err)
	const writers, batches = 6, 12
	var wg sync.WaitGroup
	var acknowledged sync.Map // of Posted by seq
	var running atomic.Int64
	running.Store(writers + 1)
	clock := func() feature.Instant { return day(3) }
	for w := range writers {
		own := open(t)
		random := rand.New(rand.NewPCG(uint64(w), 12))
		wg.Go(func() {
			defer running.Add(-1)
			for b := range batches {
				var rows []feature.Posted
				for i := range 4 {
					rows = append(rows, posted(fmt.Sprintf("%d-%d-%d", w, b, i), fmt.Sprintf("applicant-%d", random.IntN(5)), day(random.IntN(3)), i))
				}
				rows = append(rows, posted(fmt.Sprintf("shared-%d", b), "applicant-0", day(1), random.IntN(2)))
				got, err := own.Append(ctx(t), "payments", rows, clock, fold)
				if err != nil {
					t.Error(err)
					return
				}
				for i := range got {
					acknowledged.Store(got[i].Seq, rows[i])
				}
			}
		})
	}
	files := open(t)
	wg.Go(func() {
		defer running.Add(-1)
		for i := range 20 {
			err := files.Put(ctx(t), "payments", 1, p.Generation, []feature.Computed{
				{Key: feature.KeyOf("applicant-0"), Files: fmt.Appendf(nil, "files %d", i)}, {Key: feature.KeyOf("of files only"), Files: []byte("files")},
			}, merge)
			if err != nil {
				t.Error(err)
			}
		}
	})
	follower := open(t)
	var followed []feature.Logged
	for last := false; ; {
		some, err := follower.Events(ctx(t), "payments", int64(len(followed)), 5)
		require.NoError(t, err)
		for _, r := range some {
			require.Equal(t, int64(len(followed)+1), r.Seq)
			followed = append(followed, r)
		}
		if len(some) == 0 {
			if last {
				break
			}
			last = running.Load() == 0
		}
	}
	wg.Wait()

	log := logOf(t, s, "payments")
	require.Equal(t, log, followed)
	acknowledged.Range(func(seq, row any) bool {
		return assertEqual(t, row, log[seq.(int64)-1].Posted)
	})
	says := map[string]string{}
	for _, r := range log {
		require.NotEqual(t, says[r.ID], string(r.Values), "what an event says already is not written again")
		says[r.ID] = string(r.Values)
	}
	require.Len(t, says, writers*batches*4+batches)
	want := folded(t, log)
	want[feature.KeyOf("of files only")] = held{Files: "files", Log: map[feature.Day]map[string]string{}}
	shared := want[feature.KeyOf("applicant-0")]
	shared.Files = "files 19"
	want[feature.KeyOf("applicant-0")] = shared
	require.Equal(t, want, heldBy(t, s, "payments", 1))
}

func assertEqual(t *testing.T, want, got any) bool {
	t.Helper()
	require.Equal(t, want, got)
	return true
}

// A version that is registered while events arrive has all of them: those after by the writers, who see it from then on, and those before by Refold.
func versionsWhileEventsArrive(t *testing.T, open OpenFeatures) {
	s := withViews(t, open, "payments")
	var wg sync.WaitGroup
	half := make(chan struct{})
	var done atomic.Int64
	for w := range 4 {
		own := open(t)
		wg.Go(func() {
			for b := range 16 {
				_, err := own.Append(ctx(t), "payments", []feature.Posted{posted(fmt.Sprintf("%d-%d", w, b), fmt.Sprintf("applicant-%d", b%3), day(b%2), b)}, at(day(3)), fold)
				if err != nil {
					t.Error(err)
				}
				if done.Add(1) == 24 {
					close(half)
				}
			}
		})
	}
	<-half
	_, err := s.Register(ctx(t), 1, []feature.Registered{registered(feature.KindView, "payments", 2, feature.Staged)})
	require.NoError(t, err)
	require.NoError(t, s.Refold(ctx(t), "payments", 2, fold))
	wg.Wait()
	want := folded(t, logOf(t, s, "payments"))
	require.Equal(t, want, heldBy(t, s, "payments", 1))
	require.Equal(t, want, heldBy(t, s, "payments", 2))
}

// A version is registered after the events that are being written or before them: whoever registered it finds all of those in the log that did not see it. The first event is being
// written when that begins; it would have to wait for ever for who waits for it, so it waits for a moment only.
func versionsWaitForEvents(t *testing.T, open OpenFeatures) {
	s, other := withViews(t, open, "payments"), open(t)
	found := make(chan []feature.Logged, 1)
	began := false
	clock := func() feature.Instant {
		if !began {
			began = true
			go func() {
				_, err := other.Register(ctx(t), 1, []feature.Registered{registered(feature.KindView, "payments", 2, feature.Staged)})
				rows, listed := other.Events(ctx(t), "payments", 0, 10)
				if err != nil || listed != nil {
					t.Error(err, listed)
				}
				found <- rows
			}()
			select {
			case rows := <-found:
				found <- rows
			case <-time.After(300 * time.Millisecond):
			}
		}
		return day(3)
	}
	_, err := s.Append(ctx(t), "payments", []feature.Posted{posted("a", "ann", day(0), 1)}, clock, fold)
	require.NoError(t, err)
	require.Len(t, <-found, 1)
	require.NotContains(t, heldBy(t, s, "payments", 2), feature.KeyOf("ann"))
}
