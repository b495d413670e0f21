package git_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/git"
)

// The oracle of these tests is git itself, on PATH.

// environment keeps the settings of this machine's user out.
func environment() []string {
	return append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@bank.example",
		"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@bank.example", "GIT_AUTHOR_DATE=1700000000 +0000", "GIT_COMMITTER_DATE=1700000000 +0000")
}

type fatal interface {
	Helper()
	Fatalf(format string, args ...any)
}

// attempt runs git in a folder and says whether it succeeded.
func attempt(dir string, args ...string) (output string, ok bool) {
	command := exec.Command("git", args...)
	command.Dir, command.Env = dir, environment()
	out, err := command.CombinedOutput()
	return strings.TrimSpace(string(out)), err == nil
}

func run(t fatal, dir string, args ...string) string {
	t.Helper()
	out, ok := attempt(dir, args...)
	if !ok {
		t.Fatalf("git %v: %s", args, out)
	}
	return out
}

// feed runs git with something on its standard input.
func feed(t *testing.T, dir, input string, args ...string) string {
	t.Helper()
	command := exec.Command("git", args...)
	command.Dir, command.Env, command.Stdin = dir, environment(), strings.NewReader(input)
	var errors bytes.Buffer
	command.Stderr = &errors
	out, err := command.Output()
	require.NoError(t, err, errors.String())
	return strings.TrimSpace(string(out))
}

// start is a new repository with a work tree and a first commit on main.
func start(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	run(t, dir, "init", "-q", "-b", "main")
	write(t, dir, map[string]string{"pipeline.yaml": "name: loans\n", "tests/features.yaml": "tests: []\n"})
	commit(t, dir, "first")
	return dir
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
}

// commit commits all that lies in a work tree and is its hash.
func commit(t *testing.T, dir, message string) string {
	t.Helper()
	run(t, dir, "add", "-A")
	run(t, dir, "commit", "-q", "--allow-empty", "-m", message)
	return run(t, dir, "rev-parse", "HEAD")
}

func open(t *testing.T, dir string) *git.Repository {
	t.Helper()
	r, err := git.Open(dir)
	require.NoError(t, err)
	return r
}

// contents are a tree's files, those that can be run with a star.
func contents(tree *ci.Tree) map[string]string {
	all := map[string]string{}
	for _, name := range tree.Paths() {
		f, _ := tree.File(name)
		if f.Executable {
			name += "*"
		}
		all[name] = string(f.Data)
	}
	return all
}
