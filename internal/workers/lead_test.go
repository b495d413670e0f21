package workers

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	deploymentpb "go.temporal.io/api/deployment/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/loanops/loanops/internal/fault"
)

// cluster is a Temporal that knows where runs begin and who polls.
type cluster struct {
	workflowservice.WorkflowServiceClient // the rest is not called
	client.WorkerDeploymentHandle         // the rest is not called

	mu      sync.Mutex
	known   bool
	current string
	changes int
	polls   map[string]bool // the builds for which somebody polls
	// steps are the same, of each queue of steps.
	steps  map[string]map[string]bool
	refuse error
	// ahead is by how much this machine's clock is ahead of Temporal's.
	ahead time.Duration
	// summaries are what is known of the builds.
	summaries []*deploymentpb.WorkerDeploymentInfo_WorkerDeploymentVersionSummary
	// overtake makes somebody else's build current between a question and the change that follows it.
	overtake string
}

// temporal is the client of a cluster.
type temporal struct {
	client.Client // the rest is not called
	is            *cluster
}

// deployments are those of a cluster: there is one.
type deployments struct {
	client.WorkerDeploymentClient // the rest is not called
	is                            *cluster
}

func (t temporal) WorkflowService() workflowservice.WorkflowServiceClient { return t.is }
func (t temporal) WorkerDeploymentClient() client.WorkerDeploymentClient {
	return deployments{is: t.is}
}
func (d deployments) GetHandle(string) client.WorkerDeploymentHandle { return d.is }

func of(c *cluster) Cluster {
	return Cluster{Client: temporal{is: c}, Namespace: "default", Queue: "loanops"}
}

func (c *cluster) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

func (c *cluster) now() (build string) {
	c.set(func() { build = c.current })
	return build
}

func (c *cluster) token() []byte { return []byte{byte(c.changes)} }

func (c *cluster) DescribeTaskQueue(_ context.Context, r *workflowservice.DescribeTaskQueueRequest, _ ...grpc.CallOption) (*workflowservice.DescribeTaskQueueResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	answer := &workflowservice.DescribeTaskQueueResponse{}
	polled := c.polls
	if r.GetTaskQueueType() == enumspb.TASK_QUEUE_TYPE_ACTIVITY {
		polled = c.steps[r.GetTaskQueue().GetName()]
	}
	for build, polls := range polled {
		at := time.Now().Add(-c.ahead)
		if !polls { // it did, before it was killed
			at = at.Add(-2 * time.Minute)
		}
		for range 2 { // two pollers of one process
			answer.Pollers = append(answer.Pollers, &taskqueuepb.PollerInfo{
				Identity: "worker of " + build, LastAccessTime: timestamppb.New(at), DeploymentOptions: &deploymentpb.WorkerDeploymentOptions{BuildId: build},
			})
		}
	}
	return answer, nil
}

func (c *cluster) DescribeWorkerDeployment(context.Context, *workflowservice.DescribeWorkerDeploymentRequest, ...grpc.CallOption) (*workflowservice.DescribeWorkerDeploymentResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known {
		return nil, serviceerror.NewNotFound("no worker has polled")
	}
	answer := &workflowservice.DescribeWorkerDeploymentResponse{ConflictToken: c.token(), WorkerDeploymentInfo: &deploymentpb.WorkerDeploymentInfo{RoutingConfig: &deploymentpb.RoutingConfig{}}}
	answer.WorkerDeploymentInfo.VersionSummaries = c.summaries
	if c.current != "" {
		answer.WorkerDeploymentInfo.RoutingConfig.CurrentDeploymentVersion = &deploymentpb.WorkerDeploymentVersion{BuildId: c.current}
	}
	if c.overtake != "" {
		c.current, c.overtake = c.overtake, ""
		c.changes++
	}
	return answer, nil
}

func (c *cluster) SetCurrentVersion(_ context.Context, o client.WorkerDeploymentSetCurrentVersionOptions) (client.WorkerDeploymentSetCurrentVersionResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case string(o.ConflictToken) != string(c.token()):
		return client.WorkerDeploymentSetCurrentVersionResponse{}, serviceerror.NewFailedPrecondition("conflict token mismatch")
	case c.refuse != nil:
		return client.WorkerDeploymentSetCurrentVersionResponse{}, c.refuse
	}
	c.current = o.BuildID
	c.changes++
	return client.WorkerDeploymentSetCurrentVersionResponse{}, nil
}

// leading runs a worker's Lead until the test ends, in a bubble with a clock of its own.
func leading(t *testing.T, c *cluster, build string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	go of(c).Lead(ctx, build, slog.New(slog.DiscardHandler))
}

func TestTheFirstWorkerMakesItsBuildCurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{polls: map[string]bool{"one": true}}
		leading(t, c, "one")
		time.Sleep(time.Minute)
		require.Empty(t, c.now(), "no worker has asked for work yet")
		c.set(func() { c.known = true })
		time.Sleep(time.Second)
		require.Equal(t, "one", c.now())
		c.set(func() { c.polls["one"] = false }) // as it is seen for a moment after an interruption
		time.Sleep(time.Hour)
		require.Equal(t, 1, c.changes, "it takes over from nobody")
	})
}

