package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

// verbatim holds what files say as it is.
func verbatim(_ feature.Key, _, files []byte) ([]byte, error) { return files, nil }

func computed(applicant, files string) feature.Computed {
	return feature.Computed{Key: feature.KeyOf(applicant), Files: []byte(files)}
}

// begun takes the next generation.
func begun(t *testing.T, s feature.Store, view string, version int, manifest string) int64 {
	t.Helper()
	before, err := s.Progress(ctx(t), view, version)
	require.NoError(t, err)
	p, err := s.Begin(ctx(t), view, version, before.Generation, manifest)
	require.NoError(t, err)
	return p.Generation
}

func states(t *testing.T, open OpenFeatures) {
	s := withViews(t, open, "bureau", "payments")
	_, err := s.Register(ctx(t), 2, []feature.Registered{registered(feature.KindView, "bureau", 2, feature.Staged)})
	require.NoError(t, err)
	for _, to := range []feature.Address{{View: "bureau", Version: 1}, {View: "bureau", Version: 2}, {View: "payments", Version: 1}} {
		name := fmt.Sprintf("%s@%d", to.View, to.Version)
		require.NoError(t, s.Put(ctx(t), to.View, to.Version, begun(t, s, to.View, to.Version, "m"), []feature.Computed{computed("ann", "ann "+name), computed("bob", "bob "+name)}, verbatim))
	}
	ann, bob := feature.KeyOf("ann"), feature.KeyOf("bob")
	got, err := open(t).Read(ctx(t), []feature.Address{
		{View: "payments", Version: 1, Key: bob}, {View: "bureau", Version: 2, Key: ann}, {View: "bureau", Version: 3, Key: ann}, {View: "bureau", Version: 1, Key: ann},
		{View: "bureau", Version: 1, Key: "ann"}, {View: "Bureau", Version: 1, Key: ann}, {View: "bureau", Version: 2, Key: ann},
	})
	require.NoError(t, err)
	require.Equal(t, [][]byte{[]byte("bob payments@1"), []byte("ann bureau@2"), nil, []byte("ann bureau@1"), nil, nil, []byte("ann bureau@2")}, got)
	none, err := s.Read(ctx(t), nil)
	require.NoError(t, err)
	require.Empty(t, none)

	// As many as one call takes, bytes as they are.
	bytes := "\x00\xff'\\"
	require.NoError(t, s.Put(ctx(t), "bureau", 1, 1, []feature.Computed{computed("9999", bytes)}, verbatim))
	var many []feature.Address
	for i := range feature.MaxRead {
		many = append(many, feature.Address{View: "bureau", Version: 1, Key: feature.KeyOf(fmt.Sprint(i))})
	}
	got, err = s.Read(ctx(t), many)
	require.NoError(t, err)
	require.Equal(t, bytes, string(got[9999]))
	require.Nil(t, got[9998])
	_, err = s.Read(ctx(t), append(many, many[0]))
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}

// The order is that of the keys' bytes, on every database.
func statesInOrder(t *testing.T, open OpenFeatures) {
	s := withViews(t, open, "bureau")
	var rows []feature.Computed
	var want []feature.Key
	for i := range 1201 {
		rows = append(rows, computed(fmt.Sprint(i*7919%1201), "files"))
	}
	for _, applicant := range []string{"B", "a", "b", "Ä", "ä", "-", " ", "\x00", "日本"} {
		rows = append(rows, computed(applicant, "files"))
	}
	for _, r := range rows {
		want = append(want, r.Key)
	}
	slices.Sort(want)
	require.NoError(t, s.Put(ctx(t), "bureau", 1, begun(t, s, "bureau", 1, "m"), rows, verbatim))
	var got []feature.Key
	for after := feature.Key(""); ; after = got[len(got)-1] {
		some, err := s.Held(ctx(t), "bureau", 1, after, 100)
		require.NoError(t, err)
		for _, h := range some {
			got = append(got, h.Key)
			require.Equal(t, feature.Held{Key: h.Key, Generation: 1, State: []byte("files")}, h)
		}
		if len(some) == 0 {
			break
		}
	}
	require.Equal(t, want, got)
	none, err := s.Held(ctx(t), "bureau", 2, "", 1)
	require.NoError(t, err)
	require.Equal(t, []feature.Held{}, none)
}

