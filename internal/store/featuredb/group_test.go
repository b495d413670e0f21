package featuredb

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

func paid(id, applicant string, amount int) feature.Posted {
	return feature.Posted{ID: id, Key: feature.KeyOf(applicant), Names: feature.KeyOf("applicant_id"), Event: 1, Values: fmt.Appendf(nil, `{"amount":%d}`, amount)}
}

// refusing holds nothing, and refuses an entity that has a payment of 13.
func refusing(_ feature.Registered, _ feature.Key, _ []byte, rows []feature.Logged, _ feature.Extent) ([]byte, error) {
	for _, r := range rows {
		if strings.Contains(string(r.Values), "13") {
			return nil, fault.New(fault.Internal, "unlucky")
		}
	}
	return []byte("held"), nil
}

// groups is a store of payments whose writer is held by a first caller until a test lets it go: who comes meanwhile waits, and is a group.
type groups struct {
	t *testing.T
	*featureStore
	release chan struct{}
	all     sync.WaitGroup
}

func newGroups(t *testing.T) *groups {
	s, err := Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "features.db"))
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	_, err = s.Register(t.Context(), 0, []feature.Registered{{Kind: feature.KindView, Name: "payments", Version: 1, Meaning: "m", Document: []byte("{}"), Stage: feature.Active, Actor: "ada"}})
	require.NoError(t, err)
	g := &groups{t: t, featureStore: s.(*featureStore), release: make(chan struct{})}
	writing := make(chan struct{})
	first := func() feature.Instant {
		close(writing)
		<-g.release
		return 100
	}
	g.all.Go(func() {
		_, err := g.Append(t.Context(), "payments", []feature.Posted{paid("first", "ann", 1)}, first, refusing)
		assert.NoError(t, err)
	})
	<-writing
	return g
}

// waits posts a batch, and returns once it waits for its turn. What becomes of it is handed to told.
func (g *groups) waits(ctx context.Context, rows []feature.Posted, fold feature.Fold, told func([]feature.Appended, error)) {
	q := g.queueOf("payments")
	q.mu.Lock()
	before := len(q.waiting)
	q.mu.Unlock()
	g.all.Go(func() { told(g.Append(ctx, "payments", rows, func() feature.Instant { return 100 }, fold)) })
	for {
		q.mu.Lock()
		now := len(q.waiting)
		q.mu.Unlock()
		if now > before {
			return
		}
		runtime.Gosched()
	}
}

func (g *groups) log() []feature.Logged {
	rows, err := g.Events(g.t.Context(), "payments", 0, 1000)
	require.NoError(g.t, err)
	return rows
}

// What is wrong with one batch of a group does not fail the others, and all are answered as if they were alone, in the order in which they came.
func TestAGroup(t *testing.T) {
	t.Parallel()
	for name, unlucky := range map[string]bool{"in one transaction": false, "one by one": true} {
		g := newGroups(t)
		entities := map[string]int{}
		fold := func(v feature.Registered, key feature.Key, state []byte, rows []feature.Logged, of feature.Extent) ([]byte, error) {
			entities[string(key)]++
			return refusing(v, key, state, rows, of)
		}
		answers := make([][]feature.Appended, 8)
		fails := make([]error, 8)
		for i, rows := range [][]feature.Posted{
			{paid("a", "bob", 1), paid("b", "cy", 1)},
			{paid("a", "bob", 2)},                          // a correction of what is in no log yet
			{paid("c", "bob", 1), paid("a", "other", 1)},   // refused: c is not written either
			{paid("first", "ann", 1), paid("a", "bob", 1)}, // a correction is taken back
			{paid("d", "dan", map[bool]int{true: 13}[unlucky])},
			{paid("c", "eve", 1)}, // another's ID that was refused with its batch
			{paid("a", "bob", 3)},
		} {
			g.waits(t.Context(), rows, fold, func(appended []feature.Appended, err error) { answers[i], fails[i] = appended, err })
		}
		close(g.release)
		g.all.Wait()
		seq := int64(6) // of d, which is there or not
		if !unlucky {
			require.Equal(t, map[string]int{string(feature.KeyOf("bob")): 1, string(feature.KeyOf("cy")): 1, string(feature.KeyOf("dan")): 1, string(feature.KeyOf("eve")): 1}, entities, "each entity is folded once")
			require.Equal(t, []feature.Appended{{Seq: seq, Created: 105}}, answers[4])
			require.NoError(t, fails[4])
			seq++
		} else {
			require.ErrorContains(t, fails[4], "unlucky")
			require.Nil(t, answers[4])
		}
		first := feature.Instant(99)
		require.Equal(t, []feature.Appended{{Seq: 2, Created: first + 2}, {Seq: 3, Created: first + 3}}, answers[0], name)
		require.Equal(t, []feature.Appended{{Seq: 4, Created: first + 4}}, answers[1], name)
		at, moved := feature.MovedAt(fails[2])
		require.True(t, moved, name)
		require.Equal(t, 1, at, name)
		require.Nil(t, answers[2])
		require.Equal(t, []feature.Appended{{Seq: 1, Created: 100, Duplicate: true}, {Seq: 5, Created: first + 5}}, answers[3], name)
		require.Equal(t, []feature.Appended{{Seq: seq, Created: first + feature.Instant(seq)}}, answers[5], name)
		require.Equal(t, []feature.Appended{{Seq: seq + 1, Created: first + feature.Instant(seq) + 1}}, answers[6], name)
		require.Len(t, g.log(), int(seq)+1, name)
	}
}

