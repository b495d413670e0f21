package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/settings"
)

// plant gives every variable that this project reads, and a few that machines have, a value that is nowhere else, and so does a platform's state. What
// `package` goes by stays as it is. It returns the values.
func plant(t *testing.T, state string) []string {
	t.Helper()
	names := []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "TEMPORAL_API_KEY", "LOANOPS_API_KEY", "LOANOPS_OPERATOR", "LOANOPS_CONNECTION_LENDING_FILE",
		"LOANOPS_REPOSITORY_LOANS_TOKEN_FILE", "LOANOPS_ALERT_OPS_URL", "GITHUB_TOKEN", "HTTPS_PROXY", "USER", "HOSTNAME",
	}
	known := reflect.TypeFor[settings.Settings]()
	for i := range known.NumField() {
		if name := known.Field(i).Tag.Get("env"); strings.HasPrefix(name, "LOANOPS_") {
			names = append(names, name)
		}
	}
	var planted []string
	var lines strings.Builder
	for _, name := range names {
		switch name {
		case "LOANOPS_BIN_DIR", "LOANOPS_TERRAFORM", "LOANOPS_REGISTRY":
			continue
		}
		here, there := "planted-here-"+name, "planted-there-"+name
		t.Setenv(name, here)
		lines.WriteString(name + "=" + there + "\n")
		planted = append(planted, here, there)
	}
	require.NoError(t, os.WriteFile(filepath.Join(state, settings.PlatformEnv), []byte(lines.String()), 0o600))
	return planted
}

// Whoever packs has secrets in the environment, and whoever has an image must not have them: no layer, no configuration, no manifest and no bill of
// materials of any image has a value of a variable in it.
func TestNoImageHasASecretOfTheEnvironment(t *testing.T) {
	packingPlace(t)
	state, to, files := t.TempDir(), filepath.Join(t.TempDir(), "images"), filepath.Join(t.TempDir(), "files")
	planted := plant(t, state)
	var out, errOut bytes.Buffer
	require.Equal(t, exitDone, Run(context.Background(), []string{"package", "--state", state, "--to", to, "--files", files}, strings.NewReader(""), &out, &errOut), errOut.String())
	require.Equal(t, 3, strings.Count(out.String(), "@sha256:"))
	searched := 0
	for _, dir := range []string{to, files} {
		require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, one := range [][]byte{data, unzipped(t, data)} {
				for _, value := range planted {
					require.False(t, bytes.Contains(one, []byte(value)), "%s has %q in it", path, value)
				}
			}
			searched++
			return nil
		}))
	}
	require.Greater(t, searched, 3*(2+2+2), "layers, configurations, manifests, bills, and the files themselves")
	require.Contains(t, string(unzipped(t, zipped(t, planted[0]))), planted[0])
}

// unzipped are the bytes of a layer, and nothing of what is none.
func unzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	require.NoError(t, err)
	whole, err := io.ReadAll(r)
	require.NoError(t, err)
	return whole
}

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}
