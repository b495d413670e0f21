package e2e

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/port"
	"github.com/loanops/loanops/internal/store/postgrestest"
	"github.com/loanops/loanops/tests/platformtest"
)

// The programs as docker-compose.yml runs them: each on its own, found by the environment alone, with PostgreSQL and workers that
// share nothing but their servers. The agent listens on a network, so that whoever reads there has a token: the gateway its own, the workers and Terraform
// those with which they write. The worker that trains has nothing of what a delivery needs. The two that deliver have folders
// of their own, the second takes over when the first has ended, and both see one Terraform state; the second is the program of the worker's image, in a root
// of its own.
func TestSeparateProgramsWithPostgreSQLDeliverAModel(t *testing.T) {
	t.Parallel() // all of it is its own
	postgres, err := postgrestest.Start()
	require.NoError(t, err)
	t.Cleanup(postgres.Stop)
	dir := t.TempDir()
	ports, err := port.Choose(make([]int, 10)...)
	require.NoError(t, err)
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

	servers := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir,
		"TEMPORAL_ADDRESS=" + address(0), "TEMPORAL_NAMESPACE=default",
		"AWS_ENDPOINT_URL_S3=http://" + address(3), "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=loanops", "AWS_SECRET_ACCESS_KEY=a-secret-of-the-test",
		"LOANOPS_BUCKET=loanops",
	}
	tokens := []string{
		"LOANOPS_AGENT_TOKEN_FILE=" + file("agent.token", "the-agents-token-of-the-test"),
		"LOANOPS_ROLLBACK_TOKEN_FILE=" + file("rollback.token", "the-rollbacks-token-of-the-test"),
	}
	database := []string{"LOANOPS_DATABASE=" + postgres.Database(t)}
	control := slices.Concat(servers, tokens, database, []string{
		"LOANOPS_AGENT=http://" + address(4), "LOANOPS_GATEWAY=http://" + address(5), "LOANOPS_SYNTHETIC_KEY_FILE=" + file("synthetic.key", "synthetic-key"),
	})
	work := func(environment []string, name string) []string {
		return slices.Concat(environment, []string{"LOANOPS_WORK_DIR=" + filepath.Join(dir, name)})
	}

	launch(t, servers, "loanops-devserver", "--db-filename", filepath.Join(dir, "temporal.db"), "--s3-dir", filepath.Join(dir, "s3"),
		"--port", fmt.Sprint(ports[0]), "--http-port", fmt.Sprint(ports[1]), "--ui-port", fmt.Sprint(ports[2]), "--s3-port", fmt.Sprint(ports[3]),
		"--registry-port", fmt.Sprint(ports[6]), "--registry-dir", filepath.Join(dir, "registry"))
	answers(t, "http://"+address(1)+"/api/v1/namespaces/default")
	answers(t, "http://"+address(3)+"/healthz")
	answers(t, "http://"+address(6)+"/v2/")
	images := []string{"LOANOPS_REGISTRY=http://" + address(6)}
	const readingToken = "the-gateways-token-of-the-test"
	gatewayToken := file("gateway.token", readingToken)
	reading := []string{"LOANOPS_GATEWAY_TOKEN_FILE=" + gatewayToken}
	features := []string{"LOANOPS_FEATURES=http://" + address(8), "LOANOPS_FEATURES_KEY_FILE=" + file("features-reader.key", "features-reader-key")}
	launch(t, work(slices.Concat(servers, tokens, reading, images, features), "agent-work"), "loanops", "agent", "--address", fmt.Sprintf("0.0.0.0:%d", ports[4]), "--dir", filepath.Join(dir, "agent"), "--runtime", "process")
	answers(t, "http://"+address(4)+"/healthz")
	launch(t, nil, "loanops-api", "gateway", "--agent", "http://"+address(4), "--agent-token-file", gatewayToken, "--address", address(5), "--keys-file", file("gateway-keys.json", string(keys)))
	featuresDatabase := []string{"LOANOPS_FEATURES_DATABASE=" + postgres.Database(t)}
	callers := fmt.Sprintf(`{"reader": {"sha256": %q, "rights": ["read"]}, "writer": {"sha256": %q, "rights": ["read", "write"]}}`, hash("features-reader-key"), hash("features-key"))
	launch(t, featuresDatabase, "loanops", "features", "serve", "--address", address(8), "--keys-file", file("features-server-keys.json", callers))
	answers(t, "http://"+address(8)+"/readyz")
	database = slices.Concat(database, featuresDatabase)
	control = slices.Concat(control, featuresDatabase)
	lending := postgres.Database(t)
	data := []string{"LOANOPS_DATA_DIRS=" + dir, "LOANOPS_CONNECTION_LENDING_FILE=" + file("lending.url", lending)}
	packed := pack(t, dir, slices.Concat(servers[:2], images), "loanops-api", "loanops-worker", "loanops")
	for _, one := range packed {
		isOfItsSize(t, one)
	}
	build := "LOANOPS_BUILD_ID=" + packed[1].Build // of the workers of all roles, the image's or not: runs go from one to the other
	database = append(database, build)
	control = append(control, build)
	launch(t, work(slices.Concat(servers, database, data), "trains"), "loanops-worker", "--roles", "data,train")
	deliver := func(folder string) (stop func()) {
		return launch(t, work(slices.Concat(control, images), folder), "loanops-worker", "--roles", "deliver")
	}

	operator := func(wantCode int, args ...string) []byte {
		cmd := exec.Command(filepath.Join(bin, "loanops"), args...)
		cmd.Dir = dir // without a state folder
		cmd.Env = append(work(control, "operator"), "LOANOPS_API_KEY=north-key")
		cmd.Stderr = &platformtest.Log{}
		out, _ := cmd.Output()
		require.Equal(t, wantCode, cmd.ProcessState.ExitCode(), "loanops %v\n%s", args, cmd.Stderr)
		return out
	}
	train := func(verdict string, args ...string) {
		var r result
		require.NoError(t, json.Unmarshal(operator(0, append([]string{"ct", "start", "--wait", "--output", "json"}, args...)...), &r))
		require.Equal(t, verdict, r.Verdict)
		var d decision
		require.NoError(t, json.Unmarshal(operator(0, "decide", "--example", "--output", "json"), &d))
		require.Equal(t, r.Model.Digest, d.Model.Digest)
	}
	stop := deliver("delivers-1")
	train("bootstrapped", "--pipeline", quickSpec(t, name), "--as-of", "2026-03-31")
	contained := containerOf(t, "http://"+address(6), packed[1].Reference, dir)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "delivers-2"), 0o700))
	require.NoError(t, contained.Give(filepath.Join(dir, "delivers-2"), filepath.Join(dir, "agent.token"), filepath.Join(dir, "rollback.token"), filepath.Join(dir, "synthetic.key")))
	health := "LOANOPS_HEALTH_ADDRESS=" + address(9)
	inImage, err := contained.Command(slices.Concat(work(control, "delivers-2")[2:], images, []string{health}), "--roles", "deliver") // PATH and HOME are the image's
	require.NoError(t, err)
	start(t, inImage)
	eventually(t, "the worker of the image to say that it takes work", time.Minute, func() bool {
		_, err := contained.Run([]string{health}, "/usr/local/bin/loanops-worker", "healthy")
		return err == nil
	})
	stop()
	train("promoted", name)
	at, err := os.Readlink(fmt.Sprintf("/proc/%d/root", inImage.Process.Pid))
	require.NoError(t, err)
	require.NotEqual(t, "/", at, "it sees the image's files and no others")

	// Features of a store whose database the worker that reads data and the operator know.
	definitions, err := filepath.Abs("../../features")
	require.NoError(t, err)
	operator(0, "features", "apply", definitions)

	// A lender's own database, which only the worker that reads data knows.
	operator(0, "simulate", "--rows", "4000", "--out", "rows.csv")
	fill(t, lending, filepath.Join(dir, "rows.csv"))
	var fromDatabase result
	require.NoError(t, json.Unmarshal(operator(0, "ct", "start", "--pipeline", lendingSpec(t), "--wait", "--output", "json"), &fromDatabase))
	require.Equal(t, "bootstrapped", fromDatabase.Verdict)
	operator(0, "features", "materialize", "payments")

	// Whoever applies is looked up there by the predictors, which have from the agent where and by which key.
	dueAt := time.Now().UTC().AddDate(0, 0, -2).Truncate(time.Second)
	store := &stores{features: "http://" + address(8), keys: map[string]string{"writer": "features-key"}}
	_, err = store.ask("/v1/features/payments", "writer", map[string]any{"events": []any{map[string]any{
		"event_id": "late", "entity": map[string]any{"applicant_id": "A-distributed"}, "event_timestamp": dueAt.Format(time.RFC3339),
		"values": map[string]any{"amount": 250, "late": true, "days_late": 1, "channel": "transfer"},
	}}})
	require.NoError(t, err)
	operator(0, "models", "show", "lending", "1", "--save", "lending")
	application := goldenIn(t, filepath.Join(dir, "lending"))
	delete(application, "late_30d")
	application["applicant_id"] = "A-distributed"
	body, err := json.Marshal(application)
	require.NoError(t, err)
	var decided struct {
		Features map[string]struct {
			Value          float64    `json:"value"`
			Status         string     `json:"status"`
			EventTimestamp *time.Time `json:"event_timestamp"`
		} `json:"features"`
	}
	require.NoError(t, json.Unmarshal(operator(0, "decide", file("application.json", string(body)), "--pipeline", "lending", "--output", "json"), &decided))
	late := decided.Features["late_30d"]
	require.Equal(t, "PRESENT", late.Status)
	require.EqualValues(t, 1, late.Value)
	require.Equal(t, &dueAt, late.EventTimestamp)

	// A push to a team's repository, found by a look at it: tested by a worker that has nothing of what a delivery needs, published, trained, delivered.
	team := newRepository(t)
	git(t, team.clone, "push", "--quiet", "origin", "main")
	known := []string{"LOANOPS_DATA_DIRS=" + filepath.Dir(team.bare), "LOANOPS_REPOSITORY_LOANS_URL=" + team.bare, "LOANOPS_REPOSITORY_LOANS_POLL=10s"}
	// The worker that publishes has another predictor than those that deliver.
	other := packOther(t, dir, slices.Concat(servers[:2], images))
	launch(t, work(slices.Concat(servers, database, images, known, []string{"LOANOPS_PREDICTOR_IMAGE=" + other}), "integrates"), "loanops-worker", "--roles", "integrate")
	launch(t, slices.Concat(servers, known), "loanops", "hooks", "--address", address(7))
	answers(t, "http://"+address(7)+"/healthz")
	eventually(t, "a model of the pipeline version that serves", 3*time.Minute, func() bool {
		shown := exec.Command(filepath.Join(bin, "loanops"), "serving", "show", small)
		shown.Dir, shown.Env = dir, work(control, "operator")
		out, err := shown.Output() // 5 until there is a record
		return err == nil && strings.Contains(string(out), "champion  1")
	})
	var versions []pipelineVersion
	require.NoError(t, json.Unmarshal(operator(0, "pipelines", "versions", small, "--output", "json"), &versions))
	require.Len(t, versions, 1)
	require.Equal(t, other, versions[0].Predictor)
	for pipeline, image := range map[string]string{small: other, name: packed[0].Reference} {
		require.Equal(t, []string{image}, imagesIn(t, "http://"+address(4), readingToken, "production", pipeline))
	}
	require.Equal(t, http.StatusUnauthorized, askAgent(t, "http://"+address(4), "", "production", small).StatusCode, "nobody reads there without a token")
	require.DirExists(t, filepath.Join(dir, "agent", "images", digestOf(t, other)[len("sha256:"):]), "it was measured in the image that serves")
	require.Contains(t, git(t, team.bare, "notes", "--ref=loanops", "show", "main"), "success", "the repository says what became of the commit")

	// A lineage is given to a state when it is made: the same in both folders means that the second worker found the first's.
	lineage := func(folder string) string {
		var state struct{ Lineage string }
		cmd := terraformIn(t, filepath.Join(dir, folder, "terraform", name, "production"), "state", "pull")
		cmd.Env = control
		out, err := cmd.Output()
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(out, &state))
		require.NotEmpty(t, state.Lineage)
		return state.Lineage
	}
	require.Equal(t, lineage("delivers-1"), lineage("delivers-2"))
	for _, attribute := range []string{`LoanOpsVerdict="promoted"`, `LoanOpsModelVersion=2`} {
		counted := "http://" + address(1) + "/api/v1/namespaces/default/workflow-count?query=" + url.QueryEscape(attribute)
		eventually(t, "a search for "+attribute, time.Minute, func() bool { return count(t, counted) > 0 })
	}
}

