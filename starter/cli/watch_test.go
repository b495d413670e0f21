package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/workflows"
)

// server is a Temporal that knows how far runs are; what a test does not need is nil.
type server struct {
	client.Client
	mu       sync.Mutex
	progress map[string]workflows.Progress // by workflow ID
	queried  map[string]int
	started  []client.StartWorkflowOptions
	refuse   error
	newest   client.WorkflowRun // of every workflow ID
}

func (s *server) GetWorkflow(context.Context, string, string) client.WorkflowRun { return s.newest }

func (s *server) QueryWorkflow(_ context.Context, id, _, query string, _ ...any) (converter.EncodedValue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queried == nil {
		s.queried = map[string]int{}
	}
	s.queried[id]++
	p, known := s.progress[id]
	if !known || query != workflows.ProgressQuery {
		return nil, errors.New("no worker answers")
	}
	data, err := json.Marshal(p)
	return value(data), err
}

func (s *server) ExecuteWorkflow(_ context.Context, options client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	s.started = append(s.started, options)
	if s.refuse != nil {
		return nil, s.refuse
	}
	return &workflowRun{id: options.ID}, nil
}

// value is an answer as it crosses Temporal.
type value []byte

func (v value) HasValue() bool     { return v != nil }
func (v value) Get(into any) error { return json.Unmarshal(v, into) }

// workflowRun ends with what the channel gives.
type workflowRun struct {
	client.WorkflowRun
	id     string
	run    string // its ID; empty: one made of the workflow's
	result workflows.Result
	err    error
	ended  chan struct{}
}

func (r *workflowRun) GetID() string    { return r.id }
func (r *workflowRun) GetRunID() string { return cmp.Or(r.run, "run-of-"+r.id) }
func (r *workflowRun) Get(ctx context.Context, into any) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ended:
		*into.(*workflows.Result) = r.result
		return r.err
	}
}

func step(name string, state workflows.StepState, detail string) workflows.ProgressStep {
	return workflows.ProgressStep{Name: name, State: state, Detail: detail}
}

// Every change is told once, a step that waits is not told, and a delivery's steps follow those of its training.
func TestTellerTellsEachChangeOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &server{progress: map[string]workflows.Progress{}}
	told := &teller{app: &app{err: &out}, told: map[string]string{}}
	said := func() string {
		told.tell(t.Context(), s, "training-cards")
		told.tell(t.Context(), s, "training-cards")
		text := out.String()
		out.Reset()
		return text
	}
	require.Empty(t, said(), "a run that cannot be asked now is asked again")

	s.progress["training-cards"] = workflows.Progress{Steps: []workflows.ProgressStep{
		step("ExtractData", workflows.StepDone, "1200 rows"), step("TrainModel", workflows.StepRunning, ""), step("EvaluateModel", workflows.StepPending, ""),
	}}
	require.Equal(t, "  ✓ ExtractData: 1200 rows\n  … TrainModel\n", said())

	s.progress["training-cards"] = workflows.Progress{Delivery: "delivery-cards", Steps: []workflows.ProgressStep{
		step("ExtractData", workflows.StepDone, "1200 rows"), step("TrainModel", workflows.StepFailed, "worker lost"),
		step(workflows.ContinuousDeliveryName, workflows.StepRunning, ""),
	}}
	s.progress["delivery-cards"] = workflows.Progress{Steps: []workflows.ProgressStep{
		step("TrainModel", workflows.StepFailed, "worker lost"), step("PlanStaging", workflows.StepSkipped, "nothing to do"),
	}}
	require.Equal(t, "  ✗ TrainModel failed: worker lost\n  ✗ TrainModel failed: worker lost\n  – PlanStaging skipped: nothing to do\n", said(),
		"steps of the same name in two runs are two steps; the delivery as a step of the training is told by its own steps")

	before := s.queried["delivery-cards"]
	ended := s.progress["training-cards"]
	ended.Verdict = workflows.Promoted
	ended.Steps[2] = step(workflows.ContinuousDeliveryName, workflows.StepDone, "promoted")
	s.progress["training-cards"] = ended
	require.Equal(t, "  ✓ "+workflows.ContinuousDeliveryName+": promoted\n", said())
	require.Equal(t, before, s.queried["delivery-cards"], "a delivery that has ended is not asked")
}

