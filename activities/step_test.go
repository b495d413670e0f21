package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/loanops/loanops/internal/fault"
)

// execute runs work as an activity; heard gets the texts of its heartbeats.
func execute(t *testing.T, heard func(string), work func(context.Context, string) (string, error)) (string, error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		var text string
		if details.Get(&text) == nil {
			heard(text)
		}
	})
	env.RegisterActivityWithOptions(work, activity.RegisterOptions{Name: "Work"})
	value, err := env.ExecuteActivity("Work", "in")
	if err != nil {
		return "", err
	}
	var out string
	return out, value.Get(&out)
}

func TestFaultsBecomeTemporalErrors(t *testing.T) {
	for code, permanent := range map[fault.Code]bool{
		fault.Invalid: true, fault.NotFound: true, fault.Refused: true, fault.Unauthorized: true,
		fault.Conflict: false, fault.Unavailable: false, fault.Internal: false,
	} {
		_, err := execute(t, func(string) {}, step(func(context.Context, string) (string, error) {
			return "", fault.Wrap(fault.Internal, fault.New(code, "why"), "doing it")
		}))
		var applied *temporal.ApplicationError
		require.ErrorAs(t, err, &applied)
		require.Equal(t, string(code), applied.Type())
		require.Equal(t, permanent, applied.NonRetryable(), code)
		require.Equal(t, "doing it: why", applied.Message())
	}
	_, err := execute(t, func(string) {}, step(func(context.Context, string) (string, error) { return "", errors.New("unknown") }))
	var applied *temporal.ApplicationError
	require.ErrorAs(t, err, &applied)
	require.False(t, applied.NonRetryable(), "what nobody foresaw may pass")
}

func TestHeartbeatsSayHowFarTheWorkIs(t *testing.T) {
	heard := make(chan string, 1000)
	_, err := execute(t, func(text string) { heard <- text }, func(ctx context.Context, _ string) (string, error) {
		p := &pulse{}
		defer p.beat(ctx, time.Millisecond)()
		say(context.WithValue(ctx, pulseKey{}, p), "iteration 12")
		for text := range heard {
			if text == "iteration 12" {
				return "done", nil
			}
		}
		return "", nil
	})
	require.NoError(t, err)
	say(context.Background(), "outside of an activity nobody listens")
}

// However the work words its end, a cancelled activity must be seen as cancelled: the workflow decides by it.
func TestCancelledWorkIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, mapped(ctx, fault.New(fault.Internal, "terraform: signal: interrupt")), context.Canceled)
	require.NoError(t, mapped(ctx, nil), "work that was done in time is done")
}

// Every name of the contract is registered, and nothing twice.
func TestRegisterCoversEveryActivity(t *testing.T) {
	r := &names{seen: map[string]bool{}}
	Register(r, &Stages{})
	require.Len(t, r.seen, 29)
	for _, name := range []string{LoadPipeline, ExtractData, TrainModel, ApplyCanaryWeight, AnalyseCanary, AbortCanary, RollBack, RecordRun} {
		require.True(t, r.seen[name], name)
	}
}

type names struct{ seen map[string]bool }

func (n *names) RegisterActivity(any) { panic("register under a pinned name") }

func (n *names) RegisterActivityWithOptions(_ any, options activity.RegisterOptions) {
	if n.seen[options.Name] {
		panic(options.Name + " is registered twice")
	}
	n.seen[options.Name] = true
}

func (n *names) RegisterDynamicActivity(any, activity.DynamicRegisterOptions) {}
