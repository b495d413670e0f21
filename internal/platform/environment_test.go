package platform

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/settings"
)

// asService makes this test program play a service: it writes out its environment and stays.
const asService = "write-environment"

func TestMain(m *testing.M) {
	if len(os.Args) != 3 || os.Args[1] != asService {
		os.Exit(m.Run())
	}
	if err := file.Write(os.Args[2], []byte(strings.Join(os.Environ(), "\n")), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
}

// planned is a platform of which nothing runs yet; its programs are this test program.
func planned(t *testing.T) *Platform {
	t.Helper()
	p := newPlatform(t)
	p.cfg = Config{BinDir: t.TempDir(), Say: func(string, ...any) {}}
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(p.cfg.BinDir, "program")))
	require.NoError(t, os.Mkdir(p.path("logs"), 0o700))
	p.Settings = settings.Settings{
		Database: "sqlite:///db", FeaturesDatabase: "sqlite:///features", Bucket: "loanops", WorkDir: "/work", BinDir: "/bin", Terraform: "/terraform", Agent: "http://agent",
		AgentTokenFile: p.path("secrets", "agent.token"), RollbackTokenFile: p.path("secrets", "rollback.token"),
		Gateway: "http://gateway", SyntheticKeyFile: "/key", Registry: "http://registry", PredictorImage: "image",
	}
	p.endpoints = Endpoints{Temporal: "127.0.0.1:7", Namespace: "default", S3: "http://s3"}
	require.NoError(t, p.writeEnvironment())
	return p
}

// Each service is started for real and writes out what it finds in its environment.
func TestEveryServiceGetsWhatItNeedsByNameAndNothingElse(t *testing.T) {
	system := []string{"PATH", "HOME", "TMPDIR"}
	s3 := []string{"AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
	tokens := []string{"LOANOPS_AGENT_TOKEN_FILE", "LOANOPS_ROLLBACK_TOKEN_FILE"}
	places := []string{"LOANOPS_BUCKET", "LOANOPS_WORK_DIR", "LOANOPS_REGISTRY"}
	t.Setenv("TMPDIR", t.TempDir())
	// What the person at the keyboard has set must reach no service, whatever its name.
	for _, name := range []string{"LOANOPS_DATABASE", "AWS_SESSION_TOKEN", "TEMPORAL_API_KEY", "VAULT_TOKEN"} {
		t.Setenv(name, "of-the-person-at-the-keyboard")
	}
	// But what it reads and whom it tells goes to the worker.
	t.Setenv("LOANOPS_CONNECTION_LENDING_FILE", "/url")
	t.Setenv("LOANOPS_ALERT_OPS_URL", "https://ops")
	t.Setenv("LOANOPS_ALERT_OPS_SECRET_FILE", "/secret")
	// So does what it allows the commands of repositories, and what it gives them.
	t.Setenv("LOANOPS_CI_COMMANDS", "allow")
	t.Setenv("LOANOPS_CI_ENVIRONMENT", "GOPROXY")
	t.Setenv("GOPROXY", "off")
	// The repositories go to the worker and to the receiver, with the tokens that clone and look; the secrets of their webhooks to the receiver alone.
	t.Setenv("LOANOPS_REPOSITORY_LOANS_URL", "https://git/team/loans.git")
	t.Setenv("LOANOPS_REPOSITORY_LOANS_TOKEN_FILE", "/token")
	t.Setenv("LOANOPS_REPOSITORY_LOANS_SECRET_FILE", "/secret")
	repositories := []string{"LOANOPS_REPOSITORY_LOANS_URL", "LOANOPS_REPOSITORY_LOANS_TOKEN_FILE"}
	for service, want := range map[string][]string{
		"devserver": slices.Concat(system, []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}),
		"agent":     slices.Concat(system, s3, places, tokens),
		"features":  {"LOANOPS_FEATURES_DATABASE"},
		"hooks":     slices.Concat(system, repositories, []string{"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "LOANOPS_REPOSITORY_LOANS_SECRET_FILE"}),
		"worker": slices.Concat(system, s3, places, tokens, repositories, []string{
			"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "LOANOPS_DATABASE", "LOANOPS_FEATURES_DATABASE", "LOANOPS_TERRAFORM", "LOANOPS_AGENT", "LOANOPS_GATEWAY", "LOANOPS_SYNTHETIC_KEY_FILE",
			"LOANOPS_BIN_DIR", "LOANOPS_PREDICTOR_IMAGE", "LOANOPS_CONNECTION_LENDING_FILE", "LOANOPS_ALERT_OPS_URL", "LOANOPS_ALERT_OPS_SECRET_FILE",
			"LOANOPS_CI_COMMANDS", "LOANOPS_CI_ENVIRONMENT", "GOPROXY",
		}),
		"gateway": {},
	} {
		t.Run(service, func(t *testing.T) {
			p := planned(t)
			environ := started(t, p, service)
			var names []string
			for name, value := range environ {
				names = append(names, name)
				require.NotEqual(t, "of-the-person-at-the-keyboard", value, name)
			}
			require.ElementsMatch(t, want, names)
			if secret, told := environ["AWS_SECRET_ACCESS_KEY"]; told {
				require.Equal(t, p.Settings.Environment["AWS_SECRET_ACCESS_KEY"], secret)
			}
		})
	}
}

// started starts the service and returns its environment.
func started(t *testing.T, p *Platform, name string) settings.Environment {
	t.Helper()
	out := filepath.Join(t.TempDir(), "environment")
	s, err := p.run(name, "program", asService, out)
	require.NoError(t, err)
	defer s.stop()
	require.Eventually(t, func() bool { _, err := os.Stat(out); return err == nil }, 30*time.Second, 5*time.Millisecond)
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	return settings.NewEnvironment(strings.Split(string(data), "\n")...)
}

func TestASecretIsWrittenForItsOwnerOnlyAndNotIntoThisProcess(t *testing.T) {
	p := planned(t)
	s3Secret := p.Settings.Environment["AWS_SECRET_ACCESS_KEY"]
	require.NotEmpty(t, s3Secret)
	require.NotContains(t, strings.Join(os.Environ(), "\n"), s3Secret)
	info, err := os.Stat(p.path(settings.PlatformEnv))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	// A command of another shell reads back what was written.
	s, err := settings.FromState(p.dir)
	require.NoError(t, err)
	require.Equal(t, s3Secret, s.Environment["AWS_SECRET_ACCESS_KEY"])
	require.Equal(t, p.Settings.Database, s.Database)
}
