package workers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	deploymentpb "go.temporal.io/api/deployment/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"

	"github.com/loanops/loanops/internal/fault"
)

// Cluster is a Temporal namespace, asked about the versions of the workers' code.
type Cluster struct {
	Client    client.Client
	Namespace string
	// Queue is the one from which workers take runs.
	Queue string
}

// asked is for how long after its last question, by Temporal's clock, a process counts as polling: one waits for a minute at most for a task.
const asked = 75 * time.Second

// commitKey is where a version's metadata hold the commit.
const commitKey = "commit"

var statuses = map[enumspb.WorkerDeploymentVersionStatus]Status{
	enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_CURRENT:  Current,
	enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_RAMPING:  Ramping,
	enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINING: Draining,
	enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINED:  Drained,
}

// VersionOf is a build as Temporal's client names it.
func VersionOf(build string) worker.WorkerDeploymentVersion {
	return worker.WorkerDeploymentVersion{DeploymentName: Deployment, BuildID: build}
}

// Versions lists them, the newest first, without their commits; none before the first worker has asked for work.
func (c Cluster) Versions(ctx context.Context) ([]Version, error) {
	described, err := c.describe(ctx)
	if err != nil || described == nil {
		return nil, err
	}
	polling, err := c.polling(ctx)
	if err != nil {
		return nil, err
	}
	versions := []Version{}
	for _, summary := range described.GetWorkerDeploymentInfo().GetVersionSummaries() {
		v := versionOf(summary, described.GetWorkerDeploymentInfo().GetRoutingConfig().GetCurrentDeploymentVersion().GetBuildId())
		v.Pollers = polling[v.Build]
		if v.Runs, err = c.pinned(ctx, v.Build); err != nil {
			return nil, err
		}
		v.Stuck = v.Pollers == 0 && len(v.Runs) > 0
		versions = append(versions, v)
	}
	slices.SortStableFunc(versions, func(a, b Version) int { return b.Created.Compare(a.Created) })
	return versions, nil
}

// versionOf reads a summary. What routes runs is asked first: summaries follow it a moment later.
func versionOf(summary *deploymentpb.WorkerDeploymentInfo_WorkerDeploymentVersionSummary, current string) Version {
	v := Version{
		Build: summary.GetDeploymentVersion().GetBuildId(), Created: summary.GetCreateTime().AsTime(),
		Status: cmp.Or(statuses[summary.GetStatus()], Inactive),
	}
	switch {
	case v.Build == current:
		v.Status = Current
	case summary.GetFirstActivationTime() == nil && v.Status != Ramping: // its trial's end drains it for Temporal
		v.Status = Inactive
	case v.Status == Current: // not any more
		v.Status = Draining
	}
	since := summary.GetRoutingUpdateTime()
	if v.Status == Draining || v.Status == Drained {
		since = summary.GetDrainageInfo().GetLastChangedTime()
	}
	if since != nil {
		v.Since = since.AsTime()
	}
	return v
}

// describe asks for the deployment; nil where there is none yet.
func (c Cluster) describe(ctx context.Context) (*workflowservice.DescribeWorkerDeploymentResponse, error) {
	described, err := patiently(ctx, func() (*workflowservice.DescribeWorkerDeploymentResponse, error) {
		return c.Client.WorkflowService().DescribeWorkerDeployment(ctx, &workflowservice.DescribeWorkerDeploymentRequest{
			Namespace: c.Namespace, DeploymentName: Deployment,
		})
	})
	var none *serviceerror.NotFound
	if errors.As(err, &none) {
		return nil, nil
	}
	return described, fault.Wrap(fault.Unavailable, err, "asking Temporal for the workers' versions")
}

// polling counts the processes that ask for runs, by their build.
func (c Cluster) polling(ctx context.Context) (map[string]int, error) {
	pollers, err := c.pollers(ctx, c.Queue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return nil, err
	}
	return counted(pollers, newest(pollers)), nil
}

// Taking counts, of each of the queues of steps, the processes that ask for its work, by their build.
func (c Cluster) Taking(ctx context.Context, queues []string) (map[string]map[string]int, error) {
	runs, err := c.pollers(ctx, c.Queue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return nil, err
	}
	now, of := newest(runs), map[string][]*taskqueuepb.PollerInfo{}
	for _, queue := range queues {
		if of[queue], err = c.pollers(ctx, queue, enumspb.TASK_QUEUE_TYPE_ACTIVITY); err != nil {
			return nil, err
		}
		if last := newest(of[queue]); last.After(now) {
			now = last
		}
	}
	taking := map[string]map[string]int{}
	for queue, pollers := range of {
		taking[queue] = counted(pollers, now)
	}
	return taking, nil
}

// pollers are those who have asked a queue lately: Temporal forgets them five minutes after they did.
func (c Cluster) pollers(ctx context.Context, queue string, kind enumspb.TaskQueueType) ([]*taskqueuepb.PollerInfo, error) {
	described, err := c.Client.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
		Namespace: c.Namespace, TaskQueue: &taskqueuepb.TaskQueue{Name: queue}, TaskQueueType: kind,
	})
	return described.GetPollers(), fault.Wrap(fault.Unavailable, err, "asking Temporal who takes work from the queue %s", queue)
}

// newest is when one of them last asked, by Temporal's clock. While anybody works it is at most a minute before now on that clock, and this machine's clock, which
// may say anything, is not asked: a worker whose own is ahead would take all others for gone.
func newest(pollers []*taskqueuepb.PollerInfo) (at time.Time) {
	for _, poller := range pollers {
		if last := poller.GetLastAccessTime().AsTime(); last.After(at) {
			at = last
		}
	}
	return at
}

