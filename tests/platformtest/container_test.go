package platformtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/image/imagetest"
)

func TestMain(m *testing.M) {
	Contained()
	os.Exit(m.Run())
}

// An image's program runs in the image's root, by its user: it finds nothing else, not even itself by its path on this machine.
func TestContainer(t *testing.T) {
	t.Parallel()
	program := imagetest.Build(t, imagetest.Hello, false)
	made, err := image.Predictor(program)
	require.NoError(t, err)
	shared := t.TempDir()
	c, err := NewContainer(made.Image, t.TempDir(), shared)
	require.NoError(t, err)
	require.NoError(t, c.Give(shared))

	cmd, err := c.Command(nil, "there")
	require.NoError(t, err)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, "hello there\n", string(out))

	said, err := c.Run(nil, program)
	var failed *exec.ExitError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, 125, failed.ExitCode())
	require.Contains(t, said, "no such file", "it is not there")

	data, err := os.ReadFile(program)
	require.NoError(t, err)
	theirs := filepath.Join(shared, "program")
	require.NoError(t, file.Write(theirs, data, 0o755))
	said, err = c.Run(nil, theirs, "again")
	require.NoError(t, err, said)
	require.Equal(t, "hello again\n", said)
}
