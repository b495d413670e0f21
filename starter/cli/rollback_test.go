package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/problem"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/workflows"
)

// canaryAgent is an agent under which loans run as recorded left them: version 2 in blue, version 3 in green with 20 %.
type canaryAgent struct {
	weights map[string]int
	token   string
	// shift answers a rollback; nil does it.
	shift func() *problem.Problem
}

func (a *canaryAgent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := func(status int, body any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	path := strings.TrimPrefix(r.URL.Path, "/v1/environments/production/pipelines/loans")
	switch {
	case r.Method == http.MethodGet && path == "":
		actual := contract.Actual{Route: &contract.Route{Weights: a.weights}, Tracks: map[string]contract.Track{}}
		for slot, version := range map[string]int{contract.Blue: 2, contract.Green: 3} {
			actual.Tracks[slot] = contract.Track{
				State: contract.TrackReady, Spec: contract.TrackSpec{
					ModelVersion: version, PolicyDigest: strings.Repeat("p", 64), Digest: strings.Repeat(strconv.Itoa(version-1), 64),
				},
			}
		}
		answer(http.StatusOK, actual)
	case r.Method == http.MethodPut && path == "/generation":
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPost && path == "/rollback":
		if r.Header.Get("Authorization") != "Bearer "+a.token {
			answer(http.StatusUnauthorized, problem.New(http.StatusUnauthorized, "the token is not the rollback's"))
			return
		}
		if a.shift != nil {
			if p := a.shift(); p != nil {
				answer(p.Status, p)
				return
			}
		}
		var request contract.RouteRequest
		_ = json.NewDecoder(r.Body).Decode(&request)
		a.weights = request.Weights
		answer(http.StatusOK, contract.Route{Weights: a.weights})
	default:
		answer(http.StatusNotFound, problem.New(http.StatusNotFound, "no such path"))
	}
}

// inCanary is a platform in that canary, whose Temporal is away.
func inCanary(t *testing.T) (*canaryAgent, registry.Registry) {
	t.Helper()
	reg, _ := recorded(t)
	agent := &canaryAgent{weights: map[string]int{"blue": 80, "green": 20}, token: "secret"}
	server := httptest.NewServer(agent)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "rollback.token")
	require.NoError(t, os.WriteFile(file, []byte("secret\n"), 0o600))
	t.Setenv("LOANOPS_AGENT", server.URL)
	t.Setenv("LOANOPS_ROLLBACK_TOKEN_FILE", file)
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	t.Setenv("USER", "grace")
	return agent, reg
}

// What was asked for is done although nobody lets Terraform follow yet.
func TestRollbackWithoutTemporal(t *testing.T) {
	agent, reg := inCanary(t)
	stdout, stderr, code := run(t, "rollback", "loans", "--reason", "complaints", "--wait")
	require.Equal(t, 0, code, stderr)
	require.Equal(t, "rolled back loans from version 3 to 2: complaints\n", stdout)
	require.Contains(t, stderr, "production follows the rollback in Terraform when the next worker starts, since Temporal does not answer: ")
	require.Equal(t, map[string]int{"blue": 100, "green": 0}, agent.weights)
	newest, err := reg.Serving(t.Context(), "loans", serving.Production)
	require.NoError(t, err)
	require.Equal(t, serving.RolledBack, newest.Change)
	require.True(t, strings.HasPrefix(newest.Operation, "rollback-"))
	require.Equal(t, serving.Author{Writer: "grace", Actor: "grace", Reason: "complaints", Operation: newest.Operation}, newest.Author)

	// Again, as somebody does who is not sure: no other record, the same answer for programs.
	agent.weights = map[string]int{"blue": 80, "green": 20}
	result := object[workflows.Result](t, "rollback", "loans", "--reason", "are you sure?")
	require.Equal(t, workflows.RolledBack, result.Verdict)
	require.NotNil(t, result.Artifacts, "an object, in JSON as well")
	require.Equal(t, workflows.ModelRef{Name: "loans", Version: 2, Digest: strings.Repeat("1", 64)}, result.Model)
	require.Equal(t, map[string]int{"blue": 100, "green": 0}, agent.weights)
	again, err := reg.Serving(t.Context(), "loans", serving.Production)
	require.NoError(t, err)
	require.Equal(t, newest, again)
}

