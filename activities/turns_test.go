package activities

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// Those who want the same wait for the one who does it; others do not, and who is called off waits no longer.
func TestTurns(t *testing.T) {
	t.Parallel()
	turns := &Turns{}
	release, err := turns.take(t.Context(), "a")
	require.NoError(t, err)
	other, err := turns.take(t.Context(), "b")
	require.NoError(t, err)
	other()
	off := errors.New("called off")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(off)
	_, err = turns.take(ctx, "a")
	require.ErrorIs(t, err, off)

	at, done := make(chan struct{}), make(chan struct{})
	go func() {
		close(at)
		mine, err := turns.take(t.Context(), "a")
		if err == nil {
			mine()
		}
		close(done)
	}()
	<-at
	select {
	case <-done:
		t.Fatal("it did not wait")
	default:
	}
	release()
	<-done
	require.Empty(t, turns.taken)
}

// Two runs that want one view at the same time compute it once.
func TestAStepIsTakenOnceByThoseWhoWantItAtOnce(t *testing.T) {
	b, folder := newFeatureBench(t), t.TempDir()
	b.views.Reading.Cache.Turns = &Turns{}
	b.apply(t, visits(folder))
	dropped(t, folder, "2026-03-01.csv", append(firstDay, secondDay...)...)
	found, err := b.views.Find(t.Context(), FindViewsInput{Views: []string{"visits"}})
	require.NoError(t, err)
	outs := make([]ComputeViewOutput, 4)
	var runs errgroup.Group
	for i := range outs {
		runs.Go(func() (err error) {
			outs[i], err = b.views.Compute(t.Context(), ComputeViewInput{View: found.Views[0]})
			return err
		})
	}
	require.NoError(t, runs.Wait())
	computed := 0
	for _, out := range outs {
		require.Equal(t, outs[0].Manifest, out.Manifest)
		if !out.Cached {
			computed++
		}
	}
	require.Equal(t, 1, computed)
}
