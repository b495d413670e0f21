package agent

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/problem"
)

// send sends a raw request and returns the status and the problem, when it is one.
func (b *bench) send(t *testing.T, method, path, token, mediaType, body string) (int, problem.Problem) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, b.server.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	if token != "" {
		request.Header.Set("Authorization", token)
	}
	request.Header.Set("Content-Type", mediaType)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	var p problem.Problem
	if response.Header.Get("Content-Type") == "application/problem+json" {
		require.NoError(t, json.Unmarshal(data, &p))
		require.Equal(t, response.StatusCode, p.Status)
	}
	return response.StatusCode, p
}

const base = "/v1/environments/production/pipelines/loan-eligibility"

func TestWritesNeedTheirWritersToken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const provider, rollback = "Bearer " + providerToken, "Bearer " + rollbackToken
	for _, write := range []struct{ method, path, allowed, refused string }{
		{"PUT", base + "/tracks/blue", provider, rollback},
		{"DELETE", base + "/tracks/blue", provider, rollback},
		{"PUT", base + "/route", provider, rollback},
		{"DELETE", base + "/route", provider, rollback},
		{"POST", base + "/rollback", rollback, provider},
	} {
		t.Run(write.method+" "+write.path, func(t *testing.T) {
			for _, token := range []string{"", "Bearer", "Bearer ", write.refused, write.allowed + "x", strings.TrimPrefix(write.allowed, "Bearer "), "Basic " + providerToken} {
				status, problem := b.send(t, write.method, write.path, token, "application/json", "{}")
				require.Equal(t, http.StatusUnauthorized, status, "token %q", token)
				require.Equal(t, fault.Unauthorized, problem.Code)
				require.NotContains(t, problem.Detail, "token-for-tests")
			}
			status, _ := b.send(t, write.method, write.path, write.allowed, "application/json", "{}")
			require.NotEqual(t, http.StatusUnauthorized, status)
		})
	}
}

// Where reads need a token the writers' do as well; the gateways' writes nothing.
func TestReadsNeedATokenWhereGatewaysHaveOne(t *testing.T) {
	t.Parallel()
	closed, open := newBench(t, func(a *agent) { a.cfg.GatewayToken = gatewayToken }), newBench(t)
	for path, found := range map[string]int{
		base: http.StatusOK, base + "/tracks/blue": http.StatusNotFound, base + "/tracks/blue?settled=true": http.StatusNotFound, base + "/route": http.StatusNotFound,
		"/v1/environments/production/routes?gateway=g&after=-1&wait=1s": http.StatusOK,
	} {
		for _, token := range []string{gatewayToken, providerToken, rollbackToken} {
			status, _ := closed.send(t, "GET", path, "Bearer "+token, "", "")
			require.Equal(t, found, status, "%s with %s", path, token)
		}
		for _, token := range []string{"", "Bearer ", gatewayToken, "Basic " + gatewayToken, "Bearer " + gatewayToken + "x"} {
			status, problem := closed.send(t, "GET", path, token, "", "")
			require.Equal(t, http.StatusUnauthorized, status, "%s with %q", path, token)
			require.Contains(t, problem.Detail, "the gateway's token")
			require.NotContains(t, problem.Detail, "token-for-tests")
		}
		status, _ := open.send(t, "GET", path, "", "", "")
		require.Equal(t, found, status, "%s where there is no such token", path)
	}
	for _, write := range [][2]string{
		{"PUT", "/tracks/blue"}, {"DELETE", "/tracks/blue"}, {"PUT", "/route"}, {"DELETE", "/route"}, {"POST", "/rollback"}, {"PUT", "/generation"},
	} {
		for _, b := range []*bench{closed, open} {
			for _, token := range []string{"Bearer " + gatewayToken, "Bearer "} {
				status, _ := b.send(t, write[0], base+write[1], token, "application/json", "{}")
				require.Equal(t, http.StatusUnauthorized, status, "%v", write)
			}
		}
	}
	status, _ := closed.send(t, "GET", "/healthz", "", "", "")
	require.Equal(t, http.StatusOK, status)
}

