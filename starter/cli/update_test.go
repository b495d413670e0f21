package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"
	"go.temporal.io/sdk/temporal"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/workflows"
)

func TestUpdateSendsTheDecisionAndMapsTheAnswer(t *testing.T) {
	run := registry.Run{WorkflowID: "delivery-loans"} // whichever runs now
	decided := workflows.Intervention{Actor: "rita", Reason: "reviewed"}
	for name, test := range map[string]struct {
		sending, getting error
		code             fault.Code
		says             string
	}{
		"taken": {},
		"the validator rejects it": {
			getting: temporal.NewNonRetryableApplicationError("the delivery does not wait for approval now", "invalid", nil),
			code:    fault.Refused, says: "delivery-loans does not take approve: the delivery does not wait for approval now",
		},
		"rejected at once": {
			sending: temporal.NewNonRetryableApplicationError("unknown update approve", "", nil),
			code:    fault.Refused, says: "delivery-loans does not take approve: unknown update approve",
		},
		"ended": {
			sending: serviceerror.NewNotFound("workflow execution already completed"),
			code:    fault.Refused, says: "delivery-loans does not take approve: the run has ended",
		},
		"Temporal is away": {
			sending: serviceerror.NewUnavailable("connection refused"),
			code:    fault.Unavailable, says: "sending approve to delivery-loans: connection refused",
		},
	} {
		t.Run(name, func(t *testing.T) {
			handle := mocks.NewWorkflowUpdateHandle(t)
			c := mocks.NewClient(t)
			c.On("UpdateWorkflow", mock.Anything, client.UpdateWorkflowOptions{
				WorkflowID: "delivery-loans", UpdateName: "approve", Args: []any{decided}, WaitForStage: client.WorkflowUpdateStageCompleted,
			}).Return(handle, test.sending)
			if test.sending == nil {
				handle.On("Get", mock.Anything, mock.Anything).Run(func(args mock.Arguments) {
					answer, ok := args.Get(1).(*string)
					require.True(t, ok)
					*answer = "approved"
				}).Return(test.getting)
			}
			if test.code == "" {
				handle.On("RunID").Return("run-2")
			}
			runID, answer, err := update(t.Context(), c, run, workflows.ApproveUpdate, decided)
			if test.code == "" {
				require.NoError(t, err)
				require.Equal(t, "approved", answer)
				require.Equal(t, "run-2", runID)
				return
			}
			require.EqualError(t, err, test.says)
			require.Equal(t, test.code, fault.CodeOf(err))
		})
	}
}

// The registry is asked first: an unknown run needs no Temporal to be told so.
func TestApproveAndAbortAnswerByExitCode(t *testing.T) {
	p := newFakePlatform(t)
	reg := p.registry(t)
	require.NoError(t, reg.PutRun(t.Context(), registry.Run{
		ID: "run-1", WorkflowID: "delivery-loans", Type: workflows.ContinuousDeliveryName, Pipeline: "loans", Status: registry.RunRunning, StartedAt: time.Unix(1, 0),
	}))
	for _, command := range []string{"approve", "abort"} {
		for _, test := range []struct {
			args []string
			code int
			says string
		}{
			{nil, exitUsage, "0 arguments; `loanops " + command + " RUN"},
			{[]string{"delivery-loans"}, exitUsage, `required flag(s) "reason" not set`},
			{[]string{"delivery-loans", "--reason", " "}, exitUsage, "--reason and --actor must say something"},
			{[]string{"delivery-loans", "--reason", "x", "--actor", ""}, exitUsage, "--reason and --actor must say something"},
			{[]string{"delivery-cards", "--reason", "x"}, exitNotFound, "delivery-cards"},
			{[]string{"run-1", "--reason", "x"}, exitFault, "reaching Temporal at 127.0.0.1:1"},
		} {
			t.Run(command+" "+strings.Join(test.args, " "), func(t *testing.T) {
				_, stderr, code := p.run(t, append([]string{command}, test.args...)...)
				require.Equal(t, test.code, code, stderr)
				require.Contains(t, stderr, test.says)
			})
		}
	}
}

// What people say for a record is one line: its further lines would be read as lines of the record.
func TestWhatIsSaidForARecordIsOneLine(t *testing.T) {
	p := newFakePlatform(t)
	for _, command := range [][]string{
		{"approve", "run-1"}, {"abort", "run-1"}, {"rollback", "loans"}, {"alerts", "ack", "3f0c"}, {"schemas", "accept", "loans", "1"}, {"schedule", "pause", "loans"},
		{"schedule", "resume", "loans"}, {"schedule", "set", "loans", "--every", "24h"},
	} {
		for name, text := range map[string]string{"two lines": "x\napproved by FORGED", "escapes": "\x1b[2Jx", "too long": strings.Repeat("x", 1001), "no UTF-8": "K\xf6ln"} {
			for _, flag := range []string{"--reason", "--actor"} {
				args := append(append([]string{}, command...), flag, text)
				switch {
				case flag == "--reason" && command[0] == "schedule" && command[1] != "pause": // have none
					continue
				case flag == "--actor" && command[0] != "schedule":
					args = append(args, "--reason", "x")
				}
				_, stderr, code := p.run(t, args...)
				require.Equal(t, exitUsage, code, "%v %s %s: %s", command, flag, name, stderr)
				require.Contains(t, stderr, "is not one line of UTF-8 of at most 1000 bytes")
				require.NotContains(t, stderr, "FORGED")
			}
		}
	}
}