func generationsOfFeatures(t *testing.T, open OpenFeatures) {
	s := withViews(t, open, "bureau")
	nothing, err := s.Progress(ctx(t), "bureau", 1)
	require.NoError(t, err)
	require.Zero(t, nothing)
	code := fault.CodeOf
	put := func(generation int64, rows ...feature.Computed) error {
		return s.Put(ctx(t), "bureau", 1, generation, rows, merge)
	}
	require.Equal(t, fault.Invalid, code(put(0, computed("ann", "none"))), "nobody writes without a generation")
	require.Equal(t, fault.Overtaken, code(put(1, computed("ann", "none"))))
	_, err = s.Finish(ctx(t), "bureau", 1, 0, day(1))
	require.Equal(t, fault.Invalid, code(err))
	_, err = s.Begin(ctx(t), "bureau", 1, 0, "")
	require.Equal(t, fault.Invalid, code(err))
	_, err = s.Begin(ctx(t), "bureau", 2, 0, "one")
	require.Equal(t, fault.NotFound, code(err))

	one, err := s.Begin(ctx(t), "bureau", 1, 0, "one")
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), one.At, time.Minute)
	require.Equal(t, feature.Progress{Generation: 1, Begun: "one", At: one.At}, one)
	require.NoError(t, put(1, computed("ann", "one"), computed("bob", "one")))
	_, err = s.Begin(ctx(t), "bureau", 1, 0, "two")
	require.Equal(t, fault.Conflict, code(err))
	finished, err := s.Finish(ctx(t), "bureau", 1, 1, day(1))
	require.NoError(t, err)
	require.Equal(t, feature.Progress{Generation: 1, Begun: "one", Manifest: "one", Whole: 1, Until: day(1), At: finished.At}, finished)

	two, err := s.Begin(ctx(t), "bureau", 1, 1, "two")
	require.NoError(t, err)
	require.Equal(t, feature.Progress{Generation: 2, Begun: "two", Manifest: "one", Whole: 1, Until: day(1), At: two.At}, two, "held as a whole is what was")
	_, err = s.Append(ctx(t), "bureau", []feature.Posted{posted("a", "ann", day(1), 1), posted("c", "cid", day(1), 1)}, at(day(2)), fold)
	require.NoError(t, err)
	some, err := s.Held(ctx(t), "bureau", 1, "", 5)
	require.NoError(t, err)
	require.Equal(t, []int64{1, 1, 0}, []int64{some[0].Generation, some[1].Generation, some[2].Generation}, "rows of the log are of no generation")
	// The older writer goes on, whatever it knows.
	require.Equal(t, fault.Overtaken, code(put(1, computed("ann", "one"))))
	_, err = s.Finish(ctx(t), "bureau", 1, 1, day(3))
	require.Equal(t, fault.Overtaken, code(err))

	require.NoError(t, put(2, computed("ann", "two"), computed("ann", "two, again")))
	failed := errors.New("of the merge")
	err = s.Put(ctx(t), "bureau", 1, 2, []feature.Computed{computed("bob", "two"), computed("cid", "two")}, func(key feature.Key, state, files []byte) ([]byte, error) {
		if key == feature.KeyOf("cid") {
			return nil, fault.Wrap(fault.Invalid, failed, "merging")
		}
		return merge(key, state, files)
	})
	require.Equal(t, fault.Invalid, code(err))
	posted := map[feature.Day]map[string]string{day(1).Day(): {"a": `{"amount":1}`}}
	require.Equal(t, held{Files: "two, again", Log: posted}, heldBy(t, s, "bureau", 1)[feature.KeyOf("ann")], "rows of the log stay beside what files say")
	some, err = s.Held(ctx(t), "bureau", 1, "", 5)
	require.NoError(t, err)
	require.Equal(t, []int64{2, 1, 0}, []int64{some[0].Generation, some[1].Generation, some[2].Generation}, "who wrote each of them last")

	require.NoError(t, put(2, computed("ann", ""), computed("bob", ""), computed("nobody", ""))) // files have nothing of them any more
	require.Equal(t, held{Log: posted}, heldBy(t, s, "bureau", 1)[feature.KeyOf("ann")])
	require.NotContains(t, heldBy(t, s, "bureau", 1), feature.KeyOf("bob"))
	require.NotContains(t, heldBy(t, s, "bureau", 1), feature.KeyOf("nobody"))
	finished, err = s.Finish(ctx(t), "bureau", 1, 2, day(4))
	require.NoError(t, err)
	read, err := open(t).Progress(ctx(t), "bureau", 1)
	require.NoError(t, err)
	require.Equal(t, feature.Progress{Generation: 2, Begun: "two", Manifest: "two", Whole: 2, Until: day(4), At: finished.At}, read)
	require.Equal(t, read, finished)
}

