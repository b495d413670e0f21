package workers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	deploymentpb "go.temporal.io/api/deployment/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/loanops/loanops/internal/fault"
)

func TestABuildIsTheBeginningOfAProgramsDigest(t *testing.T) {
	program := filepath.Join(t.TempDir(), "worker")
	require.NoError(t, os.WriteFile(program, []byte("abc"), 0o600))
	build, err := BuildOf(program)
	require.NoError(t, err)
	require.Equal(t, "ba7816bf8f01cfea", build) // of the example in FIPS 180-2
	require.NoError(t, CheckBuild(build))
	_, err = BuildOf(program + ".gone")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}

func TestBuildsAreNames(t *testing.T) {
	for text, good := range map[string]bool{
		"0a1b": true, "v1.2.3-rc_1": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, ".hidden": false, "../up": false, "a/b": false, "a b": false, "a'b": false, "sha256:ab": false, "a\nb": false,
	} {
		err := CheckBuild(text)
		require.Equal(t, good, err == nil, "%q", text)
		if !good {
			require.Equal(t, fault.Invalid, fault.CodeOf(err), "%q", text)
		}
	}
}

// The statuses are Temporal's, but for what it says of a build that only was on trial, and for a moment after another build was made current.
func TestStatuses(t *testing.T) {
	at := func(minute int) *timestamppb.Timestamp {
		return timestamppb.New(time.Date(2026, 7, 1, 12, minute, 0, 0, time.UTC))
	}
	type summary = deploymentpb.WorkerDeploymentInfo_WorkerDeploymentVersionSummary
	drained := &deploymentpb.VersionDrainageInfo{LastChangedTime: at(9)}
	for name, test := range map[string]struct {
		of     *summary
		status Status
		since  *timestamppb.Timestamp
	}{
		"new":         {&summary{Status: enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_INACTIVE}, Inactive, nil},
		"made ready":  {&summary{Status: enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_CREATED}, Inactive, nil},
		"after trial": {&summary{Status: enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINED, DrainageInfo: drained}, Inactive, nil},
		"draining": {
			&summary{Status: enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINING, FirstActivationTime: at(1), RoutingUpdateTime: at(5), DrainageInfo: drained}, Draining, at(9),
		},
		"drained": {
			&summary{Status: enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINED, FirstActivationTime: at(1), RoutingUpdateTime: at(5), DrainageInfo: drained}, Drained, at(9),
		},
		"ramping":       {&summary{Status: enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_RAMPING, RoutingUpdateTime: at(5)}, Ramping, at(5)},
		"just replaced": {&summary{Status: enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_CURRENT, FirstActivationTime: at(1)}, Draining, nil},
	} {
		t.Run(name, func(t *testing.T) {
			test.of.DeploymentVersion = &deploymentpb.WorkerDeploymentVersion{BuildId: "old"}
			v := versionOf(test.of, "new")
			require.Equal(t, test.status, v.Status)
			require.Equal(t, test.since == nil, v.Since.IsZero())
			if test.since != nil {
				require.Equal(t, test.since.AsTime(), v.Since)
			}
		})
	}
	just := &summary{DeploymentVersion: &deploymentpb.WorkerDeploymentVersion{BuildId: "new"}, Status: enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_INACTIVE}
	require.Equal(t, Current, versionOf(just, "new").Status, "what routes runs knows it first")
}
