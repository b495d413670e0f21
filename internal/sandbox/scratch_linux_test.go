package sandbox

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// asNobodyInParticular does something on a thread that may in the file system what an ordinary user may, who owns the folder.
func asNobodyInParticular(t *testing.T, folder string, do func()) {
	t.Helper()
	const user = 12345
	done := make(chan struct{})
	if os.Geteuid() == 0 {
		require.NoError(t, filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
			require.NoError(t, err)
			return os.Lchown(path, user, user)
		}))
	}
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with this
		if os.Geteuid() == 0 {
			if _, err := unix.SetfsuidRetUid(user); err != nil {
				t.Error(err)
			}
		}
		do()
	}()
	<-done
}

// A command that runs as the worker's user hides nothing from the limits by closing a folder to it. What is closed for a moment, as tests of programs do it, is no harm.
func TestWhatACommandClosesIsBeyondItsLimits(t *testing.T) {
	t.Parallel()
	const closed = "its folder held what cannot be looked into"
	for name, test := range map[string]struct {
		mode  os.FileMode
		which string // folder is closed
		says  string
	}{
		"open":                      {0o755, "files", "its folder held more than 1 MiB"},
		"no names":                  {0o300, "files", closed},
		"names without what is one": {0o400, "files", closed},
		"nothing":                   {0o000, "files", closed},
		"the scratch folder itself": {0o300, ".", closed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			temp := t.TempDir()
			require.NoError(t, os.Chmod(filepath.Dir(temp), 0o755)) // it is the test's user's alone
			scratch := filepath.Join(temp, "scratch")
			require.NoError(t, os.MkdirAll(filepath.Join(scratch, "files"), 0o755))
			require.NoError(t, os.MkdirAll(filepath.Join(scratch, "tmp"), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(scratch, "files", "big"), make([]byte, 8<<20), 0o600))
			asNobodyInParticular(t, scratch, func() {
				w := watched{limits: Limits{Scratch: 1 << 20, Entries: 100}}
				defer os.Chmod(filepath.Join(scratch, test.which), 0o755)
				if err := os.Chmod(filepath.Join(scratch, test.which), test.mode); err != nil {
					t.Error(err)
				}
				first := w.beyond(scratch)
				if test.says != closed {
					if first != test.says {
						t.Errorf("it says %q", first)
					}
					return
				}
				if second := w.beyond(scratch); first != "" || second != closed {
					t.Errorf("it says %q, then %q", first, second)
				}
			})
		})
	}
}

func TestWhatIsClosedForAMoment(t *testing.T) {
	t.Parallel()
	w := watched{limits: Limits{Scratch: 1 << 20, Entries: 100}}
	require.Empty(t, w.after("", true))
	require.Empty(t, w.after("", false), "it is open again")
	require.Empty(t, w.after("", true))
	require.NotEmpty(t, w.after("", true))
	require.Equal(t, "too much", w.after("too much", true), "what is known is said")
	require.Empty(t, w.beyond(filepath.Join(t.TempDir(), "removed")))
}