// Whoever is refused is no gateway that a change waits for.
func TestARefusedPollIsNoAcknowledgement(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(a *agent) { a.cfg.GatewayToken = gatewayToken })
	_, err := contract.NewAgentClient(b.server.URL, "another-token-for-tests").Routes(t.Context(), environment, "stranger", -1, 0)
	require.Equal(t, fault.Unauthorized, fault.CodeOf(err), "%v", err)
	_, err = contract.NewAgentClient(b.server.URL, gatewayToken).Routes(t.Context(), environment, "gateway", -1, 0)
	require.NoError(t, err)
	b.agent.mu.Lock()
	defer b.agent.mu.Unlock()
	require.Len(t, b.agent.gateways[environment], 1)
	require.Contains(t, b.agent.gateways[environment], "gateway")
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, test := range []struct {
		name, method, path, media, body string
		status                          int
		says                            string
	}{
		{"unknown field", "PUT", base + "/route", "application/json", `{"weights":{"blue":100},"extra":1}`, 422, "extra"},
		{"two objects", "PUT", base + "/route", "application/json", `{"weights":{"blue":100}} {}`, 422, "nothing after it"},
		{"no JSON", "PUT", base + "/route", "application/json", `weights`, 422, "body"},
		{"wrong type", "PUT", base + "/route", "application/json", `{"weights":{"blue":"100"}}`, 422, "weights"},
		{"half a percent", "PUT", base + "/route", "application/json", `{"weights":{"blue":99.5,"green":0.5}}`, 422, "weights"},
		{"too long", "PUT", base + "/route", "application/json", `{"weights":{"` + strings.Repeat("x", maxBody) + `":1}}`, 422, "too large"},
		{"media type", "PUT", base + "/route", "text/plain", `{}`, 422, "application/json"},
		{"slot", "PUT", base + "/tracks/red", "application/json", `{}`, 422, `no slot "red"`},
		{"path traversal", "PUT", "/v1/environments/production/pipelines/..%2F..%2Fetc/tracks/blue", "application/json", `{}`, 422, "pipeline"},
		{"every wrong field", "PUT", base + "/tracks/blue", "application/json", `{"policy":"{}","drill":"explode"}`, 422, "meaning"},
		{"no such path", "GET", "/v2/anything", "", "", 404, "/v2/anything"},
		{"no such method", "POST", base, "", "", 404, "POST"},
		{"no generation", "PUT", base + "/route", "application/json", `{"weights":{"blue":100}}`, 422, "generation"},
		{"generation in the query", "DELETE", base + "/route?generation=x", "", "", 422, "generation"},
		{"no generation in the query", "DELETE", base + "/tracks/blue", "", "", 422, "generation"},
		{"generation to teach", "PUT", base + "/generation", "application/json", `{"generation":0}`, 422, "generation"},
		{"revision", "GET", "/v1/environments/production/routes?after=x", "", "", 422, "after"},
		{"wait", "GET", "/v1/environments/production/routes?wait=-1s", "", "", 422, "wait"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, problem := b.send(t, test.method, test.path, "Bearer "+providerToken, test.media, test.body)
			require.Equal(t, test.status, status, problem.Detail)
			require.Contains(t, problem.Detail, test.says)
		})
	}
	require.Zero(t, b.launchedProcesses())
}

func TestEitherTokenTeaches(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, token := range []string{providerToken, rollbackToken} {
		status, _ := b.send(t, "PUT", base+"/generation", "Bearer "+token, "application/json", `{"generation":2}`)
		require.Equal(t, http.StatusNoContent, status)
	}
	for _, token := range []string{"", "Bearer ", "Bearer " + providerToken + rollbackToken, providerToken} {
		status, problem := b.send(t, "PUT", base+"/generation", token, "application/json", `{"generation":3}`)
		require.Equal(t, http.StatusUnauthorized, status, "token %q", token)
		require.NotContains(t, problem.Detail, "token-for-tests")
	}
	require.Equal(t, int64(2), b.actual().Generation)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	status, _ := b.send(t, "GET", "/healthz", "", "", "")
	require.Equal(t, http.StatusOK, status)
}
