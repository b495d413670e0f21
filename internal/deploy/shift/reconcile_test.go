package shift_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest/agenttest"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// target is an agent without processes.
type target struct {
	fence  serving.Fence
	actual contract.Actual
	shifts int
}

func (a *target) Actual(context.Context, string, string) (contract.Actual, error) {
	a.actual.Generation = a.fence.Newest
	return a.actual, nil
}

func (a *target) Teach(_ context.Context, _, _ string, generation int64) error {
	return a.fence.Teach(generation)
}

func (a *target) Rollback(_ context.Context, _, _ string, weights map[string]int, generation int64) (contract.Route, error) {
	if err := a.fence.Admit(generation); err != nil {
		return contract.Route{}, err
	}
	a.shifts++
	a.actual.Route = &contract.Route{Weights: weights, Generation: generation}
	return *a.actual.Route, nil
}

// running is what runs in blue and green, 0 for nothing, all of it ready, with what the route says.
func running(blue, green int, route *contract.Route) contract.Actual {
	actual := contract.Actual{Tracks: map[string]contract.Track{}, Route: route}
	for slot, version := range map[string]int{contract.Blue: blue, contract.Green: green} {
		if version > 0 {
			actual.Tracks[slot] = contract.Track{Slot: slot, State: contract.TrackReady, Spec: contract.TrackSpec{
				ModelVersion: version, PolicyDigest: track(version).Policy, Digest: digest(version),
			}}
		}
	}
	return actual
}

func digest(version int) string { return string(rune('a' + version)) }

// mirroring gives blue all traffic and copies of it to slot.
func mirroring(slot string) *contract.Route {
	route := shared(100, 0)
	route.Mirror = slot
	return route
}

func shared(blue, green int) *contract.Route {
	return &contract.Route{Weights: map[string]int{"blue": blue, "green": green}}
}

// promotedInMemory is promoted without an agent's processes.
func promotedInMemory(t *testing.T) (*target, *records) {
	t.Helper()
	reg := delivered(t, 2)
	for version := 1; version <= 2; version++ {
		reg.versions[version] = registry.ModelVersion{Name: agenttest.Pipeline, Version: version, Digest: digest(version)}
	}
	return &target{fence: serving.Fence{Newest: 4}, actual: running(1, 2, shared(0, 100))}, reg
}

// canary is a record of that generation: version 1 is champion and version 2 has weight percent.
func canary(t *testing.T, weight int) serving.Record {
	t.Helper()
	reg := delivered(t, 1)
	reg.write(reg.newest().Canary(track(2), weight, ""))
	return reg.newest()
}

func prepared(t *testing.T) serving.Record {
	t.Helper()
	reg := delivered(t, 0)
	reg.write(reg.newest().Prepare(track(1), ""))
	return reg.newest()
}

func TestReconcile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		record serving.Record
		known  int64
		runs   contract.Actual
		want   map[string]int
		code   fault.Code
		says   string
	}{
		{"the champion alone", delivered(t, 1).newest(), 1, running(1, 0, nil), map[string]int{"blue": 100, "green": 0}, "", ""},
		{"the champion in green", delivered(t, 2).newest(), 3, running(1, 2, shared(50, 50)), map[string]int{"blue": 0, "green": 100}, "", ""},
		{"a canary", canary(t, 30), 3, running(2, 1, shared(0, 100)), map[string]int{"blue": 30, "green": 70}, "", ""},
		{"nothing known yet", canary(t, 30), 0, running(2, 1, shared(0, 100)), map[string]int{"blue": 30, "green": 70}, "", ""},
		{"no champion", prepared(t), 0, running(1, 0, nil), nil, "", ""},
		{"overtaken", canary(t, 30), 4, running(2, 1, shared(0, 100)), map[string]int{"blue": 0, "green": 100}, fault.Conflict, "the newest is 4"},
		{"the champion does not run", delivered(t, 1).newest(), 2, running(2, 0, shared(100, 0)), map[string]int{"blue": 100, "green": 0},
			fault.Conflict, "version 1 of loan-eligibility shall have 100 % of the traffic in production and does not run there (blue: version 2, ready; green: nothing)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			agent := &target{fence: serving.Fence{Newest: test.known}, actual: test.runs}
			for range 2 {
				err := shift.Reconcile(t.Context(), agent, test.record)
				if test.code != "" {
					require.Equal(t, test.code, fault.CodeOf(err), "%v", err)
					require.ErrorContains(t, err, test.says)
				} else {
					require.NoError(t, err)
				}
				require.Equal(t, max(test.known, test.record.Generation), agent.fence.Newest, "the agent is told, whatever then follows")
				if test.want == nil {
					require.Nil(t, agent.actual.Route)
					continue
				}
				require.Equal(t, test.want, agent.actual.Route.Weights)
			}
		})
	}
}