// What another try cannot mend ends the command at once, each fault with its exit code.
func TestRollbackEndsAtOnceByAPermanentFault(t *testing.T) {
	for _, test := range []struct {
		name    string
		args    []string
		prepare func(*canaryAgent)
		code    int
		says    string
		stands  bool // in the record
	}{
		{"the challenger", []string{"--version", "3"}, func(*canaryAgent) {}, exitRefused, "is the challenger of a canary", false},
		{"not running", []string{"--version", "1"}, func(*canaryAgent) {}, exitRefused, "loanops cd start loans --version 1", false},
		{"no such version", []string{"--version", "9"}, func(*canaryAgent) {}, exitRefused, "version 9 of loans does not run", false},
		{"the wrong token", nil, func(a *canaryAgent) { a.token = "another" }, exitFault, "repeat the rollback: the token is not the rollback's", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			agent, reg := inCanary(t)
			test.prepare(agent)
			stdout, stderr, code := run(t, append([]string{"rollback", "loans", "--reason", "complaints"}, test.args...)...)
			require.Equal(t, test.code, code, stderr)
			require.Empty(t, stdout)
			require.Contains(t, stderr, test.says)
			require.NotContains(t, stderr, "trying again")
			newest, err := reg.Serving(t.Context(), "loans", serving.Production)
			require.NoError(t, err)
			require.Equal(t, test.stands, newest.Change == serving.RolledBack)
			require.Equal(t, test.stands, strings.Contains(stderr, "when the next worker starts"), "what is recorded is to be followed, whatever the agent said")
		})
	}
}

// The run that follows a rollback is ended by the next one's, which follows both: that one is waited for. A run that a person ended is a fault.
func TestAFollowerThatWasEnded(t *testing.T) {
	closed := make(chan struct{})
	close(closed)
	terminated := &workflowRun{id: "rollback-loans", run: "1", err: fmt.Errorf("run: %w", &temporal.TerminatedError{}), ended: closed}
	for name, test := range map[string]struct {
		next *workflowRun
		says string
		err  string
	}{
		"by another rollback": {&workflowRun{id: "rollback-loans", run: "2", ended: closed}, "another rollback was recorded meanwhile", ""},
		"by a person":         {terminated, "", "somebody ended rollback-loans"},
	} {
		t.Run(name, func(t *testing.T) {
			var said bytes.Buffer
			err := (&app{err: &said}).followed(t.Context(), &server{newest: test.next}, terminated)
			require.Contains(t, said.String(), test.says)
			if test.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.err)
		})
	}
}

// Somebody wrote after the rollback was recorded and before traffic followed: the command says who, and does not write again.
func TestARollbackThatIsOvertaken(t *testing.T) {
	agent, reg := inCanary(t)
	agent.shift = func() *problem.Problem {
		newest, err := reg.Serving(t.Context(), "loans", serving.Production)
		if err != nil || newest.Change != serving.RolledBack {
			return problem.New(http.StatusInternalServerError, "nothing was recorded")
		}
		author := serving.Author{Writer: "delivery-loans/run-9", Actor: "ada", Reason: "it was lost", Operation: "op-9"}
		next, err := newest.Canary(serving.Track{Version: 3, Policy: newest.Champion.Policy}, 5, "")
		if err != nil {
			return problem.New(http.StatusInternalServerError, err.Error())
		}
		if _, err := reg.TakeGeneration(context.Background(), next.By(author)); err != nil {
			return problem.New(http.StatusInternalServerError, err.Error())
		}
		return problem.New(http.StatusConflict, "generation 6 is overtaken: the newest is 7")
	}
	stdout, stderr, code := run(t, "rollback", "loans", "--reason", "complaints")
	require.Equal(t, exitAborted, code, stderr)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "overtaken since by generation 7 (canary by delivery-loans/run-9: it was lost)")
	newest, err := reg.Serving(t.Context(), "loans", serving.Production)
	require.NoError(t, err)
	require.EqualValues(t, 7, newest.Generation)
}

// waiting is a registry whose newest record is a rollback, and an agent that is away until it has been asked so often.
type waiting struct {
	shift.Registry
	shift.Agent
	away, asked int
	hangs       bool // from the second time on it does not answer at all
}

func (w *waiting) Serving(context.Context, string, string) (serving.Record, error) {
	return serving.Record{
		Pipeline: "loans", Environment: serving.Production, Generation: 4, Change: serving.RolledBack, Champion: &serving.Track{Version: 2},
		Author: serving.Author{Reason: "complaints"},
	}, nil
}

func (w *waiting) ServingHistory(ctx context.Context, pipeline, environment string) ([]serving.Record, error) {
	newest, err := w.Serving(ctx, pipeline, environment)
	return []serving.Record{newest}, err
}

func (w *waiting) Version(context.Context, string, int) (registry.ModelVersion, error) {
	return registry.ModelVersion{Digest: "digest"}, nil
}

func (w *waiting) Teach(ctx context.Context, _, _ string, _ int64) error {
	if ctx.Err() != nil {
		return fault.Wrap(fault.Unavailable, ctx.Err(), "asking the agent")
	}
	w.asked++
	if w.hangs && w.asked > 1 {
		<-ctx.Done()
		return fault.Wrap(fault.Unavailable, ctx.Err(), "asking the agent")
	}
	if w.asked <= w.away {
		return fault.New(fault.Unavailable, "the agent is away")
	}
	return nil
}

func (w *waiting) Actual(context.Context, string, string) (contract.Actual, error) {
	return contract.Actual{Tracks: map[string]contract.Track{contract.Green: {Spec: contract.TrackSpec{ModelVersion: 2}}}}, nil
}

