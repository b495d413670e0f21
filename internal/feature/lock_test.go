package feature_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
)

func ids(lock feature.Lock) (ids []string) {
	for _, of := range lock.Definitions {
		ids = append(ids, of.ID())
	}
	return ids
}

// applications is a spec that knows what the definitions of bureau read of a request.
func applications(features ...string) pipeline.Spec {
	return pipeline.Spec{
		Entity: "id", Time: "day", Ignore: []string{"applicant_id"}, Features: features,
		Columns: []pipeline.Column{{Name: "annual_income", Type: pipeline.Number}, {Name: "loan_amount", Type: pipeline.Number}, {Name: "term_months", Type: pipeline.Integer}},
	}
}

// A lock has what the references need and nothing else: a view in SQL brings those that it reads, each brings its entity.
func TestALockHasWhatReferencesNeed(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	r.apply(bureau, false)
	for _, test := range []struct {
		references, want []string
	}{
		{[]string{"payment_to_income"}, []string{"expression payment_to_income@1"}},
		{[]string{"visits"}, []string{"entity applicant@1", "view visits@1"}},
		{[]string{"strain_per_income"}, []string{"entity applicant@1", "view both@1", "view bureau@1", "view payments@1", "expression strain_per_income@1"}},
		{[]string{"credit"}, []string{"entity applicant@1", "view both@1", "view bureau@1", "view payments@1", "expression strain_per_income@1", "service credit@1"}},
		{nil, nil},
	} {
		lock, err := r.catalogue().Lock(test.references)
		require.NoError(t, err)
		require.Equal(t, test.want, ids(lock), test.references)
	}
	_, err := r.catalogue().Lock([]string{"bureau:bureau_scor"})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}

// By a lock a spec has the columns that it had, whatever is declared since; the lock of the same definitions is the same bytes, and their description is no part of it.
func TestByALockReferencesComeToTheSame(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	r.apply(bureau, false)
	spec := applications("credit", "payments:paid_30d")
	before, err := r.catalogue().Columns(spec)
	require.NoError(t, err)
	lock, err := r.catalogue().Lock(spec.Features)
	require.NoError(t, err)
	data, err := lock.Encode()
	require.NoError(t, err)

	r.apply(strings.NewReplacer("what the credit bureau reports", "what it reports", "risk-data", "others", "freshness: 24h", "freshness: 12h").Replace(bureau), false)
	same, err := r.catalogue().Lock(spec.Features)
	require.NoError(t, err)
	again, err := same.Encode()
	require.NoError(t, err)
	require.Equal(t, string(data), string(again))

	r.apply(strings.NewReplacer("max: 850", "max: 900", "over: 30d", "over: 60d").Replace(bureau), false)
	moved, err := r.catalogue().Columns(spec)
	require.NoError(t, err)
	require.NotEqual(t, before, moved)
	read, err := feature.DecodeLock(data)
	require.NoError(t, err)
	catalogue, err := read.Catalogue()
	require.NoError(t, err)
	locked, err := catalogue.Columns(spec)
	require.NoError(t, err)
	require.Equal(t, before, locked)
	require.NoError(t, read.Holds(r.catalogue()), "versions stay")
	other, err := r.catalogue().Lock(spec.Features)
	require.NoError(t, err)
	require.NotEqual(t, ids(lock), ids(other), "the version of a view is a part of it")

	plan, err := r.catalogue().Retire("both@1", "")
	require.NoError(t, err)
	r.add(plan)
	require.ErrorContains(t, read.Holds(r.catalogue()), "view both@1 is retired")
	empty, err := feature.NewCatalogue(nil)
	require.NoError(t, err)
	require.ErrorContains(t, read.Holds(empty), "view payments@1 is not registered")
	another := &register{t: t}
	another.apply(strings.Replace(bureau, "max: 850", "max: 800", 1), false)
	require.ErrorContains(t, read.Holds(another.catalogue()), "view bureau@1 means something else in the feature store")
}