func TestWeights(t *testing.T) {
	t.Parallel()
	aborted := canary(t, 30).Abort()
	for _, test := range []struct {
		name   string
		record serving.Record
		runs   contract.Actual
		want   map[string]int
	}{
		{"champion in blue", delivered(t, 1).newest(), running(1, 2, nil), map[string]int{"blue": 100, "green": 0}},
		{"champion in green", delivered(t, 1).newest(), running(2, 1, nil), map[string]int{"blue": 0, "green": 100}},
		{"champion in both, where more traffic goes", delivered(t, 1).newest(), running(1, 1, shared(10, 90)), map[string]int{"blue": 0, "green": 100}},
		{"canary", canary(t, 1), running(1, 2, nil), map[string]int{"blue": 99, "green": 1}},
		{"aborted, the challenger still runs", aborted, running(2, 1, shared(30, 70)), map[string]int{"blue": 0, "green": 100}},
		{"aborted, the challenger is gone", aborted, running(0, 1, shared(30, 70)), map[string]int{"blue": 0, "green": 100}},
		{"nothing serves", prepared(t), running(1, 0, nil), map[string]int{"blue": 0, "green": 0}},
		{"no track of the champion", delivered(t, 1).newest(), running(0, 2, nil), nil},
		{"no track of the challenger", canary(t, 30), running(1, 0, nil), nil},
	} {
		weights, err := shift.Weights(test.record, test.runs)
		if test.want == nil {
			require.Equal(t, fault.Conflict, fault.CodeOf(err), "%s: %v", test.name, err)
			continue
		}
		require.NoError(t, err, test.name)
		require.Equal(t, test.want, weights, test.name)
	}
}

func TestOutOfSync(t *testing.T) {
	t.Parallel()
	champion, shares, first := delivered(t, 1).newest(), canary(t, 30), prepared(t)
	for _, test := range []struct {
		name   string
		record serving.Record
		runs   contract.Actual
		change func(*contract.Actual)
		want   string
	}{
		{"as recorded", champion, running(1, 0, shared(100, 0)), nil, ""},
		{"a former champion besides", champion, running(1, 5, shared(100, 0)), nil, ""},
		{"a canary as recorded", shares, running(1, 2, shared(70, 30)), nil, ""},
		{"copies as recorded", canary(t, 0), running(1, 2, mirroring(contract.Green)), nil, ""},
		{"no copies", canary(t, 0), running(1, 2, shared(100, 0)), nil, "version 2 gets no copies of requests"},
		{"copies to nobody's use", champion, running(1, 5, mirroring(contract.Green)), nil, "copies of requests go to slot green"},
		{"copies beside a share", shares, running(1, 2, func() *contract.Route { r := shared(70, 30); r.Mirror = contract.Green; return r }()), nil, "copies of requests go to slot green"},
		{"a drilled challenger", shares, running(1, 2, shared(70, 30)), drilled(contract.Green), ""},
		{"the first challenger", first, running(1, 0, nil), nil, ""},
		{"nothing at all", serving.Record{}, running(0, 0, nil), nil, ""},
		{"routed without a champion", first, running(1, 0, shared(100, 0)), nil, "traffic is routed although there is no champion"},
		{"not running", champion, running(0, 2, shared(0, 100)), nil, "version 1 does not run"},
		{"no route", champion, running(1, 0, nil), nil, "version 1 has 0 % of the traffic instead of 100 %"},
		{"wrong weight", shares, running(1, 2, shared(50, 50)), nil, "version 1 has 50 % of the traffic instead of 70 %"},
		{"the challenger does not run", shares, running(1, 0, shared(70, 30)), nil, "version 2 does not run"},
		{"given up", champion, running(1, 0, shared(100, 0)), func(a *contract.Actual) {
			held := a.Tracks[contract.Blue]
			held.State, held.Message = contract.TrackFailed, "it crashed"
			a.Tracks[contract.Blue] = held
		}, "version 1 is failed: it crashed"},
		{"a drilled champion", champion, running(1, 0, shared(100, 0)), drilled(contract.Blue), "version 1 runs under the drill delay=1ms"},
		{"the agent is behind", champion, running(1, 0, shared(100, 0)), func(a *contract.Actual) { a.Generation = 1 },
			"the agent has heard of generation 1, the record's is 2"},
	} {
		test.runs.Generation = test.record.Generation
		if test.change != nil {
			test.change(&test.runs)
		}
		require.Equal(t, test.want, shift.OutOfSync(test.record, test.runs), test.name)
	}
}

func drilled(slot string) func(*contract.Actual) {
	return func(a *contract.Actual) {
		held := a.Tracks[slot]
		held.Spec.Drill = "delay=1ms"
		a.Tracks[slot] = held
	}
}
