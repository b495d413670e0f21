package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	deploymentpb "go.temporal.io/api/deployment/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/workers"
	"github.com/loanops/loanops/workflows"
)

// rollouts is a Temporal with an old build, which is current, and a new one.
type rollouts struct {
	workflowservice.WorkflowServiceClient // the rest is not called
	client.WorkerDeploymentHandle         // the rest is not called
	current                               string
	changes                               int
	status                                enumspb.WorkerDeploymentVersionStatus // of the build that is not current
	newQueues                             int                                   // how many of the two queues the new one takes work from
	during                                func()                                // what happens while the build is tried
	tried                                 workflows.TrialResult
	failed                                error
	deserted                              bool
	absent                                int // how often the new build is not known to the queue yet
	started                               []client.StartWorkflowOptions
	roles                                 []activities.Role            // those that the trial asked
	works                                 map[string][]activities.Role // of which roles a build has workers, where not of all
}

func newRollouts() *rollouts {
	return &rollouts{current: "old", status: enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_INACTIVE, newQueues: 2, during: func() {}, tried: workflows.TrialResult{Replayed: 7},
		works: map[string][]activities.Role{"old": activities.Roles, "new": activities.Roles}}
}

func (r *rollouts) cluster() workers.Cluster {
	c := &mocks.Client{}
	c.On("WorkflowService").Return(r)
	c.On("WorkerDeploymentClient").Return(deployments{is: r})
	c.On("ListWorkflow", mock.Anything, mock.Anything).Return(&workflowservice.ListWorkflowExecutionsResponse{}, nil)
	starts := c.On("ExecuteWorkflow", mock.Anything, mock.Anything, workflows.TrialName, mock.Anything)
	starts.RunFn = func(args mock.Arguments) {
		r.started = append(r.started, args.Get(1).(client.StartWorkflowOptions))
		r.roles = args.Get(3).(workflows.TrialInput).Roles
		if r.absent > 0 {
			r.absent--
			starts.ReturnArguments = mock.Arguments{nil, serviceerror.NewFailedPrecondition("not present in the task queue")}
			return
		}
		run := &mocks.WorkflowRun{}
		run.On("Get", mock.Anything, mock.Anything).Run(func(args mock.Arguments) {
			*args.Get(1).(*workflows.TrialResult) = r.tried
			r.during()
		}).Return(r.failed)
		starts.ReturnArguments = mock.Arguments{run, nil}
	}
	return workers.Cluster{Client: c, Namespace: "default", Queue: workflows.TaskQueue}
}

// deployments are those of the cluster: there is one.
type deployments struct {
	client.WorkerDeploymentClient // the rest is not called
	is                            *rollouts
}

func (d deployments) GetHandle(string) client.WorkerDeploymentHandle { return d.is }

func (r *rollouts) DescribeWorkerDeployment(context.Context, *workflowservice.DescribeWorkerDeploymentRequest, ...grpc.CallOption) (*workflowservice.DescribeWorkerDeploymentResponse, error) {
	info := &deploymentpb.WorkerDeploymentInfo{RoutingConfig: &deploymentpb.RoutingConfig{CurrentDeploymentVersion: &deploymentpb.WorkerDeploymentVersion{BuildId: r.current}}}
	for day, build := range []string{"old", "new"} {
		at := timestamppb.New(time.Date(2026, 7, 1+day, 0, 0, 0, 0, time.UTC))
		summary := &deploymentpb.WorkerDeploymentInfo_WorkerDeploymentVersionSummary{DeploymentVersion: &deploymentpb.WorkerDeploymentVersion{BuildId: build}, CreateTime: at, Status: r.status}
		if r.status != enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_INACTIVE {
			summary.FirstActivationTime = at
		}
		info.VersionSummaries = append(info.VersionSummaries, summary)
	}
	return &workflowservice.DescribeWorkerDeploymentResponse{ConflictToken: []byte{byte(r.changes)}, WorkerDeploymentInfo: info}, nil
}