// What an expression reads is of the version that another reference brings, and not of the one that the name means: by the lock as well.
func TestALockOfAVersionThatIsNotMeant(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	r.apply(forColumns, false)
	spec := applications("payments@1:late_90d", "paid_to_debt")
	spec.Columns = append(spec.Columns, pipeline.Column{Name: "debt", Type: pipeline.Number})
	r.apply(strings.Replace(forColumns, "over: 90d, default", "over: 60d, default", 1), false)
	before, err := r.catalogue().Columns(spec)
	require.NoError(t, err)
	require.Equal(t, "payments@1:paid_90d", before[1].Feature)
	lock, err := r.catalogue().Lock(spec.Features)
	require.NoError(t, err)
	require.Equal(t, []string{"entity applicant@1", "view payments@1", "expression paid_to_debt@1"}, ids(lock))
	data, err := lock.Encode()
	require.NoError(t, err)
	read, err := feature.DecodeLock(data)
	require.NoError(t, err)
	catalogue, err := read.Catalogue()
	require.NoError(t, err)
	locked, err := catalogue.Columns(spec)
	require.NoError(t, err)
	require.Equal(t, before, locked)
}

func TestALockThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	r.apply(bureau, false)
	lock, err := r.catalogue().Lock([]string{"credit"})
	require.NoError(t, err)
	for want, change := range map[string]func(l *feature.Lock){
		"view bureau@1 has the digest": func(l *feature.Lock) {
			l.Definitions[2].Document = json.RawMessage(strings.Replace(string(l.Definitions[2].Document), "850", "900", 1))
		},
		"view both@1: ":        func(l *feature.Lock) { l.Definitions = append(l.Definitions[:2:2], l.Definitions[3:]...) },
		"no active entity":     func(l *feature.Lock) { l.Definitions = l.Definitions[1:] },
		"stands twice":         func(l *feature.Lock) { l.Definitions = append(l.Definitions, l.Definitions[0]) },
		"is no version":        func(l *feature.Lock) { l.Definitions[1].Version = 0 },
		`of the kind "animal"`: func(l *feature.Lock) { l.Definitions[0].Kind = "animal" },
	} {
		changed := feature.Lock{Definitions: append([]feature.Locked{}, lock.Definitions...)}
		change(&changed)
		data, err := changed.Encode()
		require.NoError(t, err)
		_, err = feature.DecodeLock(data)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), want)
		require.ErrorContains(t, err, want)
	}
	for _, data := range []string{"", "[]", `{"definitions": [{"name": 1}]}`, `{"something": 1}`} {
		_, err := feature.DecodeLock([]byte(data))
		require.Equal(t, fault.Invalid, fault.CodeOf(err), data)
	}
}

func FuzzDecodeLock(f *testing.F) {
	f.Add([]byte(`{"definitions":[{"kind":"entity","name":"a","version":1,"meaning":"x","document":{"name":"a","keys":["k"]}}]}`))
	f.Add([]byte(`{"definitions":[{"kind":"view","name":"a","version":1,"document":null}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := feature.DecodeLock(data)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
			return
		}
		again, err := l.Encode()
		require.NoError(t, err)
		_, err = feature.DecodeLock(again)
		require.NoError(t, err)
	})
}

// Of definitions that are applied together some can be staged: what others read goes on meaning what it meant.
func TestSomeDefinitionsAreStaged(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	r.apply(bureau, false)
	changed := strings.NewReplacer("max: 850", "max: 900", "over: 30d", "over: 60d").Replace(bureau)
	folder, err := feature.Read([]feature.File{{Name: "f.yaml", Data: []byte(changed)}}, r.catalogue())
	require.NoError(t, err)
	plan, err := r.catalogue().PlanEach(folder.Definitions, func(kind feature.Kind, name string) bool { return kind == feature.KindView && name == "bureau" })
	require.NoError(t, err)
	r.add(plan)
	c := r.catalogue()
	require.Equal(t, 1, c.Active(feature.KindView, "bureau"))
	require.Equal(t, 2, c.Active(feature.KindView, "payments"))
	require.Equal(t, 2, c.Active(feature.KindView, "both"), "what reads the staged version names it")
	v, err := c.View("both")
	require.NoError(t, err)
	require.Equal(t, []string{"bureau@2", "payments@2"}, v.View.SQL.From)
}
