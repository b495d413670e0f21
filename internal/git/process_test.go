package git_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/git"
)

// asWriter makes this test program a process that tells a repository of a commit: its folder, the commit and the text, or "stay" to hold the notes for ever.
const asWriter = "LOANOPS_TEST_WRITES"

func TestMain(m *testing.M) {
	what, is := os.LookupEnv(asWriter)
	if !is {
		os.Exit(m.Run())
	}
	of := strings.Split(what, "|")
	if err := writes(of[0], of[1], of[2]); err != nil {
		fmt.Println(fault.CodeOf(err), err)
	}
}

func writes(dir, hash, text string) error {
	r, err := git.Open(dir)
	if err != nil {
		return err
	}
	if err := r.Status(hash, "push.json", []byte(text)); err != nil {
		return err
	}
	return r.Note(context.Background(), hash, func(string) string {
		if text == "stay" {
			fmt.Println("writing")
			select {}
		}
		return text
	})
}

// noting is such a process, as anybody may start it.
func noting(t *testing.T, dir, hash, text string) *exec.Cmd {
	t.Helper()
	program := filepath.Join(t.TempDir(), "writer")
	require.NoError(t, os.Chmod(filepath.Dir(program), 0o755))
	require.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(program)), 0o755))
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, file.Copy(self, program, 0o755))
	command := exec.CommandContext(t.Context(), program)
	command.Env = append(os.Environ(), asWriter+"="+dir+"|"+hash+"|"+text)
	return command
}

// saying is a note that says a text, whatever was said before.
func saying(text string) func(string) string { return func(string) string { return text } }