func (r *rollouts) DescribeTaskQueue(_ context.Context, request *workflowservice.DescribeTaskQueueRequest, _ ...grpc.CallOption) (*workflowservice.DescribeTaskQueueResponse, error) {
	answer := &workflowservice.DescribeTaskQueueResponse{}
	if r.deserted {
		return answer, nil
	}
	for build, roles := range r.works {
		if request.GetTaskQueueType() != enumspb.TASK_QUEUE_TYPE_ACTIVITY || slices.ContainsFunc(roles, func(role activities.Role) bool { return role.Queue() == request.GetTaskQueue().GetName() }) {
			answer.Pollers = append(answer.Pollers, &taskqueuepb.PollerInfo{
				Identity: "one", LastAccessTime: timestamppb.Now(), DeploymentOptions: &deploymentpb.WorkerDeploymentOptions{BuildId: build},
			})
		}
	}
	return answer, nil
}

func (r *rollouts) DescribeVersion(_ context.Context, o client.WorkerDeploymentDescribeVersionOptions) (d client.WorkerDeploymentVersionDescription, err error) {
	d.Info.TaskQueuesInfos = []client.WorkerDeploymentTaskQueueInfo{{Name: "loanops"}, {Name: "loanops-data"}}
	if o.BuildID == "new" {
		d.Info.TaskQueuesInfos = d.Info.TaskQueuesInfos[:r.newQueues]
		r.newQueues = 2 // the next time
	}
	return d, nil
}

func (r *rollouts) SetCurrentVersion(_ context.Context, o client.WorkerDeploymentSetCurrentVersionOptions) (none client.WorkerDeploymentSetCurrentVersionResponse, err error) {
	if !bytes.Equal(o.ConflictToken, []byte{byte(r.changes)}) {
		return none, serviceerror.NewFailedPrecondition("conflict token mismatch")
	}
	r.current = o.BuildID
	r.changes++
	return none, nil
}

func quiet() *app { return &app{out: io.Discard, err: io.Discard, output: "text"} }

func TestABuildThatPassesItsTrialIsPromoted(t *testing.T) {
	r := newRollouts()
	r.newQueues, r.absent = 1, 1 // it has just been started
	done, err := quiet().promote(t.Context(), r.cluster(), "new")
	require.NoError(t, err)
	require.Equal(t, promotion{
		Verdict: workflows.Promoted, Reasons: []string{"7 histories were replayed; runs that began on build old end on it"}, Build: "new", Before: "old", Replayed: 7, Trial: "trial-new",
	}, done)
	require.Equal(t, "new", r.current)
	last := r.started[len(r.started)-1]
	require.Equal(t, &client.PinnedVersioningOverride{Version: workers.VersionOf("new")}, last.VersioningOverride, "it is tried by its own workers")
	require.Equal(t, enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, last.WorkflowIDConflictPolicy, "a trial that somebody's killed command began is joined")

	again, err := quiet().promote(t.Context(), r.cluster(), "new")
	require.NoError(t, err)
	require.Equal(t, workflows.Nothing, again.Verdict)
	require.Equal(t, 1, r.changes)
}

func TestABuildThatIsNotPromotedChangesNothing(t *testing.T) {
	refused := newRollouts()
	refused.tried.Reasons = []string{"ContinuousDelivery: no"}
	done, err := quiet().promote(t.Context(), refused.cluster(), "new")
	require.NoError(t, err)
	require.Equal(t, workflows.Refused, done.Verdict)
	require.Equal(t, []string{"ContinuousDelivery: no"}, done.Reasons)
	require.Equal(t, "old", refused.current)

	untried := newRollouts()
	untried.failed = errors.New("the workflow was terminated")
	_, err = quiet().promote(t.Context(), untried.cluster(), "new")
	require.Error(t, err, "what could not be tried has not passed")
	require.Equal(t, "old", untried.current)

	overtaken := newRollouts()
	overtaken.during = func() { overtaken.current, overtaken.changes = "third", 1 }
	_, err = quiet().promote(t.Context(), overtaken.cluster(), "new")
	require.Equal(t, fault.Conflict, fault.CodeOf(err))
	require.Equal(t, "third", overtaken.current, "who promoted another build meanwhile is not overwritten")

	_, err = quiet().promote(t.Context(), newRollouts().cluster(), "unknown")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.ErrorContains(t, err, "there are new, old")
}

