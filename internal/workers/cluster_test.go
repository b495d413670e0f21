package workers

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	deploymentpb "go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// open answers which runs of a build go on, one on each page.
type open struct {
	client.Client // the rest is not called
	cluster       *cluster
	runs          map[string][]string
}

func (o open) WorkflowService() workflowservice.WorkflowServiceClient { return o.cluster }

func (o open) ListWorkflow(_ context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	for build, runs := range o.runs {
		if strings.Contains(r.GetQuery(), "TemporalWorkerDeploymentVersion = 'loanops:"+build+"'") {
			page := len(r.GetNextPageToken())
			answer := &workflowservice.ListWorkflowExecutionsResponse{Executions: []*workflowpb.WorkflowExecutionInfo{{
				Execution: &commonpb.WorkflowExecution{WorkflowId: runs[page], RunId: "run"}, Type: &commonpb.WorkflowType{Name: "ContinuousDelivery"},
			}}}
			if page+1 < len(runs) {
				answer.NextPageToken = make([]byte, page+1)
			}
			return answer, nil
		}
	}
	return &workflowservice.ListWorkflowExecutionsResponse{}, nil
}

func TestVersionsAreListedWithTheirRuns(t *testing.T) {
	c := &cluster{known: true, current: "new", polls: map[string]bool{"new": true}}
	for i, build := range []string{"old", "new"} {
		c.summaries = append(c.summaries, &deploymentpb.WorkerDeploymentInfo_WorkerDeploymentVersionSummary{
			DeploymentVersion: &deploymentpb.WorkerDeploymentVersion{BuildId: build}, CreateTime: &timestamppb.Timestamp{Seconds: int64(1000 + i)},
		})
	}
	versions, err := Cluster{Client: open{cluster: c, runs: map[string][]string{"old": {"delivery-cards", "delivery-loans"}}}}.Versions(t.Context())
	require.NoError(t, err)
	require.Len(t, versions, 2)
	require.Equal(t, "new", versions[0].Build, "the newest first")
	require.Equal(t, Current, versions[0].Status)
	require.Equal(t, 1, versions[0].Pollers)
	require.Empty(t, versions[0].Runs)
	require.False(t, versions[0].Stuck, "nothing waits for it")
	require.Equal(t, []Run{{"delivery-cards", "run", "ContinuousDelivery"}, {"delivery-loans", "run", "ContinuousDelivery"}}, versions[1].Runs)
	require.True(t, versions[1].Stuck, "nobody works for it")

	c.set(func() { c.known = false })
	none, err := Cluster{Client: open{cluster: c}}.Versions(t.Context())
	require.NoError(t, err)
	require.Empty(t, none)
}

// versioned is a deployment whose builds take work from queues.
type versioned struct {
	client.WorkerDeploymentHandle // the rest is not called
	queues                        map[string][]string
}

func (v versioned) DescribeVersion(_ context.Context, o client.WorkerDeploymentDescribeVersionOptions) (d client.WorkerDeploymentVersionDescription, err error) {
	queues, known := v.queues[o.BuildID]
	if !known {
		return d, serviceerror.NewNotFound("no such version")
	}
	for _, queue := range queues {
		for _, kind := range []client.TaskQueueType{client.TaskQueueTypeWorkflow, client.TaskQueueTypeActivity} {
			d.Info.TaskQueuesInfos = append(d.Info.TaskQueuesInfos, client.WorkerDeploymentTaskQueueInfo{Name: queue, Type: kind})
		}
	}
	return d, nil
}

// asking is a client that asks it.
type asking struct {
	client.Client // the rest is not called
	of            versioned
}

// found is where the client finds it.
type found struct {
	client.WorkerDeploymentClient // the rest is not called
	of                            versioned
}

func (a asking) WorkerDeploymentClient() client.WorkerDeploymentClient { return found{of: a.of} }
func (f found) GetHandle(string) client.WorkerDeploymentHandle         { return f.of }

func TestQueuesThatABuildTakesNothingFrom(t *testing.T) {
	handle := versioned{queues: map[string][]string{"old": {"loanops", "loanops-data", "loanops-train"}, "new": {"loanops-data", "loanops-more"}, "same": {"loanops", "loanops-data", "loanops-train"}}}
	for name, test := range map[string]struct {
		build, current string
		missing        []string
	}{
		"two are missing":     {"new", "old", []string{"loanops", "loanops-train"}},
		"none is":             {"same", "old", nil},
		"more are no fault":   {"old", "same", nil},
		"nothing is current":  {"new", "", nil},
		"it has just started": {"unknown", "same", []string{"loanops", "loanops-data", "loanops-train"}},
	} {
		t.Run(name, func(t *testing.T) {
			missing, err := Cluster{Client: asking{of: handle}}.Missing(t.Context(), test.build, test.current)
			require.NoError(t, err)
			require.Equal(t, test.missing, missing)
		})
	}
}
