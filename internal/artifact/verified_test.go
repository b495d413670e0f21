package artifact

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A file is taken for verified until anything about it is otherwise; one that was just written is not.
func TestWhatIsTakenForVerified(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		age    time.Duration // when it was verified
		change func(t *testing.T, path string)
		holds  bool
	}{
		"as it was":    {time.Minute, func(*testing.T, string) {}, true},
		"just written": {time.Second, func(*testing.T, string) {}, false},
		"from ahead":   {-time.Hour, func(*testing.T, string) {}, false},
		"written into": {time.Minute, func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, []byte("other"), 0o600)) // as many bytes, another time
		}, false},
		"longer, with its time": {time.Minute, func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, []byte("bytes more"), 0o600))
			require.NoError(t, os.Chtimes(path, now.Add(-time.Minute), now.Add(-time.Minute)))
		}, false},
		"another one, with its time": {time.Minute, func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path+".new", []byte("other"), 0o600))
			require.NoError(t, os.Chtimes(path+".new", now.Add(-time.Minute), now.Add(-time.Minute)))
			require.NoError(t, os.Rename(path+".new", path))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "file")
			require.NoError(t, os.WriteFile(path, []byte("bytes"), 0o600))
			require.NoError(t, os.Chtimes(path, now.Add(-test.age), now.Add(-test.age)))
			info, err := os.Stat(path)
			require.NoError(t, err)
			var v verified
			require.False(t, v.holds(path, info))
			v.add(path, info, now)
			test.change(t, path)
			info, err = os.Stat(path)
			require.NoError(t, err)
			require.Equal(t, test.holds, v.holds(path, info))
			require.False(t, v.holds(path+".other", info))
		})
	}
}
