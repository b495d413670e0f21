package activities

import (
	"context"
	"errors"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
)

// text is the simplest output.
type text string

func (t text) Summary() string { return string(t) }

// work is a step for tests.
var work = Step[string, text]{Name: "Work", Role: Data}

// execute runs does as an activity; heard gets the texts of its heartbeats.
func execute(t *testing.T, heard func(string), does func(context.Context, string) (text, error)) (text, error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		var text string
		if details.Get(&text) == nil {
			heard(text)
		}
	})
	work.register(registrar{env, Data, false, &Runs{}}, does)
	value, err := env.ExecuteActivity(work.Name, "in")
	if err != nil {
		return "", err
	}
	var out text
	return out, value.Get(&out)
}

func TestFaultsBecomeTemporalErrors(t *testing.T) {
	for code, permanent := range map[fault.Code]bool{
		fault.Invalid: true, fault.NotFound: true, fault.Overtaken: true, fault.Refused: true, fault.Unauthorized: true,
		fault.Conflict: false, fault.Unavailable: false, fault.Internal: false,
	} {
		_, err := execute(t, func(string) {}, func(context.Context, string) (text, error) {
			return "", fault.Wrap(fault.Internal, fault.New(code, "why"), "doing it")
		})
		var applied *temporal.ApplicationError
		require.ErrorAs(t, err, &applied)
		require.Equal(t, string(code), applied.Type())
		require.Equal(t, permanent, applied.NonRetryable(), code)
		require.Equal(t, "doing it: why", applied.Message())
	}
	_, err := execute(t, func(string) {}, func(context.Context, string) (text, error) { return "", errors.New("unknown") })
	var applied *temporal.ApplicationError
	require.ErrorAs(t, err, &applied)
	require.False(t, applied.NonRetryable(), "what nobody foresaw may pass")
}

// Whatever a step makes is its run's; a note that cannot be kept is a step that did not end.
func TestArtifactsOfAStepAreNotedForItsRun(t *testing.T) {
	kept := newMemory()
	step := Step[string, answer]{Name: "Answer", Role: Train}
	execute := func() error {
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestActivityEnvironment()
		step.register(registrar{env, Train, false, &Runs{Registry: kept}}, func(context.Context, string) (answer, error) {
			return answer{Object: artifact.Ref{SHA256: "42"}}, nil
		})
		_, err := env.ExecuteActivity(step.Name, "in")
		return err
	}
	require.NoError(t, execute())
	require.Equal(t, map[string]artifact.Ref{"answer": {SHA256: "42"}}, kept.made)
	kept.away = fault.New(fault.Unavailable, "away")
	require.ErrorContains(t, execute(), "away")
}

func TestHeartbeatsSayHowFarTheWorkIs(t *testing.T) {
	heard := make(chan string, 1000)
	_, err := execute(t, func(text string) { heard <- text }, func(ctx context.Context, _ string) (text, error) {
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

// Every step is registered for one queue of one role, nothing twice, and the record of a run for each.
func TestRegisterCoversEveryStep(t *testing.T) {
	all := map[string]int{}
	urgent := map[string]bool{}
	for _, role := range Roles {
		for _, isUrgent := range []bool{false, true} {
			r := &names{seen: map[string]bool{}}
			Register(r, role, isUrgent, &Stages{})
			require.Equal(t, isUrgent, r.seen[RecordRun.Name], role)
			for name := range r.seen {
				all[name]++
				if isUrgent {
					urgent[name] = true
				}
			}
		}
	}
	source, err := os.ReadFile("steps.go")
	require.NoError(t, err)
	require.Len(t, all, len(regexp.MustCompile(`Step\[\w+, \w+\]\{Name: ("|string\(ci)|= testStep\(`).FindAll(source, -1)), "as many as are declared")
	require.Equal(t, map[string]bool{
		"PromoteModel": true, "AbortCanary": true, "RestoreTraffic": true, "RollBack": true, "ChooseRollback": true, "FindRollback": true, "ShiftTraffic": true, "RecordRun": true, "RecordCanaryCheck": true, "AwaitRun": true, "FindRunStart": true,
		"FindEndpoints": true, "SendAlert": true, "VerifyStart": true, "VerifyApproval": true, "CheckQueries": true,
	}, urgent, "what gives traffic back, what tells people, and what somebody waits for at a terminal waits for no slot of a long step")
	for name, times := range all {
		if name != RecordRun.Name && name != VerifyStart.Name && name != AnswerTrial.Name {
			require.Equal(t, 1, times, name)
		}
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
