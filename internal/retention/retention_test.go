package retention_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/retention"
)

var (
	limit = time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)
	old   = limit.Add(-time.Second)
)

// graph is a store in which objects name each other.
type graph map[string][]string

func (g graph) read(o retention.Object) ([]string, error) { return g[o.Digest], nil }

func object(digest string, modified time.Time) retention.Object {
	return retention.Object{Name: digest + ".json", Digest: digest, Bytes: 10, Modified: modified}
}

func digests(objects []retention.Object) (all []string) {
	for _, o := range objects {
		all = append(all, o.Digest)
	}
	return all
}

// The wanted plans are by hand.
func TestWhatMayGo(t *testing.T) {
	t.Parallel()
	names := graph{"manifest": {"part", "shared", "gone"}, "other": {"shared", "alone"}, "a": {"b"}, "b": {"a"}}
	store := retention.Store{Before: limit, Read: names.read}
	for _, digest := range []string{"manifest", "part", "shared", "other", "alone", "a", "b"} {
		store.Objects = append(store.Objects, object(digest, old))
	}
	version := retention.Root{Why: "model versions", Names: []string{"manifest", "nowhere"}}
	for _, test := range []struct {
		name    string
		change  func(*retention.Store)
		objects []string
		steps   []string
	}{
		{"nothing is a root", func(*retention.Store) {}, []string{"a", "alone", "b", "manifest", "other", "part", "shared"}, nil},
		{"what a root names, and what that names", func(s *retention.Store) { s.Roots = []retention.Root{version} }, []string{"a", "alone", "b", "other"}, nil},
		{"a circle that a root meets", func(s *retention.Store) { s.Roots = []retention.Root{version, {Why: "runs", Names: []string{"b"}}} }, []string{"alone", "other"}, nil},
		{"a young object, and what it names", func(s *retention.Store) { s.Objects[3].Modified = limit }, []string{"a", "b", "manifest", "part"}, nil},
		{"a young step", func(s *retention.Store) {
			s.Steps = []retention.Step{{Key: "k", Created: limit, Names: []string{"other"}}}
		}, []string{"a", "b", "manifest", "part"}, nil},
		{"an old step keeps nothing", func(s *retention.Store) {
			s.Roots, s.Steps = []retention.Root{version}, []retention.Step{{Key: "k", Created: old, Names: []string{"shared", "other"}}}
		}, []string{"a", "alone", "b", "other"}, []string{"k"}},
		{"an old step whose output is all kept", func(s *retention.Store) {
			s.Roots, s.Steps = []retention.Root{version}, []retention.Step{{Key: "k", Created: old, Names: []string{"shared", "part"}}}
		}, []string{"a", "alone", "b", "other"}, nil},
		{"an old step whose output is gone", func(s *retention.Store) {
			s.Roots, s.Steps = []retention.Root{version}, []retention.Step{{Key: "k", Created: old, Names: []string{"shared", "gone"}}}
		}, []string{"a", "alone", "b", "other"}, []string{"k"}},
		{"an old step without objects", func(s *retention.Store) {
			s.Roots, s.Steps = []retention.Root{version}, []retention.Step{{Key: "k", Created: old}}
		}, []string{"a", "alone", "b", "other"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := store
			s.Objects = slices.Clone(store.Objects)
			test.change(&s)
			plan, err := retention.New(s)
			require.NoError(t, err)
			require.Equal(t, test.objects, digests(plan.Objects))
			require.Equal(t, test.steps, plan.Steps)
		})
	}
}

// What stays is counted once, by the first reason.
func TestWhatStaysIsCounted(t *testing.T) {
	t.Parallel()
	plan, err := retention.New(retention.Store{
		Before: limit, Read: graph{"manifest": {"part"}}.read,
		Objects: []retention.Object{object("manifest", old), object("part", limit), object("page", old), object("new", limit), object("cached", old)},
		Roots:   []retention.Root{{Why: "model versions", Names: []string{"manifest"}}, {Why: "runs", Names: []string{"page", "part"}}},
		Steps:   []retention.Step{{Key: "k", Created: limit, Names: []string{"cached"}}},
	})
	require.NoError(t, err)
	require.Empty(t, plan.Objects)
	require.Equal(t, map[string]retention.Count{
		"model versions": {Objects: 2, Bytes: 20}, "runs": {Objects: 1, Bytes: 10}, retention.Young: {Objects: 1, Bytes: 10}, retention.YoungSteps: {Objects: 1, Bytes: 10},
	}, plan.Kept)
}

