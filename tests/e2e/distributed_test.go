package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/store/postgrestest"
)

// The programs as docker-compose.yml runs them: each on its own, found by the environment alone, with PostgreSQL and two workers
// that share nothing but their servers.
func TestSeparateProgramsWithPostgreSQLDeliverAModel(t *testing.T) {
	postgres, err := postgrestest.Start()
	require.NoError(t, err)
	t.Cleanup(postgres.Stop)
	dir := t.TempDir()
	ports := freePorts(t, 6)
	address := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	hash := func(key string) string {
		sum := sha256.Sum256([]byte(key))
		return hex.EncodeToString(sum[:])
	}
	keys, err := json.Marshal(map[string]any{
		"synthetic":  map[string]string{"sha256": hash("synthetic-key")},
		"north-bank": map[string]string{"sha256": hash("north-key"), "type": "bank"},
	})
	require.NoError(t, err)

	backends := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir,
		"TEMPORAL_ADDRESS=" + address(0), "TEMPORAL_NAMESPACE=default",
		"AWS_ENDPOINT_URL_S3=http://" + address(3), "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=loanops", "AWS_SECRET_ACCESS_KEY=a-secret-of-the-test",
		"LOANOPS_BUCKET=loanops", "LOANOPS_AGENT=http://" + address(4), "LOANOPS_GATEWAY=http://" + address(5),
		"LOANOPS_AGENT_TOKEN_FILE=" + file("agent.token", "the-agents-token-of-the-test"), "LOANOPS_ROLLBACK_TOKEN_FILE=" + file("rollback.token", "the-rollbacks-token-of-the-test"),
	}
	control := slices.Concat(backends, []string{"LOANOPS_DATABASE=" + postgres.Database(t), "LOANOPS_SYNTHETIC_KEY_FILE=" + file("synthetic.key", "synthetic-key")})
	work := func(environment []string, name string) []string {
		return slices.Concat(environment, []string{"LOANOPS_WORK_DIR=" + filepath.Join(dir, name)})
	}

	launch(t, backends, "loanops-devserver", "--db-filename", filepath.Join(dir, "temporal.db"), "--s3-dir", filepath.Join(dir, "s3"),
		"--port", fmt.Sprint(ports[0]), "--http-port", fmt.Sprint(ports[1]), "--ui-port", fmt.Sprint(ports[2]), "--s3-port", fmt.Sprint(ports[3]),
		"--search-attribute", "LoanOpsPipeline=Keyword", "--search-attribute", "LoanOpsTrigger=Keyword", "--search-attribute", "LoanOpsStage=Keyword",
		"--search-attribute", "LoanOpsModelVersion=Int", "--search-attribute", "LoanOpsVerdict=Keyword")
	answers(t, "http://"+address(1)+"/api/v1/namespaces/default")
	answers(t, "http://"+address(3)+"/healthz")
	launch(t, work(backends, "agent-work"), "loanops", "agent", "--address", address(4), "--dir", filepath.Join(dir, "agent"))
	answers(t, "http://"+address(4)+"/healthz")
	launch(t, nil, "loanops-api", "gateway", "--agent", "http://"+address(4), "--address", address(5), "--keys-file", file("gateway-keys.json", string(keys)))
	launch(t, work(control, "worker-1"), "loanops-worker")
	launch(t, work(control, "worker-2"), "loanops-worker")

	operator := func(wantCode int, args ...string) []byte {
		cmd := exec.Command(filepath.Join(bin, "loanops"), args...)
		cmd.Dir = dir // without a state folder
		cmd.Env = append(work(control, "operator"), "LOANOPS_API_KEY=north-key")
		cmd.Stderr = &logBuffer{}
		out, _ := cmd.Output()
		require.Equal(t, wantCode, cmd.ProcessState.ExitCode(), "loanops %v\n%s", args, cmd.Stderr)
		return out
	}
	spec, err := filepath.Abs("../../pipelines/" + name + ".yaml")
	require.NoError(t, err)
	for _, want := range []struct {
		verdict string
		args    []string
	}{
		{"bootstrapped", []string{"--pipeline", spec, "--as-of", "2026-03-31"}},
		{"promoted", []string{name}},
	} {
		var r result
		require.NoError(t, json.Unmarshal(operator(0, append([]string{"ct", "start", "--wait", "--output", "json"}, want.args...)...), &r))
		require.Equal(t, want.verdict, r.Verdict)
		var d decision
		require.NoError(t, json.Unmarshal(operator(0, "decide", "--example", "--output", "json"), &d))
		require.Equal(t, r.Model.Digest, d.Model.Digest)
	}
}

// launch runs a program until the test ends.
func launch(t *testing.T, environment []string, program string, args ...string) {
	t.Helper()
	log := &logBuffer{}
	cmd := exec.Command(filepath.Join(bin, program), args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environment, log, log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		stuck := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		stuck.Stop()
		if t.Failed() {
			t.Logf("%s:\n%s", program, log)
		}
	})
}

// answers waits until the address answers well.
func answers(t *testing.T, url string) {
	t.Helper()
	eventually(t, url, time.Minute, func() bool {
		response, err := http.Get(url)
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

// freePorts asks the system for ports that nobody has.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		require.NoError(t, err)
		defer listener.Close()
		address, _ := listener.Addr().(*net.TCPAddr)
		ports = append(ports, address.Port)
	}
	return ports
}
