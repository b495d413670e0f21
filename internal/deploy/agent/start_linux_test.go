package agent

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
)

// TestAgentProcess is an agent that TestPredictorsEndWithAKilledAgent starts and kills.
func TestAgentProcess(t *testing.T) {
	dir := os.Getenv("LOANOPS_TEST_AGENT_DIR")
	if dir == "" {
		return // nothing to test by itself
	}
	cfg := testConfig(t, dir)
	cfg.Address = "127.0.0.1:0"
	cfg.Ready = func(url string) { fmt.Println("agent at", url) }
	require.NoError(t, Run(t.Context(), cfg))
}

func TestPredictorsEndWithAKilledAgent(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "-test.run=^TestAgentProcess$")
	cmd.Env = append(os.Environ(), "LOANOPS_TEST_AGENT_DIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	base, ok := strings.CutPrefix(firstLine(t, out), "agent at ")
	require.True(t, ok)
	provider := contract.NewAgentClient(base, providerToken)
	require.NoError(t, provider.Teach(t.Context(), environment, product, 1))
	track, err := provider.PutTrack(t.Context(), environment, product, contract.Blue, deploytest.Spec(t, t.TempDir(), 1, deploytest.Behaviour{}), 1)
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()

	// The predictor is nobody's child now: that it has ended shows in that it does not answer.
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	deadline := time.After(limit)
	for {
		response, err := http.Get(track.URL + "/readyz")
		if err != nil {
			return
		}
		response.Body.Close()
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatal("the predictor outlives its agent")
		}
	}
}

func firstLine(t *testing.T, r interface{ Read([]byte) (int, error) }) string {
	t.Helper()
	line, err := bufio.NewReader(r).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line)
}
