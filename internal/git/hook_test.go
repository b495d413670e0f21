package git_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/git"
)

// recorder is a program that writes down how it was called, says something, and ends with a code.
func recorder(t *testing.T, code string) (program string, calls func() []string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "it's a folder; $(touch x)")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	program = filepath.Join(dir, "loanops")
	script := "#!/bin/sh\nprintf '%s|' \"$@\" \"$LOANOPS_DATABASE\" >>\"$(dirname \"$0\")/calls\"\necho >>\"$(dirname \"$0\")/calls\"\necho started something\nexit " + code + "\n"
	require.NoError(t, file.Write(program, []byte(script), 0o755))
	return program, func() []string {
		content, err := os.ReadFile(filepath.Join(dir, "calls"))
		if err != nil {
			return nil
		}
		return strings.Split(strings.TrimSpace(string(content)), "\n")
	}
}

// hooked is a bare repository with the hook, and a work tree that pushes to it.
func hooked(t *testing.T, h git.Hook) (work, dir string) {
	t.Helper()
	work = start(t)
	dir, err := filepath.EvalSymlinks(bare(t, work))
	require.NoError(t, err)
	run(t, work, "remote", "add", "origin", dir)
	_, err = h.Install(dir, false)
	require.NoError(t, err)
	return work, dir
}

func TestAPushStartsTheTestsOfItsBranches(t *testing.T) {
	t.Parallel()
	program, calls := recorder(t, "0")
	work, dir := hooked(t, git.Hook{Program: program, State: "/a state"})
	hash := commit(t, work, "second")
	said := run(t, work, "push", "origin", "main", "main:feature/x", "main:refs/tags/v1", "main:refs/heads/$(touch${IFS}y)")
	require.Contains(t, said, "remote: started something")
	require.Contains(t, said, "remote: loanops: main is being tested")
	require.Contains(t, said, "remote: loanops: feature/x is being tested")
	call := func(branch string) string {
		return "--state|/a state|ci|start|--repo|" + dir + "|--ref=" + hash + "|--branch=" + branch + "|--trigger|push||"
	}
	require.ElementsMatch(t, []string{call("main"), call("feature/x"), call("$(touch${IFS}y)")}, calls())

	run(t, work, "push", "-q", "origin", ":feature/x")
	require.Len(t, calls(), 3, "what is deleted is not tested")
}

func TestAPushIsTakenWhateverComesOfItsTests(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(t *testing.T) git.Hook{
		"exit code 7":   func(t *testing.T) git.Hook { program, _ := recorder(t, "7"); return git.Hook{Program: program} },
		"exit code 127": func(t *testing.T) git.Hook { return git.Hook{Program: filepath.Join(t.TempDir(), "none")} },
		"cannot be read; nothing is tested": func(t *testing.T) git.Hook {
			program, _ := recorder(t, "0")
			return git.Hook{Program: program, Environment: filepath.Join(t.TempDir(), "none")}
		},
	} {
		work, dir := hooked(t, broken(t))
		hash := commit(t, work, "second")
		said := run(t, work, "push", "origin", "main")
		require.Contains(t, said, name)
		require.Contains(t, said, "remote: loanops:")
		require.Equal(t, hash, run(t, dir, "rev-parse", "main"))
	}
}

func TestAHookHasAnEnvironment(t *testing.T) {
	t.Parallel()
	program, calls := recorder(t, "0")
	file := filepath.Join(t.TempDir(), "loanops.env")
	require.NoError(t, os.WriteFile(file, []byte("LOANOPS_DATABASE='postgres://db/loan ops'\n"), 0o600))
	work, _ := hooked(t, git.Hook{Program: program, Environment: file})
	commit(t, work, "second")
	run(t, work, "push", "-q", "origin", "main")
	require.Len(t, calls(), 1)
	require.Contains(t, calls()[0], "|push|postgres://db/loan ops|")
}

func TestInstallingAHook(t *testing.T) {
	t.Parallel()
	work := start(t)
	dir := bare(t, work)
	h := git.Hook{Program: "/bin/loanops", State: "/s"}
	file, err := h.Install(dir, false)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "hooks/post-receive"), file)
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, h.Script(), string(content))
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o755), info.Mode().Perm())
	_, err = h.Install(dir, false)
	require.NoError(t, err, "it is there")

	require.NoError(t, os.WriteFile(file, []byte("#!/bin/sh\nmail\n"), 0o755))
	_, err = h.Install(dir, false)
	require.Equal(t, fault.Refused, fault.CodeOf(err))
	content, err = os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "#!/bin/sh\nmail\n", string(content))
	_, err = h.Install(dir, true)
	require.NoError(t, err)
	all, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	for _, e := range all {
		require.True(t, e.Name() == "post-receive" || strings.HasSuffix(e.Name(), ".sample"), e.Name())
	}

	file, err = h.Install(work, false)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(work, ".git/hooks/post-receive"), file)
	run(t, work, "config", "core.hooksPath", "/usr/share/hooks")
	_, err = h.Install(work, true)
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "/usr/share/hooks/post-receive")
	_, err = h.Install(t.TempDir(), false)
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}
