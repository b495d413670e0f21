package shift_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

// request is a person's; each operation is another call of the command.
func request(operation string, version int) shift.Request {
	return shift.Request{Model: model, Version: version, Author: serving.Author{Writer: "ada", Actor: "ada", Reason: "it declines everyone", Operation: operation}}
}

func (s *site) requireServes(t *testing.T, version int) {
	t.Helper()
	require.Equal(t, version, s.newest().Champion.Version)
	require.Nil(t, s.newest().Challenger)
	require.Empty(t, shift.Astray(s.newest(), contract.Actual{Tracks: s.tracks, Route: s.route, Generation: s.fence.Newest}))
}

func TestRollBackToThePreviousChampion(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	done, err := shift.RollBack(t.Context(), s, s, request("1", 0))
	require.NoError(t, err)
	require.Equal(t, 2, done.From)
	require.Equal(t, 1, done.To)
	require.Equal(t, digest(1), done.Digest)
	require.Equal(t, "from version 2 to 1: it declines everyone", done.String())
	require.Equal(t, serving.RolledBack, s.newest().Change)
	require.Equal(t, "ada", s.newest().Actor)
	require.Nil(t, s.newest().Previous, "the version that was left is no place to go back to")
	s.requireServes(t, 1)
}

// Repeating it, by whoever it is, changes nothing: it never goes the other way.
func TestRollBackRepeatedNeverToggles(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]shift.Request{
		"the same call": request("1", 0), "another call": request("2", 0), "another call that names the version": request("3", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			first, err := shift.RollBack(t.Context(), s, s, request("1", 0))
			require.NoError(t, err)
			for range 2 {
				done, err := shift.RollBack(t.Context(), s, s, again)
				require.NoError(t, err)
				require.Equal(t, first.Record, done.Record)
				require.Equal(t, 1, done.To)
				require.Contains(t, done.String(), "since generation 5")
				s.requireServes(t, 1)
			}
		})
	}
}

// The agent refuses the writer, after the record is written: whoever repeats the rollback completes it.
func TestRollBackThatFailedAtTheAgentIsCompletedByItsRepetition(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fails = fault.New(fault.Unauthorized, "needs the rollback token")
	_, err := shift.RollBack(t.Context(), s, s, request("1", 0))
	require.Equal(t, fault.Unauthorized, fault.CodeOf(err), "a permanent fault")
	require.ErrorContains(t, err, "repeat the rollback")
	require.Equal(t, 1, s.newest().Champion.Version, "the record stands")
	require.Equal(t, 100, s.route.Weights[contract.Green], "traffic does not follow yet")

	s.fails = nil
	_, err = shift.RollBack(t.Context(), s, s, request("2", 0))
	require.NoError(t, err)
	require.Len(t, s.records, 5)
	s.requireServes(t, 1)
}

func TestRollBackInMidCanaryEndsIt(t *testing.T) {
	t.Parallel()
	for name, version := range map[string]int{"plain": 0, "to the champion": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := withCanary(t)
			done, err := shift.RollBack(t.Context(), s, s, request("1", version))
			require.NoError(t, err)
			require.Equal(t, "from version 3 to 2: it declines everyone", done.String())
			s.requireServes(t, 2)
			require.Equal(t, map[string]int{contract.Blue: 0, contract.Green: 100}, s.route.Weights)
		})
	}
}

func TestRollBackRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		site    func(*testing.T) *site
		version int
		spoil   func(*testing.T, *site)
		code    fault.Code
		says    string
	}{
		"champion already": {newSite, 2, nil, fault.Refused, "already"},
		"the challenger":   {withCanary, 3, nil, fault.Refused, "does not promote"},
		"no such version":  {newSite, 9, nil, fault.Refused, "does not run"},
		"not running":      {newSite, 0, func(_ *testing.T, s *site) { delete(s.tracks, contract.Blue) }, fault.Refused, "loanops cd start loan-eligibility --version 1"},
		"given up": {newSite, 0, func(_ *testing.T, s *site) {
			s.change(contract.Blue, func(t *contract.Track) { t.State = contract.TrackFailed })
		}, fault.Refused, "failed"},
		"another bundle": {newSite, 0, func(_ *testing.T, s *site) {
			s.change(contract.Blue, func(t *contract.Track) { t.Spec.Digest = "abc" })
		}, fault.Refused, "abc"},
		"drilled": {newSite, 0, func(_ *testing.T, s *site) {
			s.change(contract.Blue, func(t *contract.Track) { t.Spec.Drill = "delay=1ms" })
		}, fault.Refused, "drill"},
		"never was champion":    {newSite, 3, func(_ *testing.T, s *site) { s.put(contract.Blue, 3) }, fault.Refused, "never was champion"},
		"no previous":           {newSite, 0, func(t *testing.T, s *site) { s.records = s.records[:2]; s.put(contract.Blue, 1); s.serve(100, 0) }, fault.NotFound, "no previous version"},
		"no champion":           {newSite, 0, func(_ *testing.T, s *site) { s.records = nil }, fault.NotFound, "no champion"},
		"the agent is not here": {newSite, 0, func(_ *testing.T, s *site) { s.away = fault.New(fault.Unavailable, "away") }, fault.Unavailable, "away"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := test.site(t)
			if test.spoil != nil {
				test.spoil(t, s)
			}
			before := len(s.records)
			_, err := shift.RollBack(t.Context(), s, s, request("1", test.version))
			require.Equal(t, test.code, fault.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, test.says)
			require.Len(t, s.records, before, "nothing is recorded")
		})
	}
}

func (s *site) change(slot string, change func(*contract.Track)) {
	track := s.tracks[slot]
	change(&track)
	s.tracks[slot] = track
}

// Asked for the champion by name while traffic is wrong, it makes traffic right and records nothing.
func TestRollBackToTheChampionMakesItsTrafficRight(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.route.Weights = map[string]int{contract.Blue: 100, contract.Green: 0}
	_, err := shift.RollBack(t.Context(), s, s, request("1", 2))
	require.NoError(t, err)
	require.Len(t, s.records, 4)
	s.requireServes(t, 2)
}

// A late repetition of a rollback that somebody has gone on from says so and touches nothing.
func TestRollBackThatWasOvertaken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, err := shift.RollBack(t.Context(), s, s, request("1", 0))
	require.NoError(t, err)
	s.put(contract.Green, 3)
	s.write(t, func(r serving.Record) (serving.Record, error) { return r.Canary(track(3), 20, "") })
	s.serve(80, 20)
	_, err = shift.RollBack(t.Context(), s, s, request("1", 0))
	require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%v", err)
	require.Equal(t, 20, s.route.Weights[contract.Green])
}
