package agent

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/fault"
)

// poll asks for routes as a gateway does. An empty id is not a gateway.
func (b *bench) poll(id string, after int64) contract.Routes {
	query := url.Values{"after": {strconv.FormatInt(after, 10)}, "wait": {limit.String()}, "gateway": {id}}
	response, err := http.Get(b.server.URL + "/v1/environments/" + environment + "/routes?" + query.Encode())
	if err != nil {
		return contract.Routes{} // the bench is being closed
	}
	defer response.Body.Close()
	var routes contract.Routes
	_ = json.NewDecoder(response.Body).Decode(&routes)
	return routes
}

func TestWeightsAreChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	_, err := b.provider.PutTrack(t.Context(), "staging", product, contract.Green, b.spec(2, deploytest.Behaviour{}), 1)
	require.NoError(t, err)
	for _, test := range []struct {
		name    string
		weights map[string]int
		code    fault.Code
		says    string
	}{
		{"sum", map[string]int{"blue": 99}, fault.Invalid, "sum to 99"},
		{"none", map[string]int{}, fault.Invalid, "sum to 0"},
		{"negative", map[string]int{"blue": 110, "green": -10}, fault.Invalid, "want 0 to 100"},
		{"unknown slot", map[string]int{"red": 100}, fault.Invalid, `no slot "red"`},
		{"nothing runs there", map[string]int{"blue": 90, "green": 10}, fault.Conflict, "nothing runs there"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := b.provider.PutRoute(t.Context(), environment, product, test.weights, "", 1)
			require.Equal(t, test.code, fault.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, test.says)
			_, err = b.provider.Route(t.Context(), environment, product)
			require.True(t, contract.IsNotFound(err), "nothing was set")
		})
	}
	route, err := b.provider.PutRoute(t.Context(), environment, product, map[string]int{"blue": 100, "green": 0}, "", 1)
	require.NoError(t, err)
	require.Equal(t, "terraform", route.Writer)
	again, err := b.provider.PutRoute(t.Context(), environment, product, map[string]int{"blue": 100, "green": 0}, "", 1)
	require.NoError(t, err)
	require.Equal(t, route, again, "the same weights keep the revision")
}

func TestTrafficWaitsForARestartAndIsRefusedToWhatWasGivenUp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	b.kill(contract.Blue)
	_, err := b.provider.PutRoute(t.Context(), environment, product, map[string]int{"blue": 100}, "", 1)
	require.NoError(t, err, "a restart is waited for")
	require.NoError(t, b.provider.DeleteRoute(t.Context(), environment, product, 1))
	for range 4 {
		b.await("ready", func() bool { return b.track(contract.Blue).State == contract.TrackReady })
		b.kill(contract.Blue)
	}
	_, err = b.provider.PutRoute(t.Context(), environment, product, map[string]int{"blue": 100}, "", 1)
	require.Equal(t, fault.Conflict, fault.CodeOf(err))
	require.ErrorContains(t, err, "failed")
}

func TestRollbackSetsWeightsAndSaysSo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	b.put(contract.Green, b.spec(2, deploytest.Behaviour{}))
	_, err := b.provider.PutRoute(t.Context(), environment, product, map[string]int{"blue": 0, "green": 100}, "", 1)
	require.NoError(t, err)
	route, err := b.rollback.Rollback(t.Context(), environment, product, map[string]int{"blue": 100, "green": 0}, 1)
	require.NoError(t, err)
	require.Equal(t, "rollback", route.Writer)
	actual, err := b.provider.Actual(t.Context(), environment, product)
	require.NoError(t, err)
	require.Equal(t, route, *actual.Route)
}

func TestPollTellsWeightsTracksAndStates(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	track := b.put(contract.Blue, b.spec(4, deploytest.Behaviour{}))
	require.Empty(t, b.poll("", -1).Pipelines[product].Weights, "a track without a route gets no traffic")
	_, err := b.provider.PutRoute(t.Context(), environment, product, map[string]int{"blue": 100}, "", 1)
	require.NoError(t, err)
	routes := b.poll("", -1)
	require.Equal(t, map[string]contract.PipelineRoute{product: {
		Weights: map[string]int{"blue": 100},
		Tracks:  map[string]contract.RouteTrack{"blue": {URL: track.URL, ModelVersion: 4, PolicyDigest: track.Spec.PolicyDigest, State: contract.TrackReady}},
	}}, routes.Pipelines)
	require.Equal(t, routes, b.poll("", routes.Revision+1000), "an agent that lost its state answers at once")

	// A crash is told without being asked for.
	told := make(chan contract.Routes, 1)
	go func() { told <- b.poll("", routes.Revision) }()
	b.kill(contract.Blue)
	require.Equal(t, contract.TrackStarting, (<-told).Pipelines[product].Tracks["blue"].State)
}

func TestRouteReturnsOnceEveryPresentGatewayHasAcknowledged(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(a *agent) { a.acknowledgeWait = time.Hour })
	b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	known := b.poll("", -1).Revision
	heard := make(chan contract.Routes, 2)
	for _, id := range []string{"one", "two"} {
		go func() { heard <- b.poll(id, known) }()
	}
	b.await("both gateways", func() bool {
		b.agent.mu.Lock()
		defer b.agent.mu.Unlock()
		return len(b.agent.gateways[environment]) == 2
	})
	done := make(chan error, 1)
	go func() {
		_, err := b.provider.PutRoute(t.Context(), environment, product, map[string]int{"blue": 100}, "", 1)
		done <- err
	}()
	revision := (<-heard).Revision
	require.Equal(t, revision, (<-heard).Revision)
	go b.poll("one", revision)
	b.await("one's acknowledgement", func() bool {
		b.agent.mu.Lock()
		defer b.agent.mu.Unlock()
		return b.agent.gateways[environment]["one"].after == revision
	})
	select {
	case <-done:
		t.Fatal("returned although gateway two still routes by the old weights")
	default:
	}
	go b.poll("two", revision)
	require.NoError(t, <-done)
}

func TestDeadGatewayHoldsADeliveryUpForALimitedTimeOnly(t *testing.T) {
	t.Parallel()
	const wait = 50 * time.Millisecond
	c := &clock{now: time.Unix(0, 0)}
	b := newBench(t, func(a *agent) { a.acknowledgeWait, a.now = wait, c.Now })
	b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	b.poll("dies now", -1)
	began := time.Now()
	_, err := b.provider.PutRoute(t.Context(), environment, product, map[string]int{"blue": 100}, "", 1)
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(began), wait)

	b.agent.mu.Lock()
	b.agent.acknowledgeWait = time.Hour
	b.agent.mu.Unlock()
	c.advance(gatewayPresence + time.Second)
	require.NoError(t, b.provider.DeleteRoute(t.Context(), environment, product, 1), "not heard of for long: not waited for")
}
