package shift_test

import (
	"os"
	"testing"

	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/deploy/deploytest/agenttest"
)

// TestMain is also the predictor that the agent starts.
func TestMain(m *testing.M) {
	deploytest.Main()
	os.Exit(m.Run())
}

// bench is a running agent.
type bench struct {
	*agenttest.Agent
	t *testing.T
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return &bench{agenttest.Start(t, deploytest.Programs(t)), t}
}