// counted are the processes, by build, that asked not much before now. Where all have gone, the last ones count until Temporal forgets them.
func counted(pollers []*taskqueuepb.PollerInfo, now time.Time) map[string]int {
	seen, counted := map[string]bool{}, map[string]int{}
	for _, poller := range pollers {
		build := poller.GetDeploymentOptions().GetBuildId()
		key := build + " " + poller.GetIdentity()
		if !seen[key] && now.Sub(poller.GetLastAccessTime().AsTime()) < asked {
			seen[key] = true
			counted[build]++
		}
	}
	return counted
}

// pinned lists the open runs that end on the build.
func (c Cluster) pinned(ctx context.Context, build string) ([]Run, error) {
	runs := []Run{}
	query := fmt.Sprintf("ExecutionStatus = 'Running' AND TemporalWorkerDeploymentVersion = '%s:%s' AND TemporalWorkflowVersioningBehavior = 'Pinned'", Deployment, build)
	for page := []byte(nil); ; {
		listed, err := c.Client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query, NextPageToken: page})
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "listing the runs of build %s", build)
		}
		for _, execution := range listed.GetExecutions() {
			runs = append(runs, Run{Workflow: execution.GetExecution().GetWorkflowId(), ID: execution.GetExecution().GetRunId(), Type: execution.GetType().GetName()})
		}
		if page = listed.GetNextPageToken(); len(page) == 0 {
			return runs, nil
		}
	}
}

func (c Cluster) handle() client.WorkerDeploymentHandle {
	return c.Client.WorkerDeploymentClient().GetHandle(Deployment)
}

// described is a version with all that its workers told; the zero value where there is none of that build yet.
func (c Cluster) described(ctx context.Context, build string) (client.WorkerDeploymentVersionInfo, error) {
	version, err := patiently(ctx, func() (client.WorkerDeploymentVersionDescription, error) {
		return c.handle().DescribeVersion(ctx, client.WorkerDeploymentDescribeVersionOptions{BuildID: build})
	})
	var none *serviceerror.NotFound
	if errors.As(err, &none) {
		return client.WorkerDeploymentVersionInfo{}, nil
	}
	return version.Info, fault.Wrap(fault.Unavailable, err, "asking Temporal for build %s of the workers", build)
}

// Commit is the one that a build's workers told, empty for none.
func (c Cluster) Commit(ctx context.Context, build string) (string, error) {
	version, err := c.described(ctx, build)
	if err != nil || version.Metadata[commitKey] == nil {
		return "", err
	}
	var commit string
	return commit, converter.GetDefaultDataConverter().FromPayload(version.Metadata[commitKey], &commit)
}

// TellCommit notes the commit that a build was made from.
func (c Cluster) TellCommit(ctx context.Context, build, commit string) error {
	_, err := c.handle().UpdateVersionMetadata(ctx, client.WorkerDeploymentUpdateVersionMetadataOptions{
		Version: VersionOf(build), MetadataUpdate: client.WorkerDeploymentMetadataUpdate{UpsertEntries: map[string]any{commitKey: commit}},
	})
	return fault.Wrap(fault.Unavailable, err, "telling Temporal the commit of build %s", build)
}

// Missing names the queues from which the workers of the current version take work and those of the build do not.
func (c Cluster) Missing(ctx context.Context, build, current string) ([]string, error) {
	if current == "" {
		return nil, nil
	}
	wanted, err := c.described(ctx, current)
	if err != nil {
		return nil, err
	}
	has, err := c.described(ctx, build)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, queue := range wanted.TaskQueuesInfos {
		if !slices.Contains(has.TaskQueuesInfos, queue) {
			missing = append(missing, queue.Name)
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing), nil
}

// Routing says on which build runs begin now.
type Routing struct {
	// Current is empty where no build was made current yet.
	Current string
	// Known says that some worker has asked for work.
	Known bool
	token []byte
}

// Routing asks on which build runs begin.
func (c Cluster) Routing(ctx context.Context) (Routing, error) {
	described, err := c.describe(ctx)
	if err != nil || described == nil {
		return Routing{}, err
	}
	return Routing{
		Current: described.GetWorkerDeploymentInfo().GetRoutingConfig().GetCurrentDeploymentVersion().GetBuildId(), Known: true, token: described.GetConflictToken(),
	}, nil
}

// MakeCurrent lets runs begin on the build from now on, unless somebody changed where they begin after the routing was asked for, which is
// fault.Conflict. A build that is not there yet, or takes no work from a queue that holds some, is fault.NotFound or fault.Refused.
func (c Cluster) MakeCurrent(ctx context.Context, build string, after Routing) error {
	_, err := patiently(ctx, func() (client.WorkerDeploymentSetCurrentVersionResponse, error) {
		return c.handle().SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{BuildID: build, ConflictToken: after.token})
	})
	var none *serviceerror.NotFound
	var failed *serviceerror.FailedPrecondition
	switch {
	case err == nil:
		return nil
	case errors.As(err, &none):
		return fault.Wrap(fault.NotFound, err, "there is no worker of build %s", build)
	case errors.As(err, &failed) && strings.Contains(err.Error(), "conflict token"):
		if now, asked := c.Routing(ctx); asked == nil && now.Current == build { // by this call, whose reply was lost, or by somebody who meant the same
			return nil
		}
		return fault.Wrap(fault.Conflict, err, "somebody else has just said on which build runs begin")
	case errors.As(err, &failed):
		return fault.Wrap(fault.Refused, err, "build %s cannot be made current", build)
	}
	return fault.Wrap(fault.Unavailable, err, "making build %s current", build)
}
