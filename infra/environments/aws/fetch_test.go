package aws_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/file"
)

// fetch runs fetch.sh as its container does, with an aws that copies files.
func fetch(t *testing.T, environment map[string]string) (string, error) {
	bin := t.TempDir()
	stub := "#!/bin/sh\n[ \"$1 $2 $3\" = 's3 cp --only-show-errors' ] && cp \"$STORE/${4#s3://}\" \"$5\"\n"
	require.NoError(t, file.Write(filepath.Join(bin, "aws"), []byte(stub), 0o755))
	script, err := os.ReadFile("fetch.sh")
	require.NoError(t, err)
	command := exec.CommandContext(t.Context(), "sh", "-euc", string(script))
	command.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH")}
	for name, value := range environment {
		command.Env = append(command.Env, name+"="+value)
	}
	out, err := command.CombinedOutput()
	return string(out), err
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// A task has its files, to the byte, or no predictor.
func TestFetch(t *testing.T) {
	t.Parallel()
	const bundle, policy = "bytes of a bundle\x00\n", "{\"cutoff\":0.3,\"text\":\"100 % $HOME \\\"\\\\n <&> é\"}\n"
	good := func(t *testing.T) map[string]string {
		store := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Join(store, "bucket"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(store, "bucket", "a.bundle"), []byte(bundle), 0o600))
		return map[string]string{
			"STORE": store, "FOLDER": t.TempDir(), "BUNDLE_URI": "s3://bucket/a.bundle", "BUNDLE_DIGEST": digest(bundle), "POLICY": policy, "POLICY_DIGEST": digest(policy),
		}
	}
	t.Run("good", func(t *testing.T) {
		t.Parallel()
		environment := good(t)
		out, err := fetch(t, environment)
		require.NoError(t, err, out)
		for name, wanted := range map[string]string{"model.bundle": bundle, "policy.json": policy} {
			path := filepath.Join(environment["FOLDER"], name)
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, wanted, string(got))
			info, err := os.Stat(path)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o444), info.Mode().Perm(), "the predictor is another user")
		}
	})
	for name, change := range map[string]map[string]string{
		"another bundle":   {"BUNDLE_DIGEST": digest("another")},
		"another policy":   {"POLICY_DIGEST": digest("another")},
		"no bundle":        {"BUNDLE_URI": "s3://bucket/none"},
		"no such folder":   {"FOLDER": "/nowhere/at/all"},
		"not told a thing": {"BUNDLE_DIGEST": ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environment := good(t)
			for key, value := range change {
				environment[key] = value
			}
			out, err := fetch(t, environment)
			require.Error(t, err, out)
		})
	}
}
