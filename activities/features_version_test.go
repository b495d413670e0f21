package activities

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Versions of a view are made of the same rows, and hold different things: what was computed of one is never taken for the other, neither of what windows nor of what a query says.
func TestEachVersionIsComputedForItself(t *testing.T) {
	b, folder := newFeatureBench(t), t.TempDir()
	definitions := visits(folder)
	b.apply(t, definitions)
	dropped(t, folder, "1.csv", firstDay...)
	first := b.compute(t, "stays")

	change := func(old, replacement string) computed {
		t.Helper()
		changed := bytes.Replace(definitions.Data, []byte(old), []byte(replacement), 1)
		require.NotEqual(t, definitions.Data, changed)
		definitions.Data = changed
		b.apply(t, definitions)
		return b.compute(t, "stays")
	}
	longer := change("over: 3d", "over: 4d")
	for i, id := range []string{"visits@2", "stays@2"} {
		require.False(t, longer.outs[i].Cached, id)
		require.Equal(t, id, viewID(b.held(t, longer.outs[i].Manifest)))
	}
	require.Equal(t, 4*24*time.Hour, time.Duration(b.held(t, longer.outs[0].Manifest).View.Features[1].Over))

	halves := change("minutes / 60", "minutes / 30")
	require.True(t, halves.outs[0].Cached, "visits are as they were")
	require.Equal(t, "stays@3", viewID(b.held(t, halves.outs[1].Manifest)))
	said := func(c computed) string { return b.held(t, c.outs[1].Manifest).Partitions[0].Objects.Rows.SHA256 }
	require.Equal(t, said(first), said(longer), "the same query of the same rows")
	require.NotEqual(t, said(longer), said(halves))
}