// A cluster that does not use a role is promoted as others are: what the current build's workers do is what the next one's have to.
func TestWhichRolesAreAsked(t *testing.T) {
	const data, train, deliver, integrate = activities.Data, activities.Train, activities.Deliver, activities.Integrate
	for name, test := range map[string]struct {
		old, new, asked []activities.Role
		notAsked        []string
	}{
		"all":                         {activities.Roles, activities.Roles, activities.Roles, nil},
		"one is not used":             {[]activities.Role{data, train, deliver}, []activities.Role{data, train, deliver}, []activities.Role{data, train, deliver}, []string{"the role integrate: the current build old is without a worker of it"}},
		"the new one has more":        {[]activities.Role{data, train, deliver}, activities.Roles, []activities.Role{data, train, deliver}, []string{"the role integrate: the current build old is without a worker of it"}},
		"the new one has fewer":       {activities.Roles, []activities.Role{data, train, deliver}, activities.Roles, nil},
		"the current one's are gone":  {nil, []activities.Role{data, train}, []activities.Role{data, train}, []string{"the role deliver: every build is without a worker of it", "the role integrate: every build is without a worker of it"}},
		"who replays is always asked": {[]activities.Role{deliver}, []activities.Role{deliver}, []activities.Role{data, deliver}, []string{"the role train: the current build old is without a worker of it", "the role integrate: the current build old is without a worker of it"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRollouts()
			r.works = map[string][]activities.Role{"old": test.old, "new": test.new}
			var said bytes.Buffer
			done, err := (&app{out: io.Discard, err: &said}).promote(t.Context(), r.cluster(), "new")
			require.NoError(t, err)
			require.Equal(t, workflows.Promoted, done.Verdict)
			require.Equal(t, test.asked, r.roles)
			require.Equal(t, test.notAsked, done.NotAsked)
			for _, why := range test.notAsked {
				require.Contains(t, said.String(), why)
			}
		})
	}
}

// A build whose workers have gone would never be tried, and nothing would begin on it.
func TestABuildWithoutWorkersIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRollouts()
		r.deserted = true
		done, err := quiet().promote(t.Context(), r.cluster(), "new")
		require.NoError(t, err)
		require.Equal(t, workflows.Refused, done.Verdict)
		require.Equal(t, []string{"no worker of the build asks for runs: start one"}, done.Reasons)
		require.Empty(t, r.started)
	})
}

// Whoever waits for a worker in vain is told which log it writes.
func TestWhoseLogSaysWhyAWorkerDoesNotAsk(t *testing.T) {
	for log, await := range map[string]func(context.Context, workers.Cluster) error{
		"logs/worker.log in the state folder": func(ctx context.Context, c workers.Cluster) error {
			_, err := (&up{app: quiet()}).renew(ctx, c, "new")
			return err
		},
		"logs/worker-new.log": func(ctx context.Context, c workers.Cluster) error {
			_, err := awaitStarted(ctx, c, "new")
			return err
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRollouts()
			r.deserted = true
			err := await(t.Context(), r.cluster())
			require.Equal(t, fault.Unavailable, fault.CodeOf(err))
			require.ErrorContains(t, err, log)
		})
	}
}

func TestWhatIsSaidOfAPromotion(t *testing.T) {
	var out bytes.Buffer
	a := &app{out: &out, err: io.Discard, output: "json"}
	require.NoError(t, a.promoted(promotion{Verdict: workflows.Promoted, Build: "new", Reasons: []string{}}))
	var said map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &said))
	require.Equal(t, map[string]any{"verdict": "promoted", "build": "new", "reasons": []any{}, "replayed": 0.}, said)
	var ended verdictError
	require.ErrorAs(t, a.promoted(promotion{Verdict: workflows.Refused}), &ended)
	require.Equal(t, exitRefused, ended.code())
}

func TestWhetherABuildIsStillNeeded(t *testing.T) {
	r := newRollouts()
	_, err := quiet().drained(t.Context(), r.cluster(), "old", true)
	require.Equal(t, fault.Refused, fault.CodeOf(err), "the current one always is")
	r.current, r.status = "new", enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINED
	v, err := quiet().drained(t.Context(), r.cluster(), "old", true)
	require.NoError(t, err)
	require.Equal(t, workers.Drained, v.Status)
	r.status = enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINING
	v, err = quiet().drained(t.Context(), r.cluster(), "old", false)
	require.NoError(t, err)
	require.Equal(t, workers.Draining, v.Status)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err = quiet().drained(ctx, r.cluster(), "old", true)
	require.ErrorIs(t, err, context.Canceled, "it waits")
}

