package storetest

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

// registered is a row whose document says which one it is.
func registered(kind feature.Kind, name string, version int, state feature.Stage) feature.Registered {
	return feature.Registered{
		Kind: kind, Name: name, Version: version, Meaning: fmt.Sprintf("meaning of %s %d", name, version), Stage: state, Actor: "ada", What: "because",
		Document: json.RawMessage(fmt.Sprintf(`{"name":%q,"description":"<é> %d"}`, name, version)),
	}
}

func definitions(t *testing.T, open OpenFeatures) {
	s := open(t)
	none, err := s.Registered(ctx(t), 0)
	require.NoError(t, err)
	require.Equal(t, []feature.Registered{}, none)
	none, err = s.Register(ctx(t), 0, nil)
	require.NoError(t, err)
	require.Empty(t, none)

	first, err := s.Register(ctx(t), 0, []feature.Registered{
		registered(feature.KindEntity, "applicant", 1, feature.Active), registered(feature.KindView, "bureau", 1, feature.Active), registered(feature.KindService, "bureau", 1, feature.Active),
	})
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2, 3}, []int64{first[0].Nth, first[1].Nth, first[2].Nth})
	require.WithinDuration(t, time.Now(), first[0].At, time.Minute)
	changed := registered(feature.KindView, "bureau", 1, feature.Retired) // the same meaning, described otherwise
	changed.Document, changed.Actor, changed.Repository = json.RawMessage(`{"name":"bureau","owner":"risk"}`), "bo", "https://example.com/loans.git"
	second, err := s.Register(ctx(t), 3, []feature.Registered{registered(feature.KindView, "bureau", 2, feature.Staged), registered(feature.KindView, "bureau", 3, feature.Active), changed})
	require.NoError(t, err)

	all, err := open(t).Registered(ctx(t), 0)
	require.NoError(t, err)
	require.Equal(t, append(first, second...), all)
	require.Equal(t, "UTC", all[0].At.Location().String())
	newer, err := s.Registered(ctx(t), 3)
	require.NoError(t, err)
	require.Equal(t, second, newer)

	for _, after := range []int64{0, 3, 5, 7} { // another register than the plan's
		_, err = s.Register(ctx(t), after, []feature.Registered{registered(feature.KindEntity, "account", 1, feature.Active)})
		require.Equal(t, fault.Conflict, fault.CodeOf(err), after)
	}
	_, err = s.Register(ctx(t), 6, []feature.Registered{registered(feature.KindEntity, "account", 1, feature.Active), registered(feature.KindView, "bureau", 5, feature.Active)})
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "version 4 is left out")
	other := registered(feature.KindView, "bureau", 2, feature.Active)
	other.Meaning = "another"
	_, err = s.Register(ctx(t), 6, []feature.Registered{registered(feature.KindEntity, "account", 1, feature.Active), other})
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "a version means one thing")
	unchanged, err := s.Registered(ctx(t), 0)
	require.NoError(t, err)
	require.Equal(t, all, unchanged, "all rows of a plan or none")
}

func incompleteDefinitions(t *testing.T, open OpenFeatures) {
	s := open(t)
	for what, spoil := range map[string]func(*feature.Registered){
		"kind": func(r *feature.Registered) { r.Kind = "feature" }, "stage": func(r *feature.Registered) { r.Stage = "" },
		"name": func(r *feature.Registered) { r.Name = "" }, "version": func(r *feature.Registered) { r.Version = 0 },
		"meaning": func(r *feature.Registered) { r.Meaning = "" }, "actor": func(r *feature.Registered) { r.Actor = "" },
		"document": func(r *feature.Registered) { r.Document = json.RawMessage("{") },
	} {
		row := registered(feature.KindView, "bureau", 1, feature.Active)
		spoil(&row)
		_, err := s.Register(ctx(t), 0, []feature.Registered{registered(feature.KindEntity, "applicant", 1, feature.Active), row})
		require.Equal(t, fault.Invalid, fault.CodeOf(err), what)
	}
	all, err := s.Registered(ctx(t), 0)
	require.NoError(t, err)
	require.Empty(t, all)
}

// Of plans that were made of the same register one is taken; the others are conflicts, and nothing of them is written.
func concurrentDefinitions(t *testing.T, open OpenFeatures) {
	const planners = 8
	var wg sync.WaitGroup
	taken := make([]bool, planners)
	for i := range planners {
		s := open(t)
		wg.Go(func() {
			name := fmt.Sprintf("of_%d", i)
			_, err := s.Register(ctx(t), 0, []feature.Registered{registered(feature.KindEntity, name, 1, feature.Active), registered(feature.KindView, name, 1, feature.Active)})
			if taken[i] = err == nil; err != nil && fault.CodeOf(err) != fault.Conflict {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all, err := open(t).Registered(ctx(t), 0)
	require.NoError(t, err)
	require.Len(t, all, 2)
	var winners []string
	for i, is := range taken {
		if is {
			winners = append(winners, fmt.Sprintf("of_%d", i))
		}
	}
	require.Equal(t, []string{all[0].Name}, winners)
	require.Equal(t, all[0].Name, all[1].Name)
}
