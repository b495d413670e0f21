package storetest

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// What was computed last of a version takes the place of what was before, and is of that version alone.
func manifestsOfViews(t *testing.T, open OpenFeatures) {
	s := open(t)
	none, err := s.Manifest(t.Context(), "payments", 1)
	require.NoError(t, err)
	require.Nil(t, none)
	for _, text := range []string{`{"uri":"a"}`, `{"uri":"b"}`} {
		require.NoError(t, s.PutManifest(t.Context(), "payments", 1, json.RawMessage(text)))
		manifest, err := s.Manifest(t.Context(), "payments", 1)
		require.NoError(t, err)
		require.JSONEq(t, text, string(manifest))
	}
	for view, version := range map[string]int{"payments": 2, "bureau": 1} {
		other, err := s.Manifest(t.Context(), view, version)
		require.NoError(t, err)
		require.Nil(t, other)
	}
}

// What was computed last and what the online store holds, or began to, are needed, each once; what took the place of another is not.
func neededManifests(t *testing.T, open OpenFeatures) {
	s := withViews(t, open, "bureau", "payments")
	none, err := s.Manifests(t.Context())
	require.NoError(t, err)
	require.Equal(t, []json.RawMessage{}, none)
	for _, text := range []string{`"a"`, `"b"`} {
		require.NoError(t, s.PutManifest(t.Context(), "payments", 1, json.RawMessage(text)))
	}
	require.NoError(t, s.PutManifest(t.Context(), "bureau", 1, json.RawMessage(`"c"`)))
	needed := func(want ...string) {
		t.Helper()
		found, err := s.Manifests(t.Context())
		require.NoError(t, err)
		texts := make([]string, len(found))
		for i := range found {
			texts[i] = string(found[i])
		}
		require.ElementsMatch(t, want, texts)
	}
	needed(`"b"`, `"c"`)
	p, err := s.Begin(t.Context(), "payments", 1, 0, `"old"`)
	require.NoError(t, err)
	needed(`"b"`, `"c"`, `"old"`)
	_, err = s.Finish(t.Context(), "payments", 1, p.Generation, day(1))
	require.NoError(t, err)
	_, err = s.Begin(t.Context(), "payments", 1, 1, `"b"`)
	require.NoError(t, err)
	needed(`"b"`, `"c"`, `"old"`)
	_, err = s.Finish(t.Context(), "payments", 1, 2, day(2))
	require.NoError(t, err)
	needed(`"b"`, `"c"`)
}
