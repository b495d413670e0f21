package settings_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/internal/webhook"
)

var full = settings.Settings{
	Database: "sqlite:///x", FeaturesDatabase: "sqlite:///f", Bucket: "b", WorkDir: "/w", BinDir: "/b", Terraform: "/t", Agent: "http://a", AgentTokenFile: "/at",
	RollbackTokenFile: "/rt", GatewayTokenFile: "/gt", Gateway: "http://g", SyntheticKeyFile: "/k", Registry: "http://r", RegistryUsername: "u", RegistryPasswordFile: "/p", PredictorImage: "i", DataDirs: "/d", CICommands: "allow",
	CIUsers: "5000", CIDir: "/c", CINetwork: "allow", CIEnvironment: "GOPROXY",
	Build: "release-7", HealthAddress: ":1", WebUI: "http://ui", Features: "http://f", FeaturesKeyFile: "/fk",
}

func everyRole() []string {
	return append(settings.WorkerRoles(), settings.Agent, settings.Operator)
}

// without takes the LOANOPS_* variables, and those named, out of this process's environment until the test ends.
func without(t *testing.T, names ...string) {
	t.Helper()
	for _, line := range full.Environ(everyRole()...) {
		name, _, _ := strings.Cut(line, "=")
		names = append(names, name)
	}
	for _, name := range names {
		t.Setenv(name, "") // restored after the test
		require.NoError(t, os.Unsetenv(name))
	}
}

// with sets exactly these.
func with(t *testing.T, environ ...string) {
	t.Helper()
	without(t)
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		t.Setenv(name, value)
	}
}

const (
	base     = "LOANOPS_BUCKET=b LOANOPS_WORK_DIR=/w"
	registry = "LOANOPS_REGISTRY=http://r LOANOPS_REGISTRY_USERNAME=u LOANOPS_REGISTRY_PASSWORD_FILE=/p"
)

func TestEveryRoleGetsWhatItNeedsAndNoMore(t *testing.T) {
	for role, want := range map[string]string{
		settings.Data:  "LOANOPS_DATABASE=sqlite:///x LOANOPS_FEATURES_DATABASE=sqlite:///f " + base + " LOANOPS_DATA_DIRS=/d LOANOPS_BUILD_ID=release-7 LOANOPS_HEALTH_ADDRESS=:1",
		settings.Train: "LOANOPS_DATABASE=sqlite:///x " + base + " LOANOPS_BUILD_ID=release-7 LOANOPS_HEALTH_ADDRESS=:1",
		settings.Deliver: "LOANOPS_DATABASE=sqlite:///x " + base + " LOANOPS_BIN_DIR=/b LOANOPS_TERRAFORM=/t LOANOPS_AGENT=http://a " +
			"LOANOPS_AGENT_TOKEN_FILE=/at LOANOPS_ROLLBACK_TOKEN_FILE=/rt LOANOPS_GATEWAY=http://g " +
			registry + " LOANOPS_PREDICTOR_IMAGE=i LOANOPS_SYNTHETIC_KEY_FILE=/k LOANOPS_WEB_UI=http://ui LOANOPS_BUILD_ID=release-7 LOANOPS_HEALTH_ADDRESS=:1",
		settings.Integrate: "LOANOPS_DATABASE=sqlite:///x LOANOPS_FEATURES_DATABASE=sqlite:///f " + base + " LOANOPS_BIN_DIR=/b " + registry + " LOANOPS_PREDICTOR_IMAGE=i LOANOPS_DATA_DIRS=/d LOANOPS_CI_COMMANDS=allow " +
			"LOANOPS_CI_USERS=5000 LOANOPS_CI_DIR=/c LOANOPS_CI_NETWORK=allow LOANOPS_CI_ENVIRONMENT=GOPROXY LOANOPS_WEB_UI=http://ui LOANOPS_BUILD_ID=release-7 LOANOPS_HEALTH_ADDRESS=:1",
		settings.Agent: "LOANOPS_FEATURES=http://f LOANOPS_FEATURES_KEY_FILE=/fk " + base + " LOANOPS_AGENT_TOKEN_FILE=/at LOANOPS_ROLLBACK_TOKEN_FILE=/rt LOANOPS_GATEWAY_TOKEN_FILE=/gt " + registry,
		settings.Operator: "LOANOPS_DATABASE=sqlite:///x LOANOPS_FEATURES_DATABASE=sqlite:///f " + base + " LOANOPS_AGENT=http://a LOANOPS_ROLLBACK_TOKEN_FILE=/rt " +
			"LOANOPS_GATEWAY=http://g",
		settings.Ledger: "LOANOPS_DATABASE=sqlite:///x",
	} {
		t.Run(role, func(t *testing.T) {
			environ := full.Environ(role)
			require.Equal(t, want, strings.Join(environ, " "))
			read := func() error {
				var err error
				switch role {
				case settings.Agent:
					_, err = settings.ForAgent()
				case settings.Operator:
					_, err = settings.FromState(t.TempDir())
				case settings.Ledger:
					_, err = settings.LedgerFromState(t.TempDir())
				default:
					_, err = settings.ForWorker(role)
				}
				return err
			}
			with(t, environ...)
			require.NoError(t, read(), "what it gets is enough")
			if role == settings.Ledger {
				return
			}
			t.Setenv("LOANOPS_BUCKET", "")
			t.Setenv("LOANOPS_WORK_DIR", "")
			err := read()
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
			require.ErrorContains(t, err, fmt.Sprintf("LOANOPS_BUCKET (for %s), LOANOPS_WORK_DIR (for %[1]s);", role))
		})
	}
}

