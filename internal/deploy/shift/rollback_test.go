package shift_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// aliases is the part of a registry that a rollback uses, in memory.
type aliases struct {
	registry.Registry // the rest is not called

	versions map[int]registry.ModelVersion
	moves    []registry.AliasMove
}

func (a *aliases) Version(_ context.Context, name string, version int) (registry.ModelVersion, error) {
	v, ok := a.versions[version]
	if !ok {
		return registry.ModelVersion{}, fault.New(fault.NotFound, "%s has no version %d", name, version)
	}
	return v, nil
}

func (a *aliases) AliasHistory(context.Context, string) ([]registry.AliasMove, error) {
	return a.moves, nil
}

func (a *aliases) MoveAliases(_ context.Context, op registry.AliasOperation) ([]registry.AliasMove, error) {
	now := a.now()
	for _, change := range op.Changes {
		a.moves = append(a.moves, registry.AliasMove{
			Name: op.Name, Seq: len(a.moves) + 1, Alias: change.Alias, Version: change.Version, From: now[change.Alias],
			Actor: op.Actor, Reason: op.Reason, Operation: op.ID,
		})
	}
	return a.moves[len(a.moves)-len(op.Changes):], nil
}

func (a *aliases) now() map[string]int {
	now := map[string]int{}
	for _, move := range a.moves {
		now[move.Alias] = move.Version
	}
	return now
}

// promoted is an environment after two deliveries: version 1 in blue is previous, version 2 in green is champion.
func promoted(t *testing.T) (*bench, *aliases) {
	t.Helper()
	b := newBench(t)
	reg := &aliases{versions: map[int]registry.ModelVersion{}}
	for version, slot := range map[int]string{1: contract.Blue, 2: contract.Green} {
		spec := b.spec(version, deploytest.Behaviour{})
		_, err := b.provider.PutTrack(t.Context(), contract.Production, product, slot, spec)
		require.NoError(t, err)
		reg.versions[version] = registry.ModelVersion{Name: product, Version: version, Digest: spec.Digest}
	}
	_, err := b.provider.PutRoute(t.Context(), contract.Production, product, map[string]int{"blue": 0, "green": 100})
	require.NoError(t, err)
	reg.moves = []registry.AliasMove{
		{Alias: registry.Champion, Version: 1, Operation: "delivery-1"},
		{Alias: registry.Champion, Version: 2, From: 1, Operation: "delivery-2"},
		{Alias: registry.Previous, Version: 1, Operation: "delivery-2"},
	}
	return b, reg
}

var request = shift.RollbackRequest{Model: product, Actor: "operator", Reason: "it declines everyone", Operation: "rollback-1"}

func TestRollbackMovesAliasesAndTraffic(t *testing.T) {
	t.Parallel()
	b, reg := promoted(t)
	result, err := shift.Rollback(t.Context(), reg, b.rollback, request)
	require.NoError(t, err)
	require.Equal(t, shift.RollbackResult{From: 2, To: 1, Digest: reg.versions[1].Digest}, result)
	require.Equal(t, map[string]int{registry.Champion: 1, registry.Previous: 2}, reg.now())
	require.Equal(t, map[string]int{"blue": 100, "green": 0}, b.actual().Route.Weights)
	require.Equal(t, "rollback", b.actual().Route.Writer)
	require.Equal(t, "it declines everyone", reg.moves[len(reg.moves)-1].Reason)

	// The same operation again changes nothing, although previous names version 2 now.
	again, err := shift.Rollback(t.Context(), reg, b.rollback, request)
	require.NoError(t, err)
	require.Equal(t, result, again)
	require.Len(t, reg.moves, 5)
	require.Equal(t, 100, b.actual().Weight("blue"))

	// Another operation goes forward again.
	forward := request
	forward.Operation = "rollback-2"
	result, err = shift.Rollback(t.Context(), reg, b.rollback, forward)
	require.NoError(t, err)
	require.Equal(t, 2, result.To)
	require.Equal(t, 100, b.actual().Weight("green"))
}

func TestRollbackInterruptedBetweenRegistryAndAgentIsCompleted(t *testing.T) {
	t.Parallel()
	for name, repeat := range map[string]func(*shift.RollbackRequest){
		"by the same operation":         func(*shift.RollbackRequest) {},
		"by one that names the version": func(r *shift.RollbackRequest) { r.Operation, r.Version = "rollback-2", 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, reg := promoted(t)
			// The agent refuses this writer, after the registry's rows are written.
			_, err := shift.Rollback(t.Context(), reg, b.provider, request)
			require.ErrorContains(t, err, "repeat the rollback")
			require.Equal(t, 1, reg.now()[registry.Champion])
			require.Equal(t, 100, b.actual().Weight("green"))

			second := request
			repeat(&second)
			_, err = shift.Rollback(t.Context(), reg, b.rollback, second)
			require.NoError(t, err)
			require.Equal(t, map[string]int{registry.Champion: 1, registry.Previous: 2}, reg.now())
			require.Len(t, reg.moves, 5)
			require.Equal(t, 100, b.actual().Weight("blue"))
		})
	}
}

func TestRollbackRefuses(t *testing.T) {
	t.Parallel()
	b, reg := promoted(t)
	moves := len(reg.moves)
	for _, test := range []struct {
		name    string
		request func(*shift.RollbackRequest)
		prepare func()
		code    fault.Code
		says    string
	}{
		{"unnamed operation", func(r *shift.RollbackRequest) { r.Operation = "" }, nil, fault.Invalid, "operation"},
		{"champion already", func(r *shift.RollbackRequest) { r.Version = 2 }, nil, fault.Refused, "already"},
		{"no such version", func(r *shift.RollbackRequest) { r.Version = 9 }, nil, fault.NotFound, "no version 9"},
		{"not running", func(r *shift.RollbackRequest) { r.Version = 3 },
			func() { reg.versions[3] = registry.ModelVersion{Version: 3} }, fault.Refused,
			"blue: version 1, ready; green: version 2, ready); deliver it: loanops cd start loan-eligibility --version 3"},
		{"another bundle runs", func(*shift.RollbackRequest) {},
			func() { reg.versions[1] = registry.ModelVersion{Version: 1, Digest: "abc"} }, fault.Refused, "is abc"},
		{"given up", func(*shift.RollbackRequest) {}, func() { b.killForGood("blue") }, fault.Refused, "failed"},
		{"no previous", func(*shift.RollbackRequest) {}, func() { reg.moves = reg.moves[:1]; moves = 1 }, fault.NotFound, "no previous version"},
	} {
		// One after another: each test spoils more.
		t.Run(test.name, func(t *testing.T) {
			if test.prepare != nil {
				test.prepare()
			}
			r := request
			test.request(&r)
			_, err := shift.Rollback(t.Context(), reg, b.rollback, r)
			require.Equal(t, test.code, fault.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, test.says)
			require.Len(t, reg.moves, moves)
			require.Equal(t, 100, b.actual().Weight("green"))
		})
	}
}

func TestRollbackNeedsTheAgentBeforeItWrites(t *testing.T) {
	t.Parallel()
	b, reg := promoted(t)
	b.stopAgent()
	_, err := shift.Rollback(t.Context(), reg, b.rollback, request)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)
	require.Equal(t, 2, reg.now()[registry.Champion])
}
