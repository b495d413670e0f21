package cli

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// awayAgent answers its reads with each of errors in turn, then with nothing that runs.
type awayAgent struct {
	errors []error
	asked  int
}

func (a *awayAgent) Actual(context.Context, string, string) (contract.Actual, error) {
	a.asked++
	if a.asked <= len(a.errors) {
		return contract.Actual{}, a.errors[a.asked-1]
	}
	return contract.Actual{}, nil
}

func (a *awayAgent) Teach(context.Context, string, string, int64) error { return nil }

func (a *awayAgent) Rollback(context.Context, string, string, map[string]int, int64) (contract.Route, error) {
	return contract.Route{}, nil
}

// twoChampions is a registry whose pipeline has a champion and a previous one.
func twoChampions(t *testing.T) registry.Registry {
	t.Helper()
	reg := newFakePlatform(t).registry(t)
	r := serving.Record{Pipeline: "loans", Environment: serving.Production}
	for i := range 2 {
		v := version(t, reg, "loans", string(rune('a'+i)), 0.7)
		for _, change := range []func(serving.Record) (serving.Record, error){
			func(r serving.Record) (serving.Record, error) {
				track := serving.Track{Version: v.Version, Policy: "policy"}
				if r.Champion == nil {
					return r.Prepare(track, "")
				}
				return r.Canary(track, 10, "")
			},
			serving.Record.Promote,
		} {
			next, err := change(r)
			require.NoError(t, err)
			r, err = reg.TakeGeneration(t.Context(), next.By(serving.Author{Writer: "w", Actor: "ada", Reason: "x", Operation: string(rune('a' + next.Generation))}))
			require.NoError(t, err)
		}
	}
	return reg
}

// A rollback tries again what another try can mend, says so once, and ends at once with what it cannot.
func TestARollbackIsTriedUntilItCannotSucceed(t *testing.T) {
	reg := twoChampions(t)
	var said bytes.Buffer
	a := &app{err: &said}
	away := fault.New(fault.Unavailable, "the agent does not answer")
	agent := &awayAgent{errors: []error{away, away}}
	request := shift.Request{Model: "loans", Author: serving.Author{Writer: "ada", Actor: "ada", Reason: "complaints", Operation: "rollback-1"}}
	_, err := a.rollBack(t.Context(), reg, agent, request)
	require.Equal(t, fault.Refused, fault.CodeOf(err), "no track of the earlier champion runs: %v", err)
	require.Equal(t, 3, agent.asked)
	require.Equal(t, "not yet, trying again for 30s: the agent does not answer\n", said.String())

	said.Reset()
	agent = &awayAgent{}
	request.Model, request.Operation = "nobody", "rollback-2"
	_, err = a.rollBack(t.Context(), reg, agent, request)
	require.True(t, fault.Permanent(fault.CodeOf(err)), err)
	require.Empty(t, said.String())
}

// The last answer of the platform is told, not that time is up.
func TestARollbackThatTimeEndsSaysWhatWasInItsWay(t *testing.T) {
	reg := twoChampions(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	away := fault.New(fault.Unavailable, "the agent does not answer")
	_, err := (&app{err: &bytes.Buffer{}}).rollBack(ctx, reg, &awayAgent{errors: []error{away}}, shift.Request{
		Model: "loans", Author: serving.Author{Writer: "ada", Actor: "ada", Reason: "complaints", Operation: "rollback-1"},
	})
	require.ErrorIs(t, err, away)
}
