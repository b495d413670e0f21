package sandbox

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
)

// How a command ended is an outcome, whatever comes after it. A fault is only that it could not be run, and the end of the run is neither.
func TestWhatIsAnOutcomeAndWhatAFault(t *testing.T) {
	t.Parallel()
	late := "killed after 5m: its time limit"
	for name, test := range map[string]struct {
		ended  end
		killed string
		why    string
		code   fault.Code // of the fault
	}{
		"done":                         {},
		"ended by itself":              {ended: end{Code: 3}, why: "ended with 3"},
		"by a signal":                  {ended: end{Code: -1, Signal: int(syscall.SIGSEGV)}, why: "killed by SIGSEGV"},
		"no such program":              {ended: end{Wrong: "there is no program"}, why: "there is no program"},
		"beyond its time":              {killed: late, why: late},
		"and its supervisor is gone":   {ended: end{Fault: "its supervisor ended before the command"}, killed: late, why: late},
		"its processes do not end":     {ended: end{Wrong: errRemain.Error(), Code: 0}, why: "its processes do not end"},
		"the machine cannot start one": {ended: end{Fault: "its limits: no"}, code: fault.Unavailable},
	} {
		r, err := result(t.Context(), Command{Timeout: time.Minute}, order{}, &output{}, test.ended, test.killed)
		if test.code != "" {
			require.Equal(t, test.code, fault.CodeOf(err), name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, test.why, r.Why, name)
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	_, err := result(ended, Command{}, order{}, &output{}, end{}, late)
	require.ErrorIs(t, err, context.Canceled)
}
