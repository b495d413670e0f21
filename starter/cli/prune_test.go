package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/prune"
	"github.com/loanops/loanops/internal/retention"
	"github.com/loanops/loanops/internal/settings"
)

func TestPruneMakesNoDatabase(t *testing.T) {
	p := newFakePlatform(t)
	require.NoError(t, os.Remove(filepath.Join(p.dir, "loanops.db")))
	_, stderr, code := p.run(t, "prune", "--older-than", "90d", "--delete")
	require.Equal(t, exitNotFound, code, stderr)
	require.Contains(t, stderr, "loanops.db")
	require.NoFileExists(t, filepath.Join(p.dir, "loanops.db"))
}

// A feature database that is not there would say that nothing of views is needed.
func TestPruneMakesNoFeatureDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "features.db")
	_, err := prunedFeatures(t.Context(), settings.Settings{FeaturesDatabase: "sqlite://" + path})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.NoFileExists(t, path)
	none, err := prunedFeatures(t.Context(), settings.Settings{})
	require.NoError(t, err)
	require.Nil(t, none)
	require.Equal(t, activities.ComputeView.Name, prune.ViewStep)
}

// A limit that is too near would take what a run is about to name.
func TestPruneWantsAnAge(t *testing.T) {
	p := newFakePlatform(t)
	for age, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "1d": 24 * time.Hour, "36h": 36 * time.Hour, "1000000000d": 36_500 * 24 * time.Hour} {
		got, err := parseAge(age)
		require.NoError(t, err, age)
		require.Equal(t, want, got, age)
	}
	for _, age := range []string{"", "0d", "-3d", "23h59m", "90", "soon", "d", "1.5d"} {
		_, stderr, code := p.run(t, "prune", "--older-than="+age)
		require.Equal(t, exitUsage, code, age)
		require.Contains(t, stderr, "an age of at least 1d is wanted", age)
	}
	_, stderr, code := p.run(t, "prune")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, `required flag(s) "older-than" not set`)
}

func TestWhatPruneSays(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	result := prune.Result{
		Before: began, Objects: map[string]retention.Count{"rows": {Objects: 3, Bytes: 70}, "pages": {Objects: 1, Bytes: 7}}, Total: retention.Count{Objects: 4, Bytes: 77},
		CachedSteps: 2, Kept: map[string]retention.Count{"runs that go on": {Objects: 5, Bytes: 9}}, Others: 6,
	}
	(&app{out: &out}).describePruned(result)
	require.Contains(t, out.String(), "4 objects of 77 bytes from before 2026-06-30 10:00:00 would be removed, and 2 cached steps; with --delete it is done\n")
	require.Regexp(t, `(?s)KIND .*pages +1 +7\nrows +3 +70\n.*KEPT FOR .*runs that go on +5 +9\n\n6 other objects of the bucket are left alone\n`, out.String())
	out.Reset()
	result.Deleted = true
	(&app{out: &out}).describePruned(result)
	require.Contains(t, out.String(), "are removed, and 2 cached steps\n")
}
