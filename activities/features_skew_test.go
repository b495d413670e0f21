package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/monitor"
)

// compared is what a look at the accounts finds so long after now.
func (a *accounts) compared(t *testing.T, later feature.Instant) (monitor.ViewSkew, []monitor.Finding) {
	t.Helper()
	out, err := a.views.Skew(t.Context(), SkewInput{Views: []string{"balances@1"}, Now: a.now + later})
	require.NoError(t, err)
	skew, err := getJSON[monitor.Skew](t.Context(), a.objects, out.JSON)
	require.NoError(t, err)
	require.Len(t, skew.Views, 1)
	require.Equal(t, skew.Views[0].Entities, out.Compared)
	return skew.Views[0], out.Findings
}

// What is served is what trains, and what is not is found.
func TestSkewBetweenTheStores(t *testing.T) {
	a := newAccounts(t)
	for range 2 {
		a.file(t, 1500, 8)
	}
	a.post(t, 800, 8)
	never, found := a.compared(t, 0)
	require.Nil(t, never.Until)
	require.Equal(t, monitor.Statistic("not_materialized"), found[0].Statistic)

	a.now += hour
	a.written(t)
	before, found := a.compared(t, 2*hour)
	require.Empty(t, found)
	require.Equal(t, a.now.Time(), *before.Until)
	require.InDelta(t, 7200, before.Age, 0, "two hours")
	require.Zero(t, before.Changed)
	require.Greater(t, before.Entities, sampleSize/2)
	features := a.held(t, a.compute(t, "balances").outs[0].Manifest).View.Features
	require.Len(t, before.Features, len(features)+1)
	require.Equal(t, "event_timestamp", before.Features[len(features)].Name)

	a.now += hour // which only lets rows of files become known: a writer of the same manifest is killed
	a.views.Online = &onlines{Online: a.store, before: func(int) error { return errors.New("killed") }}
	_, err := a.materialize(t)
	require.Error(t, err)
	a.views.Online = a.store
	p := a.progress(t)
	require.Equal(t, p.Begun, p.Manifest)
	interrupted, found := a.compared(t, 0)
	require.Empty(t, found)
	require.True(t, interrupted.Writing)
	a.written(t)

	a.now += 2 * hour // what is posted from here on is not compared, for the other store does not have it yet
	a.post(t, 100, 2)
	after, found := a.compared(t, 0)
	require.Empty(t, found)
	require.Positive(t, after.Changed)

	a.written(t)
	whole, found := a.compared(t, 0)
	require.Empty(t, found)
	require.Zero(t, whole.Changed)

	a.spoil(t, func(row *feature.Row) { row.Event-- }) // which no value is made of
	_, found = a.compared(t, 0)
	require.Len(t, found, 1)
	require.Equal(t, "balances@1:event_timestamp", found[0].Feature)
	a.spoil(t, func(row *feature.Row) { row.Event++ })
	_, found = a.compared(t, 0)
	require.Empty(t, found)

	a.spoil(t, func(row *feature.Row) {
		if last := &row.Values[len(row.Values)-1]; !last.Missing {
			last.Number += 0.25
		}
	})
	spoilt, found := a.compared(t, 0)
	require.NotEmpty(t, found)
	for i, f := range found {
		require.Equal(t, []any{monitor.OfSkew, monitor.Statistic("skew"), int64(spoilt.Entities)}, []any{f.Kind, f.Statistic, f.Rows}, i)
	}
	require.Equal(t, "balances@1:score", found[0].Feature)
}

// spoil makes the online store say of all accounts what their newest row does not, without another manifest.
func (a *accounts) spoil(t *testing.T, newest func(*feature.Row)) {
	t.Helper()
	reader := a.held(t, a.compute(t, "balances").outs[0].Manifest).View.Reader()
	spoilt := func(_ feature.Key, held, _ []byte) ([]byte, error) {
		state, err := reader.Decode(held)
		if err != nil {
			return nil, err
		}
		for _, row := range []*feature.Row{state.Files.Newest, state.Log.Newest} {
			if row != nil {
				newest(row)
			}
		}
		return state.Encode(), nil
	}
	held, err := a.store.Held(t.Context(), "balances", 1, "", 10_000)
	require.NoError(t, err)
	var all []feature.Computed
	for _, h := range held {
		all = append(all, feature.Computed{Key: h.Key})
	}
	require.NoError(t, a.store.Put(t.Context(), "balances", 1, a.progress(t).Generation, all, spoilt))
}

// writing is an online store to which others always write.
type writing struct {
	feature.Online
	asked int
}

func (w *writing) Progress(ctx context.Context, view string, version int) (feature.Progress, error) {
	w.asked++
	p, err := w.Online.Progress(ctx, view, version)
	p.At = p.At.Add(time.Duration(w.asked) * time.Second) // one has written between any two questions
	return p, err
}

// Of a view that is written meanwhile nothing is said, and nobody waits for ever.
func TestAViewThatIsWrittenIsNotCompared(t *testing.T) {
	a := newAccounts(t)
	a.file(t, 500, 8)
	a.written(t)
	w := &writing{Online: a.store}
	a.views.Online = w
	skew, found := a.compared(t, 0)
	require.Empty(t, found)
	require.True(t, skew.Writing)
	require.Zero(t, skew.Entities)
	require.Equal(t, 2*comparisons, w.asked)
}
