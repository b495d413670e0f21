package image_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/image/imagetest"
)

// stages are the instructions of a Dockerfile by the names of its stages: each instruction's arguments, in order.
func stages(t *testing.T) map[string]map[string][]string {
	t.Helper()
	data, err := os.ReadFile("../../Dockerfile")
	require.NoError(t, err)
	all := map[string]map[string][]string{}
	name := ""
	for line := range strings.Lines(string(data)) {
		instruction, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch instruction {
		case "", "#":
			continue
		case "FROM":
			var found bool
			_, name, found = strings.Cut(rest, " AS ")
			require.True(t, found, "a stage without a name: %s", line)
			all[name] = map[string][]string{}
		}
		all[name][instruction] = append(all[name][instruction], rest)
	}
	return all
}

// Whoever builds with Docker gets images of the same files, that are started in the same way.
func TestTheDockerfileSaysOfImagesWhatIsSaidHere(t *testing.T) {
	t.Parallel()
	static := imagetest.Build(t, imagetest.Hello, false)
	predictor, err := image.Predictor(static)
	require.NoError(t, err)
	operator, err := image.Operator(static)
	require.NoError(t, err)
	worker, err := image.Worker(workerFiles(t))
	require.NoError(t, err)
	built := stages(t)
	for _, made := range []image.Program{predictor, operator, worker} {
		t.Run(made.Repository, func(t *testing.T) {
			t.Parallel()
			stage := built[made.Repository]
			file, err := made.Image.ConfigFile()
			require.NoError(t, err)
			config := file.Config
			require.Equal(t, []string{"scratch AS " + made.Repository}, stage["FROM"])
			require.Equal(t, []string{"--from=build /images/" + made.Repository + "/ /"}, stage["COPY"])
			require.Empty(t, stage["RUN"])
			require.Equal(t, []string{config.User}, stage["USER"])
			require.Equal(t, []string{config.WorkingDir}, stage["WORKDIR"])
			require.Equal(t, strings.Join(config.Env, " "), strings.Join(stage["ENV"], " "))
			require.Equal(t, made.Repository, config.Labels["org.opencontainers.image.title"])
			for _, label := range []string{"title=" + made.Repository, "revision=$REVISION"} {
				require.Contains(t, stage["LABEL"][0], "org.opencontainers.image."+label)
			}
			var entrypoint []string
			require.NoError(t, json.Unmarshal([]byte(stage["ENTRYPOINT"][0]), &entrypoint))
			require.Equal(t, config.Entrypoint, entrypoint)
			require.Equal(t, healthOf(t, config.Healthcheck), stage["HEALTHCHECK"])
		})
	}
}

// healthOf is a health check as a Dockerfile has it.
func healthOf(t *testing.T, of *v1.HealthConfig) []string {
	t.Helper()
	if of == nil {
		return nil
	}
	test, err := json.Marshal(of.Test[1:])
	require.NoError(t, err)
	short := strings.NewReplacer("m0s", "m")
	return []string{short.Replace("--interval="+of.Interval.String()+" --timeout="+of.Timeout.String()+" --start-period="+of.StartPeriod.String()) +
		fmt.Sprintf(" --retries=%d CMD ", of.Retries) + strings.ReplaceAll(string(test), ",", ", ")}
}

// Go writes into a program whether the tree had changes: one that lacks a file of git's has, and one that has more than git knows. Its programs would be
// others than those of `make programs`.
func TestNoTrackedFileIsKeptFromDocker(t *testing.T) {
	t.Parallel()
	hidden := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", "../..", "ls-files", "--ignored", "--exclude-from=.dockerignore"}, args...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	require.Empty(t, hidden("--cached"))

	// What git reads as Docker does: from the root, or at any depth.
	data, err := os.ReadFile("../../.dockerignore")
	require.NoError(t, err)
	for line := range strings.Lines(string(data)) {
		require.True(t, strings.HasPrefix(line, "/") || strings.HasPrefix(line, "**/") || strings.HasPrefix(line, "#"), line)
	}

	// What .gitignore names stays out, so that no secret and no program of this machine gets in.
	dir := t.TempDir()
	git := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	git("init", "--quiet")
	for _, name := range []string{".gitignore", ".dockerignore"} {
		data, err := os.ReadFile(filepath.Join("../..", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	ignored, err := os.ReadFile("../../.gitignore")
	require.NoError(t, err)
	for pattern := range strings.Lines(string(ignored)) {
		pattern = strings.NewReplacer("**/", "internal/data/", "*", "some").Replace(strings.Trim(pattern, "/\n"))
		path := filepath.Join(dir, pattern)
		if filepath.Ext(pattern) == "" || strings.HasPrefix(pattern, ".") && pattern != ".env" {
			path = filepath.Join(path, "file")
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
	require.Empty(t, git("ls-files", "--others", "--exclude-from=.dockerignore", "--exclude=/.gitignore", "--exclude=/.dockerignore"))
}