// goldenIn is the first application of a version's golden predictions, which were saved in a folder.
func goldenIn(t *testing.T, folder string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "golden.json"))
	require.NoError(t, err)
	var golden struct {
		Rows []struct {
			Application map[string]any `json:"application"`
		} `json:"rows"`
	}
	require.NoError(t, json.Unmarshal(data, &golden))
	require.NotEmpty(t, golden.Rows)
	return golden.Rows[0].Application
}

// fill makes a table applications of a CSV file's columns and rows, all texts, in the order of a number of its own.
func fill(t *testing.T, url, file string) {
	t.Helper()
	rows, err := os.Open(file)
	require.NoError(t, err)
	defer rows.Close()
	reader := bufio.NewReader(rows)
	header, err := reader.ReadString('\n')
	require.NoError(t, err)
	columns := `"` + strings.ReplaceAll(strings.TrimSpace(header), ",", `","`) + `"`
	connection, err := pgconn.Connect(t.Context(), url)
	require.NoError(t, err)
	defer connection.Close(t.Context())
	_, err = connection.Exec(t.Context(), "CREATE TABLE applications (place serial, "+strings.ReplaceAll(columns, ",", " text,")+" text)").ReadAll()
	require.NoError(t, err)
	_, err = connection.CopyFrom(t.Context(), reader, "COPY applications ("+columns+") FROM STDIN (FORMAT csv)")
	require.NoError(t, err)
}