// The last words are told even when they come with the end.
func TestWaitTellsTheLastStepsAndReturnsTheResult(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &server{progress: map[string]workflows.Progress{"training-cards": {Steps: []workflows.ProgressStep{step("TrainModel", workflows.StepDone, "l2 0.1")}}}}
	r := &workflowRun{id: "training-cards", result: workflows.Result{Verdict: workflows.Registered}, ended: make(chan struct{})}
	close(r.ended)
	result, err := (&app{err: &out}).wait(t.Context(), s, r)
	require.NoError(t, err)
	require.Equal(t, workflows.Registered, result.Verdict)
	require.Equal(t, "  ✓ TrainModel: l2 0.1\n", out.String())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = (&app{err: &out}).wait(ctx, s, &workflowRun{id: "x", ended: make(chan struct{})})
	require.ErrorIs(t, err, context.Canceled, "Ctrl-C ends the waiting, not the run")
}

func TestFinish(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := &app{out: &out, err: &bytes.Buffer{}, output: "text"}
	r := &workflowRun{id: "delivery-cards", result: workflows.Result{Verdict: workflows.Aborted, Model: workflows.ModelRef{Name: "cards", Version: 2}, Reasons: []string{"too slow"}}, ended: make(chan struct{})}
	close(r.ended)
	require.NoError(t, a.finish(t.Context(), &server{}, r, false))
	require.Equal(t, "started delivery-cards, run run-of-delivery-cards\n", out.String())

	out.Reset()
	require.Equal(t, verdictError{workflows.Aborted}, a.finish(t.Context(), &server{}, r, true))
	require.Equal(t, "aborted: cards version 2\n  too slow\n", out.String())

	out.Reset()
	a.output = "json"
	require.NoError(t, a.finish(t.Context(), &server{}, r, false))
	require.JSONEq(t, `{"workflow_id": "delivery-cards", "run_id": "run-of-delivery-cards"}`, out.String())

	r.err = temporal.NewNonRetryableApplicationError("the database went away", string(fault.Unavailable), nil)
	err := a.finish(t.Context(), &server{}, r, true)
	require.EqualError(t, err, "the database went away")
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
}

// One run of a kind at a time: the second start is a conflict that says where to look.
func TestStart(t *testing.T) {
	t.Parallel()
	s := &server{}
	r, err := start(t.Context(), s, "training-cards", workflows.ContinuousTrainingName, "train cards", workflows.TrainingInput{Pipeline: "cards"})
	require.NoError(t, err)
	require.Equal(t, "training-cards", r.GetID())
	require.Equal(t, workflows.TaskQueue, s.started[0].TaskQueue)
	require.Equal(t, "train cards", s.started[0].StaticSummary)

	s.refuse = fmt.Errorf("starting: %w", serviceerror.NewWorkflowExecutionAlreadyStarted("running", "", ""))
	_, err = start(t.Context(), s, "training-cards", workflows.ContinuousTrainingName, "", nil)
	require.Equal(t, fault.Conflict, fault.CodeOf(err))
	require.EqualError(t, err, "training-cards runs already; `loanops runs show training-cards` shows how far it is")

	s.refuse = errors.New("connection refused")
	_, err = start(t.Context(), s, "training-cards", workflows.ContinuousTrainingName, "", nil)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
}

// A fault of a workflow keeps its code, and so its exit code, on the way through Temporal's errors.
func TestWorkflowFaultKeepsTheCode(t *testing.T) {
	t.Parallel()
	for _, code := range []fault.Code{fault.Invalid, fault.NotFound, fault.Conflict, fault.Overtaken, fault.Refused, fault.Unavailable, fault.Unauthorized, fault.Internal} {
		err := workflowFault(fmt.Errorf("workflow execution error: %w", temporal.NewApplicationError("what is wrong", string(code))))
		require.Equal(t, code, fault.CodeOf(err))
		require.EqualError(t, err, "what is wrong", "without Temporal's words around it")
	}
	require.Equal(t, fault.Internal, fault.CodeOf(workflowFault(temporal.NewApplicationError("a panic", ""))))
	timeout := temporal.NewTimeoutError(0, nil)
	require.Equal(t, timeout, workflowFault(timeout))
}