// A program whose fold panics answers all who wait, and goes on: who caused it is told, the others' rows are written.
func TestAGroupWithAPanic(t *testing.T) {
	t.Parallel()
	g := newGroups(t)
	fold := func(_ feature.Registered, key feature.Key, _ []byte, _ []feature.Logged, _ feature.Extent) ([]byte, error) {
		if key == feature.KeyOf("bob") {
			panic("of the fold")
		}
		return []byte("held"), nil
	}
	fails := make([]error, 3)
	for i, applicant := range []string{"ann", "bob", "cy"} {
		g.waits(t.Context(), []feature.Posted{paid(applicant, applicant, 1)}, fold, func(_ []feature.Appended, err error) { fails[i] = err })
	}
	close(g.release)
	g.all.Wait()
	require.NoError(t, fails[0])
	require.NoError(t, fails[2])
	require.Equal(t, fault.Internal, fault.CodeOf(fails[1]))
	require.ErrorContains(t, fails[1], "of the fold")
	require.Len(t, g.log(), 3)
	_, err := g.Append(t.Context(), "payments", []feature.Posted{paid("later", "ann", 1)}, func() feature.Instant { return 200 }, fold)
	require.NoError(t, err)
}

// Nobody is answered before what was posted can be read by others, and is in the database for good.
func TestAnAnswerComesAfterTheCommit(t *testing.T) {
	t.Parallel()
	g := newGroups(t)
	const callers = 12
	folding, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	fold := func(feature.Registered, feature.Key, []byte, []feature.Logged, feature.Extent) ([]byte, error) {
		once.Do(func() {
			close(folding)
			<-release
		})
		return []byte("held"), nil
	}
	answered := make(chan int64, callers)
	for i := range callers {
		id := fmt.Sprint(i)
		g.waits(t.Context(), []feature.Posted{paid(id, id, 1)}, fold, func(appended []feature.Appended, err error) {
			if !assert.NoError(t, err) {
				return
			}
			found, err := g.Events(t.Context(), "payments", appended[0].Seq-1, 1) // by a connection that does not write
			assert.NoError(t, err)
			assert.Len(t, found, 1)
			answered <- appended[0].Seq
		})
	}
	close(g.release)
	<-folding
	require.Empty(t, answered)
	close(release)
	g.all.Wait()
	require.Len(t, answered, callers)
}

// Who waits no longer has written nothing; and where the one who writes for all goes away, all are written.
func TestCallersWhoGo(t *testing.T) {
	t.Parallel()
	g := newGroups(t)
	gone, leave := context.WithCancel(t.Context())
	writer, stop := context.WithCancel(t.Context())
	fold := func(feature.Registered, feature.Key, []byte, []feature.Logged, feature.Extent) ([]byte, error) {
		stop()
		return []byte("held"), nil
	}
	left := make(chan error)
	g.waits(gone, []feature.Posted{paid("a", "bob", 1)}, fold, func(_ []feature.Appended, err error) { left <- err })
	leave()
	err := <-left
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.ErrorIs(t, err, context.Canceled)
	for i, ctx := range []context.Context{writer, t.Context()} {
		g.waits(ctx, []feature.Posted{paid(fmt.Sprint(i), "cy", i)}, fold, func(_ []feature.Appended, err error) {
			if !errors.Is(err, context.Canceled) { // it may have gone before it had its turn
				assert.NoError(t, err)
			}
		})
	}
	close(g.release)
	g.all.Wait()
	rows := g.log()
	require.Len(t, rows, 3)
	require.Equal(t, []string{"first", "0", "1"}, []string{rows[0].ID, rows[1].ID, rows[2].ID})
}

// A group has an end: who posts a few rows does not wait for all that others post.
func TestGroupsAreBounded(t *testing.T) {
	t.Parallel()
	q := &queue{}
	for _, rows := range []int{3000, 1000, 999, 2, 1} {
		q.join(&batch{posted: make([]feature.Posted, rows)})
	}
	for _, want := range []int{1, 2, 2, 0} {
		require.Len(t, q.take(), want)
	}
}

// However large a log is, what an event needs of it is found by an index: SQLite has no statistics of its own that would tell it so.
func TestEventsAreFoundByIndex(t *testing.T) {
	t.Parallel()
	g := newGroups(t)
	close(g.release)
	g.all.Wait()
	for of, query := range map[string]string{
		"feature_events_by_id (view=? AND event_id=?)":                                  g.lookedUp(64, "(CAST(? AS TEXT), CAST(? AS TEXT))", "feature_events", eventByID),
		"feature_events_by_key (view=? AND entity_key=? AND event_at>? AND event_at<?)": g.lookedUp(64, betweenRow, "feature_events", eventsBetween),
		"feature_events_by_key (view=? AND entity_key=?)":                               g.lookedUp(64, "(CAST(? AS TEXT), CAST(? AS TEXT))", "feature_events", eventByKey),
		"PRIMARY KEY (view=? AND version=? AND entity_key=?)":                           g.lookedUp(64, stateRow, "feature_states", stateOf),
	} {
		rows, err := g.Query("EXPLAIN QUERY PLAN SELECT *" + strings.ReplaceAll(query, "?", "'1'")) //nolint:sqlclosecheck // each does
		var plan []string
		require.NoError(t, each(rows, err, func() error {
			var id, parent, cost int
			var step string
			err := rows.Scan(&id, &parent, &cost, &step)
			plan = append(plan, step)
			return err
		}))
		require.Contains(t, strings.Join(plan, "; "), of)
	}
}