// The same bytes under two names are named by one digest.
func TestObjectsOfOneDigestStayTogether(t *testing.T) {
	t.Parallel()
	one, two := object("a", old), object("a", old)
	two.Name = "a.csv"
	s := retention.Store{Before: limit, Read: graph{}.read, Objects: []retention.Object{one, two}}
	plan, err := retention.New(s)
	require.NoError(t, err)
	require.Equal(t, []retention.Object{two, one}, plan.Objects)
	s.Roots = []retention.Root{{Names: []string{"a"}}}
	plan, err = retention.New(s)
	require.NoError(t, err)
	require.Empty(t, plan.Objects)
}

// What cannot be read may name anything: nothing is planned then.
func TestAnObjectThatCannotBeReadEndsThePlan(t *testing.T) {
	t.Parallel()
	away := errors.New("the store is away")
	_, err := retention.New(retention.Store{
		Before: limit, Objects: []retention.Object{object("a", limit)}, Read: func(retention.Object) ([]string, error) { return nil, away },
	})
	require.ErrorIs(t, err, away)
}

// On random graphs: what goes is exactly what is old and what nothing that stays reaches, by a walk of another kind (to a fixed point over all edges).
func TestExactlyWhatIsOldAndUnreachableGoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "objects")
		name := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint("o", rapid.IntRange(0, n+1).Draw(t, "of")) }) // two are of no object
		times := rapid.SampledFrom([]time.Time{old, limit, limit.Add(time.Hour)})
		names := graph{}
		s := retention.Store{Before: limit, Read: names.read}
		stays := map[string]bool{}
		for i := range n {
			o := object(fmt.Sprint("o", i), times.Draw(t, "modified"))
			s.Objects = append(s.Objects, o)
			names[o.Digest] = rapid.SliceOfN(name, 0, 3).Draw(t, "names")
			stays[o.Digest] = !o.Modified.Before(limit)
		}
		for _, root := range rapid.SliceOfN(rapid.SliceOfN(name, 0, 3), 0, 3).Draw(t, "roots") {
			s.Roots = append(s.Roots, retention.Root{Why: "a root", Names: root})
			for _, digest := range root {
				stays[digest] = true
			}
		}
		for i, of := range rapid.SliceOfN(rapid.SliceOfN(name, 0, 3), 0, 3).Draw(t, "steps") {
			step := retention.Step{Key: fmt.Sprint("k", i), Created: times.Draw(t, "created"), Names: of}
			s.Steps = append(s.Steps, step)
			for _, digest := range of {
				stays[digest] = stays[digest] || !step.Created.Before(limit)
			}
		}
		for changed := true; changed; {
			changed = false
			for from, to := range names {
				for _, digest := range to {
					if stays[from] && !stays[digest] {
						stays[digest], changed = true, true
					}
				}
			}
		}
		plan, err := retention.New(s)
		if err != nil {
			t.Fatal(err)
		}
		gone := map[string]bool{}
		for _, digest := range digests(plan.Objects) {
			gone[digest] = true
		}
		kept := 0
		for _, o := range s.Objects {
			if gone[o.Digest] == stays[o.Digest] {
				t.Fatalf("%s: stays %v, planned to go %v", o.Digest, stays[o.Digest], gone[o.Digest])
			}
			if stays[o.Digest] {
				kept++
			}
		}
		counted := 0
		for _, c := range plan.Kept {
			counted += c.Objects
		}
		if counted != kept {
			t.Fatalf("%d objects stay, %d are counted", kept, counted)
		}
		there := func(digest string) bool {
			_, is := names[digest]
			return is && !gone[digest]
		}
		for _, step := range s.Steps { // a row that stays points to nothing that goes
			dropped := slices.Contains(plan.Steps, step.Key)
			whole := !slices.ContainsFunc(step.Names, func(digest string) bool { return !there(digest) })
			if !dropped && !whole && step.Created.Before(limit) || dropped && (whole || !step.Created.Before(limit)) {
				t.Fatalf("step %v: dropped %v, whole %v", step, dropped, whole)
			}
		}
	})
}