func (w *waiting) Rollback(context.Context, string, string, map[string]int, int64) (contract.Route, error) {
	return contract.Route{}, nil
}

func TestARollbackIsTriedForALimitedTime(t *testing.T) {
	for name, test := range map[string]struct {
		away  int
		hangs bool
		limit time.Duration // of the command's context; 0 for none
		took  time.Duration
		err   string
	}{
		"the agent answers":       {},
		"it comes back":           {away: 4, took: 4 * rollbackPause},
		"it stays away":           {away: 1000, took: rollbackLimit, err: "the agent is away"},
		"it does not answer":      {away: 1000, hangs: true, took: rollbackLimit, err: "the agent is away"},
		"the command has no time": {away: 1000, limit: time.Second, took: time.Second, err: "the agent is away"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if test.limit > 0 {
					limited, cancel := context.WithTimeout(ctx, test.limit)
					defer cancel()
					ctx = limited
				}
				var said bytes.Buffer
				world := &waiting{away: test.away, hangs: test.hangs}
				begin := time.Now()
				done, err := (&app{err: &said}).rollBack(ctx, world, world, &shift.Request{Model: "loans"}, shift.Wanted{})
				require.Equal(t, test.took, time.Since(begin))
				require.Equal(t, min(test.away, 1), strings.Count(said.String(), "not yet, trying again"), "said once: %s", said.String())
				if test.err != "" {
					require.Equal(t, fault.Unavailable, fault.CodeOf(err))
					require.ErrorContains(t, err, test.err)
					require.NotContains(t, err.Error(), "deadline", "the last reason tells more")
					require.EqualValues(t, 4, done.Record.Generation, "what is recorded is followed, also when the time is over")
					return
				}
				require.NoError(t, err)
				require.Equal(t, 2, done.To)
				require.Equal(t, test.away+1, world.asked)
			})
		})
	}
}

// With the agent away the end of a canary is recorded all the same, for whoever makes traffic follow; where it has to say whether what is
// gone back to runs at all, nothing is recorded. The command says what it waited for.
func TestARollbackWhoseAgentIsAway(t *testing.T) {
	for name, test := range map[string]struct {
		args       []string
		generation int64
	}{"the end of a canary": {nil, 6}, "the same by its name": {[]string{"--version", "2"}, 6}, "an older version": {[]string{"--version", "1"}, 5}} {
		t.Run(name, func(t *testing.T) {
			_, reg := inCanary(t)
			t.Setenv("LOANOPS_AGENT", "http://127.0.0.1:1")
			ctx, cancel := context.WithTimeout(t.Context(), 2*rollbackPause)
			defer cancel()
			var said bytes.Buffer
			code := Run(ctx, append([]string{"rollback", "loans", "--reason", "complaints"}, test.args...), nil, &said, &said)
			require.Equal(t, exitInterrupted, code)
			require.Contains(t, said.String(), "not yet, trying again for 30s: ")
			require.Contains(t, said.String(), "agent at http://127.0.0.1:1 does not answer")
			newest, err := reg.Serving(t.Context(), "loans", serving.Production)
			require.NoError(t, err)
			require.Equal(t, test.generation, newest.Generation)
		})
	}
}

// abortsMeanwhile is a registry in which the delivery gives its canary up just before the rollback is recorded.
type abortsMeanwhile struct {
	registry.Registry
	done bool
}

func (r *abortsMeanwhile) TakeGeneration(ctx context.Context, next serving.Record) (serving.Record, error) {
	if !r.done {
		r.done = true
		newest, err := r.Serving(ctx, next.Pipeline, next.Environment)
		if err != nil {
			return newest, err
		}
		author := serving.Author{Writer: "delivery-loans/run-9", Actor: "ada", Reason: "too many errors", Operation: "op-9"}
		if _, err := r.Registry.TakeGeneration(ctx, newest.Abort().By(author)); err != nil {
			return newest, err
		}
	}
	return r.Registry.TakeGeneration(ctx, next)
}

// Asked to end a canary, the command ends there, and does not go on to the version before the champion because the canary has ended.
func TestARollbackChoosesItsTargetOnce(t *testing.T) {
	agent, reg := inCanary(t)
	client := contract.NewAgentClient(os.Getenv("LOANOPS_AGENT"), agent.token)
	request := shift.Request{Model: "loans", Author: serving.Author{Writer: "grace", Actor: "grace", Reason: "complaints", Operation: "op-10"}}
	var said bytes.Buffer
	done, err := (&app{err: &said}).rollBack(t.Context(), &abortsMeanwhile{Registry: reg}, client, &request, shift.Wanted{})
	require.NoError(t, err)
	require.Contains(t, said.String(), "not yet")
	require.Equal(t, 2, done.To)
	require.Equal(t, serving.Aborted, done.Record.Change)
	require.Equal(t, map[string]int{"blue": 100, "green": 0}, agent.weights)
	newest, err := reg.Serving(t.Context(), "loans", serving.Production)
	require.NoError(t, err)
	require.Equal(t, done.Record, newest)
}
