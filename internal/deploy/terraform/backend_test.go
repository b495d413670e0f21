package terraform_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
)

func TestAnotherWorkerFindsTheState(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two := b.Spec(1, deploytest.Behaviour{}), b.Spec(2, deploytest.Behaviour{})
	want := desired(&one, &two, 90, 10)
	b.apply(want)
	config := b.elsewhere(terraform.Step{})
	other := terraform.NewWorkspace(config)
	plan, err := other.Plan(t.Context(), want)
	require.NoError(t, err)
	require.Empty(t, plan.Changes)
	require.NoFileExists(t, filepath.Join(config.Dir, "terraform.tfstate"))
	require.NoFileExists(t, filepath.Join(config.Dir, "delivery.auto.tfvars.json"), "something was delivered: a plan for nothing would take it away")

	require.NoError(t, other.Apply(t.Context(), under(2, desired(&one, nil, 100))))
	require.NotContains(t, b.Actual().Tracks, "green", "it is taken away by one who did not make it")
}

func TestPersonsPlanWorksBeforeAnythingWasDelivered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.workspace.Prepare(t.Context()))
	require.Equal(t, 0, b.personsPlan())
	one := b.Spec(1, deploytest.Behaviour{})
	_, err := b.workspace.Plan(t.Context(), desired(&one, nil, 100))
	require.NoError(t, err)
	require.Equal(t, 0, b.personsPlan(), "what is only planned is not delivered")
}

// Whoever works for AWS all day has these set.
func TestPersonsOwnAWSVariablesStayOut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one := b.Spec(1, deploytest.Behaviour{})
	b.apply(desired(&one, nil, 100))
	require.Equal(t, 0, b.personsPlan("AWS_ACCESS_KEY_ID=mine", "AWS_SECRET_ACCESS_KEY=mine", "AWS_SESSION_TOKEN=mine", "AWS_REGION=eu-central-1",
		"AWS_ENDPOINT_URL_S3=http://127.0.0.1:1"))
}

func TestSecretOfTheStoreIsInOnePrivateFile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one := b.Spec(1, deploytest.Behaviour{})
	b.apply(desired(&one, nil, 100))
	var with []string
	require.NoError(t, filepath.WalkDir(b.config.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		if strings.Contains(string(data), store.SecretAccessKey) {
			with = append(with, filepath.Base(path))
			info, err := entry.Info()
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		}
		return nil
	}))
	require.Equal(t, []string{"s3.credentials"}, with)
}

// A platform that starts again may have its store elsewhere, and other keys.
func TestPrepareFollowsTheStore(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one := b.Spec(1, deploytest.Behaviour{})
	b.apply(desired(&one, nil, 100))
	good := b.config.Backend.S3
	for name, bad := range map[string]artifact.S3{
		"keys":     {Endpoint: good.Endpoint, Region: good.Region, AccessKeyID: "test", SecretAccessKey: "wrong"},
		"endpoint": {Endpoint: "http://127.0.0.1:1", Region: good.Region, AccessKeyID: "test", SecretAccessKey: "wrong"},
	} {
		b.config.Backend.S3 = bad
		err := terraform.NewWorkspace(b.config).Apply(t.Context(), desired(&one, nil, 100))
		require.Error(t, err, name)
		require.False(t, fault.Permanent(fault.CodeOf(err)), "%s: %v", name, err)
		require.NotContains(t, err.Error(), "wrong")
		b.config.Backend.S3 = good
		require.NoError(t, terraform.NewWorkspace(b.config).Prepare(t.Context()))
		require.Equal(t, 0, b.personsPlan(), name)
	}
	b.config.Backend.S3.Endpoint = strings.Replace(good.Endpoint, "127.0.0.1", "localhost", 1)
	require.NoError(t, terraform.NewWorkspace(b.config).Prepare(t.Context()))
	require.Equal(t, 0, b.personsPlan(), "the store has another address")
}
