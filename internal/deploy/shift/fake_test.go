package shift_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

const model = "loan-eligibility"

// track is version n under the policy of the tests.
func track(n int) serving.Track { return serving.Track{Version: n, Policy: "policy"} }

func digest(version int) string { return fmt.Sprintf("digest-%d", version) }

// site is a registry and an agent in memory.
type site struct {
	records []serving.Record
	tracks  map[string]contract.Track
	route   *contract.Route
	fence   serving.Fence
	// fails is what the agent's writes answer, away what its reads do.
	fails, away error
	digests     map[int]string
}

// newSite is production after two deliveries: version 1 in blue is previous, version 2 in green is champion.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{tracks: map[string]contract.Track{}, digests: map[int]string{1: digest(1), 2: digest(2), 3: digest(3)}}
	s.put(contract.Blue, 1)
	s.write(t, func(r serving.Record) (serving.Record, error) { return r.Prepare(track(1), "") })
	s.write(t, serving.Record.Promote)
	s.put(contract.Green, 2)
	s.write(t, func(r serving.Record) (serving.Record, error) { return r.Canary(track(2), 20, "") })
	s.write(t, serving.Record.Promote)
	s.serve(0, 100)
	return s
}

// withCanary is production while version 3 takes the slot of version 1.
func withCanary(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.put(contract.Blue, 3)
	s.write(t, func(r serving.Record) (serving.Record, error) { return r.Canary(track(3), 20, "") })
	s.serve(20, 80)
	return s
}

func (s *site) put(slot string, version int) {
	s.tracks[slot] = contract.Track{Slot: slot, State: contract.TrackReady, Spec: contract.TrackSpec{ModelVersion: version, PolicyDigest: "policy", Digest: digest(version)}}
}

// serve is traffic as the newest record asks for it.
func (s *site) serve(blue, green int) {
	s.fence.Newest = s.newest().Generation
	s.route = &contract.Route{Weights: map[string]int{contract.Blue: blue, contract.Green: green}, Generation: s.fence.Newest}
}

func (s *site) newest() serving.Record {
	if len(s.records) == 0 {
		return serving.Record{Pipeline: model, Environment: serving.Production}
	}
	return s.records[len(s.records)-1]
}

// write is what a delivery records.
func (s *site) write(t *testing.T, change func(serving.Record) (serving.Record, error)) {
	t.Helper()
	next, err := change(s.newest())
	require.NoError(t, err)
	operation := fmt.Sprint("delivery ", len(s.records))
	_, err = s.TakeGeneration(t.Context(), next.By(serving.Author{Writer: "a delivery", Actor: "grace", Reason: "it passed", Operation: operation}))
	require.NoError(t, err)
}

func (s *site) Serving(context.Context, string, string) (serving.Record, error) {
	return s.newest(), nil
}

func (s *site) ServingHistory(context.Context, string, string) ([]serving.Record, error) {
	return s.records, serving.Verify(s.records)
}

func (s *site) TakeGeneration(_ context.Context, next serving.Record) (serving.Record, error) {
	for _, record := range s.records {
		if record.Operation == next.Operation {
			return record, nil
		}
	}
	if next.Generation != s.newest().Generation+1 {
		return serving.Record{}, fault.New(fault.Conflict, "taken by %s", s.newest())
	}
	s.records = append(s.records, next.Seal(time.Unix(next.Generation, 0).UTC()))
	return s.newest(), nil
}

func (s *site) Version(_ context.Context, name string, version int) (registry.ModelVersion, error) {
	if s.digests[version] == "" {
		return registry.ModelVersion{}, fault.New(fault.NotFound, "%s has no version %d", name, version)
	}
	return registry.ModelVersion{Name: name, Version: version, Digest: s.digests[version]}, nil
}

func (s *site) Actual(context.Context, string, string) (contract.Actual, error) {
	return contract.Actual{Tracks: s.tracks, Route: s.route, Generation: s.fence.Newest}, s.away
}

func (s *site) Teach(_ context.Context, _, _ string, generation int64) error {
	if s.fails != nil {
		return s.fails
	}
	return s.fence.Teach(generation)
}

func (s *site) Rollback(_ context.Context, _, _ string, weights map[string]int, generation int64) (contract.Route, error) {
	if s.fails != nil {
		return contract.Route{}, s.fails
	}
	if err := s.fence.Admit(generation); err != nil {
		return contract.Route{}, err
	}
	s.route = &contract.Route{Weights: weights, Generation: generation}
	return *s.route, nil
}