// lendingSpec is the shipped pipeline, reading that table and looking features up. The machine's speed is not what the test is about.
func lendingSpec(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../pipelines/loan-eligibility.yaml")
	require.NoError(t, err)
	const simulated = "  simulate: {rows: 20000, seed: 20260630, from: 2024-01-01, to: 2026-06-30}\n"
	require.Contains(t, string(text), simulated)
	spec := strings.Replace(string(text), simulated, "  postgres: {connection: lending, table: applications, order_by: place}\n  known_at: 2026-06-30\n", 1)
	spec = strings.Replace(spec, "name: loan-eligibility", "name: lending", 1)
	spec = strings.Replace(spec, "ignore: [", "ignore: [place, ", 1)
	for old, now := range map[string]string{
		"feature_store: {given: true}": "feature_store: {given: true, deadline_millis: 1000}",
		"latency: {requests: 500, batch_size: 100, p99_millis: 50, batch_p99_millis: 250}": "latency: {requests: 100, batch_size: 100, p99_millis: 2000, batch_p99_millis: 5000}",
	} {
		require.Contains(t, spec, old)
		spec = strings.Replace(spec, old, now, 1)
	}
	file := filepath.Join(t.TempDir(), "lending.yaml")
	require.NoError(t, os.WriteFile(file, []byte(spec), 0o600))
	return file
}

// launch runs a program until it is stopped, or the test ends.
func launch(t *testing.T, environment []string, program string, args ...string) (stop func()) {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, program), args...)
	cmd.Env = environment
	return start(t, cmd)
}

// start runs a command until it is stopped, or the test ends.
func start(t *testing.T, cmd *exec.Cmd) (stop func()) {
	t.Helper()
	log := &platformtest.Log{}
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		stuck := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		stuck.Stop()
		if t.Failed() {
			t.Logf("%v:\n%s", cmd.Args, log)
		}
	})
	t.Cleanup(stop)
	return stop
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
