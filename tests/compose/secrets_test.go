package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/sha256hex"
)

// Secrets are files, given to whoever names them and to nobody else, and secrets.sh makes them. The passwords that a server or the URL of a database needs in
// its environment come from .env, and no line of the file has one.
func TestSecretsAreFiles(t *testing.T) {
	t.Parallel()
	project, dir := loaded(t)
	contents := map[string]string{}
	for name, secret := range project.Secrets {
		content, err := os.ReadFile(secret.File)
		require.NoError(t, err, "secrets.sh makes %s", name)
		require.True(t, strings.HasPrefix(secret.File, filepath.Join(dir, "infra", "compose", "secrets")+"/"), name)
		if len(content) > 0 { // an open repository's token, or the password of a registry that takes anybody
			contents[name] = strings.TrimSpace(string(content))
		}
	}
	environment, err := os.ReadFile(filepath.Join(dir, ".env"))
	require.NoError(t, err)
	passwords := map[string]bool{}
	for line := range strings.Lines(string(environment)) {
		name, password, _ := strings.Cut(strings.TrimSpace(line), "=")
		if name == "LOANOPS_DOCKER_GROUP" {
			continue // a number that everybody on the host may read, 0 where there is no engine
		}
		passwords[password] = true
		require.NotContains(t, read(t, "docker-compose.yml"), password)
	}
	// Where a password of .env may be; each is in what that server, or its clients, read.
	inPlace := regexp.MustCompile(`^(POSTGRES_PASSWORD|ROOT_SECRET_ACCESS_KEY|POSTGRES_PWD|AWS_SECRET_ACCESS_KEY|LOANOPS_(DATABASE|FEATURES)_PASSWORD|LOANOPS_DATABASE|LOANOPS_FEATURES_DATABASE)$`)
	used := map[string]bool{}
	for _, service := range project.Services {
		said := strings.Join(slices.Concat(service.Command, service.Entrypoint, test(service.HealthCheck)), "\n")
		for password := range passwords {
			require.NotContains(t, said, password, "everybody on the host reads the arguments of %s", service.Name)
		}
		for variable, value := range service.Environment {
			if value == nil {
				t.Errorf("%s takes %s from whoever starts it", service.Name, variable)
				continue
			}
			said += "\n" + *value
			for name, content := range contents {
				require.NotContains(t, *value, content, "%s has secret %s in %s", service.Name, name, variable)
			}
			for password := range passwords {
				require.True(t, !strings.Contains(*value, password) || inPlace.MatchString(variable), "%s has a password in %s", service.Name, variable)
			}
		}
		for name := range project.Secrets {
			names := regexp.MustCompile(`/run/secrets/` + name + `\b`).MatchString(said)
			used[name] = used[name] || names
			has := slices.ContainsFunc(service.Secrets, func(s types.ServiceSecretConfig) bool { return s.Source == name })
			require.Equal(t, names, has, "%s and secret %s", service.Name, name)
		}
	}
	for name := range project.Secrets {
		require.True(t, used[name], "nobody names secret %s", name)
	}
}

func test(of *types.HealthCheckConfig) []string {
	if of == nil {
		return nil
	}
	return of.Test
}

// secrets.sh makes what is missing, whatever a person has set already, and leaves that alone. Who may read it is its owner alone.
func TestSecretsAreMadeBesideWhatIsThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	socket := filepath.Join(dir, "docker.sock")
	require.NoError(t, os.WriteFile(socket, nil, 0o600))
	require.NoError(t, os.Symlink(socket, filepath.Join(dir, "link")))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "infra/compose/secrets"), 0o755)) // as a copy of it may be
	write := func(name, content string) {
		t.Helper()
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	write("infra/compose/secrets.sh", read(t, "infra/compose/secrets.sh"))
	write(".env", "LOANOPS_S3_SECRET=\nLOANOPS_DOCKER_SOCKET=\""+filepath.Join(dir, "link")+"\"\nexport LOANOPS_DATABASE_PASSWORD = 'mine'\n TEMPORAL_DATABASE_PASSWORD: mine2\nLOANOPS_GATEWAY_PORT=9090")
	secrets := func() (said string, set map[string]string) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "sh", filepath.Join(dir, "infra/compose/secrets.sh")).CombinedOutput()
		require.NoError(t, err, "%s", out)
		set, err = dotenv.Read(filepath.Join(dir, ".env"))
		require.NoError(t, err)
		return string(out), set
	}
	said, set := secrets()
	require.Empty(t, said)
	require.Equal(t, []string{"9090", "mine", "mine2"}, []string{set["LOANOPS_GATEWAY_PORT"], set["LOANOPS_DATABASE_PASSWORD"], set["TEMPORAL_DATABASE_PASSWORD"]})
	for _, name := range []string{"LOANOPS_FEATURES_PASSWORD", "LOANOPS_S3_SECRET"} {
		require.Len(t, set[name], 48, name)
	}
	require.Equal(t, strconv.Itoa(os.Getegid()), set["LOANOPS_DOCKER_GROUP"], "the socket's")
	for _, name := range []string{".env", "infra/compose/secrets"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Zero(t, info.Mode()&0o077, name)
	}
	_, again := secrets()
	require.Equal(t, set, again)

	require.NoError(t, os.Remove(filepath.Join(dir, "infra/compose/secrets/north-bank.key")))
	said, _ = secrets()
	key, err := os.ReadFile(filepath.Join(dir, "infra/compose/secrets/north-bank.key"))
	require.NoError(t, err)
	require.Contains(t, said, "gateway-keys.json does not know north-bank.key: its sha256 there has to be "+sha256hex.Of(key))
}

// Under Compose a command's container is removed when it ends: the keys of operators, which are taken for ever, are on a volume of their own, which no other service has.
func TestTheKeysOfOperatorsAreKept(t *testing.T) {
	t.Parallel()
	project, _ := loaded(t)
	for _, service := range project.Services {
		at := slices.IndexFunc(service.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Source == "operators" })
		require.Equal(t, service.Name == "cli", at >= 0, "%s has no private key of a person", service.Name)
		if at >= 0 {
			require.Equal(t, "/var/lib/loanops/.config/loanops", service.Volumes[at].Target)
		}
	}
}
