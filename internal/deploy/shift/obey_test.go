package shift_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/fault"
)

func TestObeyIsTheSameTwice(t *testing.T) {
	t.Parallel()
	s := withCanary(t)
	s.route = nil
	for range 2 {
		require.NoError(t, shift.Obey(t.Context(), s, s.newest()))
		require.Equal(t, map[string]int{contract.Blue: 20, contract.Green: 80}, s.route.Weights)
		require.EqualValues(t, 5, s.route.Generation)
	}
}

func TestObeyFaults(t *testing.T) {
	t.Parallel()
	s := withCanary(t)
	delete(s.tracks, contract.Green)
	err := shift.Obey(t.Context(), s, s.newest())
	require.Equal(t, fault.Conflict, fault.CodeOf(err), "Terraform has to bring the champion back first")
	require.ErrorContains(t, err, "version 2 of loan-eligibility shall have 80 %")
	s.fence.Newest = 9
	require.Equal(t, fault.Conflict, fault.CodeOf(shift.Obey(t.Context(), s, s.newest())), "the agent has heard of a newer generation")
	s.fails = fault.New(fault.Unavailable, "away")
	require.Equal(t, fault.Unavailable, fault.CodeOf(shift.Obey(t.Context(), s, s.newest())))
}

// Before there is a champion nothing is routed, but the agent is told the generation.
func TestObeyWithoutAChampionRoutesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.records, s.route, s.fence.Newest = s.records[:1], nil, 0
	require.NoError(t, shift.Obey(t.Context(), s, s.newest()))
	require.Nil(t, s.route)
	require.EqualValues(t, 1, s.fence.Newest)
}

func TestAstray(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(*site)
		says  string
	}{
		"as recorded":               {func(*site) {}, ""},
		"the champion is gone":      {func(s *site) { delete(s.tracks, contract.Green) }, "version 2 does not run"},
		"the challenger is gone":    {func(s *site) { delete(s.tracks, contract.Blue) }, "version 3 does not run"},
		"given up":                  {func(s *site) { s.change(contract.Green, func(t *contract.Track) { t.State = contract.TrackFailed }) }, "version 2 is failed"},
		"another share":             {func(s *site) { s.serve(30, 70) }, "70 % of the traffic instead of 80 %"},
		"no route":                  {func(s *site) { s.route = nil }, "0 % of the traffic instead of 80 %"},
		"a drilled champion":        {func(s *site) { s.change(contract.Green, func(t *contract.Track) { t.Spec.Drill = "delay=1ms" }) }, "drill"},
		"another policy":            {func(s *site) { s.change(contract.Green, func(t *contract.Track) { t.Spec.PolicyDigest = "other" }) }, "version 2 does not run"},
		"the agent is behind":       {func(s *site) { s.fence.Newest = 4 }, "heard of generation 4"},
		"routed without a champion": {func(s *site) { s.records = s.records[:1] }, "no champion"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := withCanary(t)
			test.spoil(s)
			actual, err := s.Actual(t.Context(), "", "")
			require.NoError(t, err)
			astray := shift.Astray(s.newest(), actual)
			if test.says == "" {
				require.Empty(t, astray)
			} else {
				require.Contains(t, astray, test.says)
			}
		})
	}
}