// Of writers that saw the same progress one takes the next generation, and what is held in the end is the newest one's.
func concurrentGenerationsOfFeatures(t *testing.T, open OpenFeatures) {
	withViews(t, open, "bureau")
	const writers, rounds = 4, 6
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := map[int64]int{}
	for w := range writers {
		own := open(t)
		wg.Go(func() {
			for range rounds {
				before, err := own.Progress(ctx(t), "bureau", 1)
				if err != nil {
					t.Error(err)
					return
				}
				p, err := own.Begin(ctx(t), "bureau", 1, before.Generation, fmt.Sprintf("of %d", w))
				if err != nil {
					if fault.CodeOf(err) != fault.Conflict {
						t.Error(err)
					}
					continue
				}
				mu.Lock()
				taken[p.Generation]++
				mu.Unlock()
				err = own.Put(ctx(t), "bureau", 1, p.Generation, []feature.Computed{computed("ann", fmt.Sprint(p.Generation)), computed("bob", fmt.Sprint(p.Generation))}, verbatim)
				if err != nil && fault.CodeOf(err) != fault.Overtaken {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s := open(t)
	p, err := s.Progress(ctx(t), "bureau", 1)
	require.NoError(t, err)
	require.Len(t, taken, int(p.Generation))
	for generation, times := range taken {
		require.Equal(t, 1, times, generation)
	}
	some, err := s.Held(ctx(t), "bureau", 1, "", 3)
	require.NoError(t, err)
	require.Len(t, some, 2)
	for _, h := range some {
		require.Equal(t, feature.Held{Key: h.Key, Generation: p.Generation, State: fmt.Append(nil, p.Generation)}, h)
	}
}

// However many are asked for at once: each has what it holds, in the order in which it is asked for, and as often.
func statesOfAny(t *testing.T, open OpenFeatures) {
	s := withViews(t, open, "bureau", "payments")
	var rows []feature.Computed
	for i := range 40 {
		rows = append(rows, feature.Computed{Key: feature.KeyOf(fmt.Sprint(i)), Files: fmt.Appendf(nil, "files %d", i)})
	}
	p, err := s.Begin(ctx(t), "bureau", 1, 0, "manifest")
	require.NoError(t, err)
	require.NoError(t, s.Put(ctx(t), "bureau", 1, p.Generation, rows, merge))
	for _, n := range []int{1, 2, 15, 16, 17, 64, 1000} {
		at := make([]feature.Address, n)
		want := make([]string, n)
		for i := range at {
			at[i] = feature.Address{View: "bureau", Version: 1, Key: feature.KeyOf(fmt.Sprint((i * 7) % 40))}
			switch want[i] = fmt.Sprintf("files %d", (i*7)%40); i % 5 {
			case 1:
				at[i].View, want[i] = "payments", ""
			case 2:
				at[i].Version, want[i] = 2, ""
			case 3:
				at[i].Key, want[i] = feature.KeyOf("nobody"), ""
			}
		}
		for range 2 { // a statement that is kept, again
			states, err := s.Read(ctx(t), at)
			require.NoError(t, err)
			require.Len(t, states, n)
			for i, state := range states {
				require.Equal(t, want[i] == "", state == nil)
				require.Equal(t, want[i], decode(state).Files, "%d of %d", i, n)
			}
		}
	}
}
