package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/artifact/s3test"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/namespace"
	"github.com/loanops/loanops/internal/settings"
)

// A worker of one role opens that role's backends: the rest of its settings may be absent.
func TestWireOpensTheBackendsOfItsRolesOnly(t *testing.T) {
	s3test.Start(t)
	dir := t.TempDir()
	token := filepath.Join(dir, "rollback.token")
	require.NoError(t, os.WriteFile(token, []byte("secret\n"), 0o600))
	temporal, err := client.NewLazyClient(client.Options{}) // reaches nobody
	require.NoError(t, err)
	delivers := settings.Settings{
		RollbackTokenFile: token, Agent: "http://127.0.0.1:1", Gateway: "http://127.0.0.1:1", Registry: "http://127.0.0.1:1",
		PredictorImage: "loanops-api@sha256:" + strings.Repeat("0a", 32),
	}
	for role, test := range map[activities.Role]struct {
		settings                        settings.Settings
		data, train, deliver, integrate bool
	}{
		activities.Data:      {data: true},
		activities.Train:     {train: true},
		activities.Deliver:   {settings: delivers, deliver: true},
		activities.Integrate: {settings: delivers, integrate: true},
	} {
		t.Run(string(role), func(t *testing.T) {
			cfg := test.settings
			cfg.Bucket, cfg.WorkDir, cfg.Database = "loanops", filepath.Join(dir, string(role)), "sqlite://"+filepath.Join(dir, "loanops.db")
			stages, closeAll, err := wire(t.Context(), cfg, []activities.Role{role}, temporal, namespace.Namespace{Name: "default", ID: "7c1f"})
			require.NoError(t, err)
			defer closeAll()
			require.Equal(t, test.data, stages.Checking.Warehouse != nil)
			require.Equal(t, test.train, stages.Evaluation.Page != nil)
			require.Equal(t, test.deliver, stages.Environments.Agent != nil)
			require.Equal(t, test.integrate, stages.Publication.Register != nil)
			require.Equal(t, test.integrate, stages.Publication.KeepFresh != nil)
			require.NotNil(t, stages.Runs.Registry, "runs of every kind are recorded")
			if !test.data && !test.integrate {
				require.NoDirExists(t, filepath.Join(cfg.WorkDir, "warehouse"))
			}
		})
	}
	objects, err := artifact.Open(t.Context(), artifact.Config{Bucket: "loanops", CacheDir: t.TempDir()})
	require.NoError(t, err)
	noted, err := objects.Namespaces(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"7c1f"}, noted, "who prunes the bucket must ask this one")

	_, _, err = wire(t.Context(), settings.Settings{
		Bucket: "loanops", WorkDir: filepath.Join(dir, "none"), Database: "sqlite://" + filepath.Join(dir, "loanops.db"),
	}, []activities.Role{activities.Deliver}, temporal, namespace.Namespace{Name: "default", ID: "7c1f"})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "LOANOPS_ROLLBACK_TOKEN_FILE")

	delivers.Bucket, delivers.WorkDir, delivers.Database = "loanops", filepath.Join(dir, "none"), "sqlite://"+filepath.Join(dir, "loanops.db")
	for variable, spoil := range map[string]func(*settings.Settings){
		"LOANOPS_REGISTRY":        func(s *settings.Settings) { s.Registry = "127.0.0.1:5000" },
		"LOANOPS_PREDICTOR_IMAGE": func(s *settings.Settings) { s.PredictorImage = "loanops-api:latest" },
	} {
		cfg := delivers
		spoil(&cfg)
		_, _, err = wire(t.Context(), cfg, []activities.Role{activities.Deliver}, temporal, namespace.Namespace{Name: "default", ID: "7c1f"})
		require.Equal(t, fault.Invalid, fault.CodeOf(err), variable)
		require.ErrorContains(t, err, variable)
	}

	_, _, err = wire(t.Context(), settings.Settings{
		Bucket: "loanops", WorkDir: filepath.Join(dir, "none"), Database: "sqlite://" + filepath.Join(dir, "another.db"),
	}, []activities.Role{activities.Train}, temporal, namespace.Namespace{Name: "default", ID: "7c1f"})
	require.Equal(t, fault.Refused, fault.CodeOf(err), "a bucket belongs to the database that used it first")
}

// What is wrong with who is told of alerts is said when the worker starts; secrets are read each time.
func TestAlertEndpointsAreCheckedAtTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	cfg := settings.Settings{Environment: settings.NewEnvironment("LOANOPS_ALERT_OPS_URL=https://ops", "LOANOPS_ALERT_OPS_SECRET_FILE="+file)}
	_, err := alertEndpoints(cfg)
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.NoError(t, os.WriteFile(file, []byte("hunter2"), 0o600))
	_, err = alertEndpoints(cfg)
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, `"ops"`)
	require.NotContains(t, err.Error(), "hunter2")
	require.NoError(t, os.WriteFile(file, []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"), 0o600))
	endpoints, err := alertEndpoints(cfg)
	require.NoError(t, err)
	require.Equal(t, "https://ops", endpoints[0].URL)
	key, err := endpoints[0].Key()
	require.NoError(t, err)
	require.Len(t, key, 24)

	require.NoError(t, os.WriteFile(file, nil, 0o600)) // it is being changed: cut short, and not written yet
	_, err = endpoints[0].Key()
	require.ErrorContains(t, err, `"ops"`)
	require.NoError(t, os.WriteFile(file, []byte("whsec_"+base64.StdEncoding.EncodeToString(make([]byte, 32))), 0o600))
	key, err = endpoints[0].Key()
	require.NoError(t, err)
	require.Equal(t, make([]byte, 32), key)
}