func TestMissingVariablesAreNamedWithTheRolesThatNeedThem(t *testing.T) {
	with(t, "LOANOPS_BUCKET=b", "LOANOPS_WORK_DIR=/w", "LOANOPS_TERRAFORM=/t", "LOANOPS_AGENT=http://a")
	_, err := settings.ForWorker(settings.Train, settings.Deliver)
	require.EqualError(t, err, "these variables are not set: LOANOPS_DATABASE (for train, deliver), LOANOPS_AGENT_TOKEN_FILE (for deliver), "+
		"LOANOPS_ROLLBACK_TOKEN_FILE (for deliver), LOANOPS_GATEWAY (for deliver), LOANOPS_REGISTRY (for deliver), LOANOPS_SYNTHETIC_KEY_FILE (for deliver); "+
		"see docs/reference.md, or start the platform with `loanops up`")
	_, err = settings.ForWorker("cook")
	require.EqualError(t, err, `a worker has no role "cook"; its roles are data, train, deliver, integrate`)
	_, err = settings.FromState(t.TempDir())
	require.Equal(t, fault.NotFound, fault.CodeOf(err), "without a database nothing was meant")
}

func TestAStateGivesItsCommandsWhatThisProcessDoesNotSet(t *testing.T) {
	without(t, "TEMPORAL_ADDRESS", "AWS_SECRET_ACCESS_KEY")
	dir := t.TempDir()
	_, err := settings.FromState(dir)
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.ErrorContains(t, err, "loanops up --state")

	lines := append(full.Environ(everyRole()...), "TEMPORAL_ADDRESS=127.0.0.1:7", "AWS_SECRET_ACCESS_KEY=c2Vj=")
	require.NoError(t, os.WriteFile(filepath.Join(dir, settings.PlatformEnv), []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	t.Setenv("LOANOPS_GATEWAY", "http://mine")
	got, err := settings.FromState(dir)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:7", got.Environment["TEMPORAL_ADDRESS"])
	require.Equal(t, "c2Vj=", got.Environment["AWS_SECRET_ACCESS_KEY"])
	require.NotContains(t, os.Environ(), "AWS_SECRET_ACCESS_KEY=c2Vj=", "nothing that this process starts may inherit it")
	got.Environment = nil
	want := full
	want.Gateway = "http://mine"
	require.Equal(t, want, got)
}

func TestEnvironmentIsThatOfItsLines(t *testing.T) {
	e := settings.NewEnvironment("B=2", "", "A=x=y", "A=later", "no variable")
	require.Equal(t, []string{"A=x=y", "B=2"}, e.Environ())
	value, set := e.LookupEnv("A")
	require.True(t, set)
	require.Equal(t, "x=y", value)
	_, set = e.LookupEnv("C")
	require.False(t, set)
}

// A spec names a connection; where its database is, and as whom it is asked, is the worker's.
func TestConnection(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "url")
	require.NoError(t, os.WriteFile(file, []byte("postgres://reader:secret@db/lending\n"), 0o600))
	s := settings.Settings{Environment: settings.NewEnvironment("LOANOPS_CONNECTION_LENDING_FILE="+file, "LOANOPS_CONNECTION_GONE_FILE="+file+".none")}
	url, err := s.Connection("lending")
	require.NoError(t, err)
	require.Equal(t, "postgres://reader:secret@db/lending", url)
	for name, want := range map[string]string{"other": "LOANOPS_CONNECTION_OTHER_FILE", "gone": "LOANOPS_CONNECTION_GONE_FILE"} {
		_, err := s.Connection(name)
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret")
	}
}

// Who is told of alerts is the worker's, and what signs them is in files.
func TestAlertEndpoints(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"), 0o600))
	endpoints := func(lines ...string) ([]webhook.Endpoint, error) {
		return settings.Settings{Environment: settings.NewEnvironment(lines...)}.AlertEndpoints()
	}
	none, err := endpoints("LOANOPS_ALERT_OPS_URL=", "LOANOPS_ALERT_OPS_SECRET_FILE=", "LOANOPS_ALERT_LEVEL=loud")
	require.NoError(t, err)
	require.Empty(t, none)

	two, err := endpoints("LOANOPS_ALERT_RISK_TEAM_URL=http://risk/hook", "LOANOPS_ALERT_RISK_TEAM_SECRET_FILE="+file,
		"LOANOPS_ALERT_OPS_URL=https://ops", "LOANOPS_ALERT_OPS_SECRET_FILE="+file)
	require.NoError(t, err)
	require.Len(t, two, 2)
	for i, want := range [][2]string{{"ops", "https://ops"}, {"risk_team", "http://risk/hook"}} {
		require.Equal(t, want, [2]string{two[i].Name, two[i].URL})
		key, err := two[i].Key()
		require.NoError(t, err)
		require.Len(t, key, 24)
	}

	for _, test := range []struct{ url, secret, want string }{
		{"LOANOPS_ALERT_OPS_URL=ftp://x/T0KEN", "LOANOPS_ALERT_OPS_SECRET_FILE=" + file, "LOANOPS_ALERT_OPS_URL"},
		{"LOANOPS_ALERT_OPS_URL=https:///T0KEN", "LOANOPS_ALERT_OPS_SECRET_FILE=" + file, "LOANOPS_ALERT_OPS_URL"},
		{"LOANOPS_ALERT_OPS_URL=https://ada:T0KEN@x", "LOANOPS_ALERT_OPS_SECRET_FILE=" + file, "LOANOPS_ALERT_OPS_URL"},
		{"LOANOPS_ALERT_ops_URL=https://x/T0KEN", "LOANOPS_ALERT_ops_SECRET_FILE=" + file, "LOANOPS_ALERT_ops_URL"},
		{"LOANOPS_ALERT_OPS_URL=https://x/T0KEN", "", "LOANOPS_ALERT_OPS_SECRET_FILE"},
	} {
		_, err := endpoints(test.url, test.secret)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), test.url)
		require.ErrorContains(t, err, test.want)
		require.NotContains(t, err.Error(), "T0KEN", "a URL may be as good as a key")
	}

	// One whose secret is away is known all the same, and says so when it is asked for it.
	gone, err := endpoints("LOANOPS_ALERT_OPS_URL=https://x/T0KEN", "LOANOPS_ALERT_OPS_SECRET_FILE="+file+".none")
	require.NoError(t, err)
	_, err = gone[0].Key()
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "LOANOPS_ALERT_OPS_SECRET_FILE")
	require.NotContains(t, err.Error(), "T0KEN")
}