// A worker that was built anew takes the runs that begin after a restart; one that somebody has replaced since, or that is refused, does not.
func TestAtAStartTheWorkerThatWasBuiltAnewIsPromoted(t *testing.T) {
	for name, test := range map[string]struct {
		current, build string
		status         enumspb.WorkerDeploymentVersionStatus
		reasons        []string
		ends           string
	}{
		"it is new":                 {"old", "new", enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_INACTIVE, nil, "new"},
		"it is current":             {"new", "new", enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_INACTIVE, nil, "new"},
		"the first of all":          {"", "new", enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_INACTIVE, nil, ""},
		"it is refused":             {"old", "new", enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_INACTIVE, []string{"no"}, "old"},
		"somebody went back to old": {"old", "new", enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINED, nil, "old"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRollouts()
			r.current, r.status, r.tried.Reasons = test.current, test.status, test.reasons
			require.NoError(t, (&up{app: quiet()}).renewWorkers(t.Context(), r.cluster(), test.build))
			require.Equal(t, test.ends, r.current)
		})
	}
}

// What keeps a build from being tried keeps no platform from serving.
func TestAWorkerThatCannotBeTriedKeepsNoPlatformFromStarting(t *testing.T) {
	r := newRollouts()
	r.failed = errors.New("the trial was terminated")
	var said bytes.Buffer
	require.NoError(t, (&up{app: &app{out: io.Discard, err: &said}}).renewWorkers(t.Context(), r.cluster(), "new"))
	require.Equal(t, "old", r.current)
	require.Contains(t, said.String(), "the trial was terminated")
}

func TestARunIsMovedToAnotherBuild(t *testing.T) {
	cluster := newRollouts().cluster()
	temporal := cluster.Client.(*mocks.Client)
	temporal.On("UpdateWorkflowExecutionOptions", mock.Anything, client.UpdateWorkflowExecutionOptionsRequest{
		WorkflowId: "delivery-cards",
		WorkflowExecutionOptionsChanges: client.WorkflowExecutionOptionsChanges{
			VersioningOverride: &client.VersioningOverrideChange{Value: &client.PinnedVersioningOverride{Version: workers.VersionOf("new")}},
		},
	}).Return(client.WorkflowExecutionOptions{}, nil)
	temporal.On("UpdateWorkflowExecutionOptions", mock.Anything, mock.Anything).Return(client.WorkflowExecutionOptions{}, serviceerror.NewNotFound("it has ended"))
	require.NoError(t, move(t.Context(), cluster, "delivery-cards", "new"))
	require.Equal(t, fault.NotFound, fault.CodeOf(move(t.Context(), cluster, "delivery-ended", "new")))
	require.Equal(t, fault.NotFound, fault.CodeOf(move(t.Context(), cluster, "delivery-cards", "unknown")))
}

func TestWorkersOnATerminal(t *testing.T) {
	var out bytes.Buffer
	a := &app{out: &out}
	a.listWorkers([]workers.Version{
		{Build: "new", Status: workers.Current, Pollers: 2, Commit: "0123456789abcdef0123"},
		{Build: "old", Status: workers.Draining, Stuck: true, Runs: []workers.Run{{Workflow: "a"}, {Workflow: "b"}, {Workflow: "c"}, {Workflow: "d"}, {Workflow: "e"}}},
	})
	require.Regexp(t, `(?m)^new +current +- +2 +0 +- +0123456789ab$`, out.String())
	require.Regexp(t, `(?m)^old +draining +- +0 +5 +a, b, c, 2 more +-$`, out.String())
}

func TestWorkersWithoutAPlatform(t *testing.T) {
	empty := t.TempDir()
	for code, args := range map[int][]string{
		exitNotFound: {"workers", "start", "bin/loanops-worker", "--state", empty},
		exitUsage:    {"workers", "promote", "../up", "--state", empty},
	} {
		_, stderr, ended := run(t, args...)
		require.Equal(t, code, ended, stderr)
	}
}