// Two workers of different builds find no current one at the same moment.
func TestOneOfTwoFirstWorkersIsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{known: true, overtake: "two", polls: map[string]bool{"one": true, "two": true}}
		leading(t, c, "one")
		time.Sleep(time.Hour)
		require.Equal(t, "two", c.now(), "and whoever comes second leaves it")
		require.Equal(t, 1, c.changes)
	})
}

// A current build whose workers are gone would let every run wait, a rollback among them; one whose workers are interrupted for a minute is left.
func TestADesertedBuildIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{known: true, current: "old", polls: map[string]bool{"old": true, "new": true}}
		leading(t, c, "new")
		time.Sleep(time.Hour)
		require.Equal(t, "old", c.now(), "somebody polls for it")
		c.set(func() { c.polls["old"] = false })
		time.Sleep(2*lookup - time.Second) // two looks
		c.set(func() { c.polls["old"] = true })
		time.Sleep(time.Hour)
		require.Equal(t, "old", c.now(), "it came back")
		c.set(func() { c.polls["old"] = false })
		time.Sleep(2 * time.Minute)
		require.Equal(t, "new", c.now())
	})
}

// Temporal says by its own clock when somebody last asked; what this machine's clock says meanwhile does not matter.
func TestAWorkerWhoseClockIsWrongTakesOverFromNobody(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"ahead": 80 * time.Second, "far ahead": 24 * time.Hour, "behind": -24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &cluster{known: true, current: "old", ahead: ahead, polls: map[string]bool{"old": true, "new": true}}
				leading(t, c, "new")
				time.Sleep(time.Hour)
				require.Equal(t, "old", c.now())
				c.set(func() { c.polls["old"] = false })
				time.Sleep(2 * time.Minute)
				require.Equal(t, "new", c.now(), "and from one whose workers are gone as others do")
			})
		})
	}
}

func TestWhyABuildIsNotMadeCurrent(t *testing.T) {
	for code, refuse := range map[fault.Code]error{
		fault.NotFound:    serviceerror.NewNotFound("no such version"),
		fault.Refused:     serviceerror.NewFailedPrecondition("missing task queues"),
		fault.Unavailable: errors.New("the connection is gone"),
	} {
		c := &cluster{known: true, refuse: refuse}
		routing, err := of(c).Routing(t.Context())
		require.NoError(t, err)
		require.Equal(t, code, fault.CodeOf(of(c).MakeCurrent(t.Context(), "one", routing)))
	}
	c := &cluster{known: true, overtake: "two"}
	routing, err := of(c).Routing(t.Context())
	require.NoError(t, err)
	require.Equal(t, fault.Conflict, fault.CodeOf(of(c).MakeCurrent(t.Context(), "one", routing)))
	require.Equal(t, "two", c.now())
}

// The reply to the change was lost, and it is asked for again under the token of before.
func TestABuildThatIsCurrentAlreadyIsNoConflict(t *testing.T) {
	c := &cluster{known: true, overtake: "one"}
	routing, err := of(c).Routing(t.Context())
	require.NoError(t, err)
	require.NoError(t, of(c).MakeCurrent(t.Context(), "one", routing))
	require.Equal(t, 1, c.changes)
}

func TestProcessesArePolledForOnceEach(t *testing.T) {
	for _, ahead := range []time.Duration{0, 80 * time.Second, -time.Hour} {
		polling, err := of(&cluster{ahead: ahead, polls: map[string]bool{"old": false, "new": true}}).polling(t.Context())
		require.NoError(t, err)
		require.Equal(t, map[string]int{"new": 1}, polling)
	}
	none, err := of(&cluster{}).polling(t.Context())
	require.NoError(t, err)
	require.Empty(t, none)
}

// Who has gone is known by those who still ask, of whatever queue.
func TestWhoTakesSteps(t *testing.T) {
	for _, ahead := range []time.Duration{0, 80 * time.Second, -time.Hour} {
		c := &cluster{ahead: ahead, polls: map[string]bool{"new": true}, steps: map[string]map[string]bool{
			"loanops-data": {"old": true, "new": true}, "loanops-train": {"old": false, "new": true}, "loanops-deliver": {"old": false},
		}}
		taking, err := of(c).Taking(t.Context(), []string{"loanops-data", "loanops-train", "loanops-deliver", "loanops-integrate"})
		require.NoError(t, err)
		require.Equal(t, map[string]map[string]int{"loanops-data": {"old": 1, "new": 1}, "loanops-train": {"new": 1}, "loanops-deliver": {}, "loanops-integrate": {}}, taking)
		c.set(func() { c.polls = nil })
		taking, err = of(c).Taking(t.Context(), []string{"loanops-data", "loanops-train"})
		require.NoError(t, err)
		require.Equal(t, map[string]int{"new": 1}, taking["loanops-train"])
		c.set(func() { c.steps["loanops-train"] = map[string]bool{"old": false} })
		taking, err = of(c).Taking(t.Context(), []string{"loanops-train", "loanops-data"})
		require.NoError(t, err)
		require.Empty(t, taking["loanops-train"], "nobody asks for runs, and one for data")
	}
}
