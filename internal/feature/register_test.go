package feature

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// Wanted by hand: the last row of a version says its stage; the last activation says what a name means, until that very version is no longer active.
func TestLiveAndMeant(t *testing.T) {
	row := func(kind Kind, name string, version int, state Stage) Registered {
		return Registered{Kind: kind, Name: name, Version: version, Stage: state, Document: json.RawMessage("{}")}
	}
	v := func(version int, state Stage) Registered { return row(KindView, "bureau", version, state) }
	for name, test := range map[string]struct {
		rows  []Registered
		live  []Registered
		meant int
	}{
		"nothing":              {},
		"another kind":         {rows: []Registered{row(KindService, "bureau", 1, Active)}},
		"one":                  {[]Registered{v(1, Active)}, []Registered{v(1, Active)}, 1},
		"staged":               {[]Registered{v(1, Staged)}, []Registered{v(1, Staged)}, 0},
		"staged beside":        {[]Registered{v(1, Active), v(2, Staged)}, []Registered{v(1, Active), v(2, Staged)}, 1},
		"then activated":       {[]Registered{v(1, Active), v(2, Staged), v(2, Active)}, []Registered{v(1, Active), v(2, Active)}, 2},
		"back":                 {[]Registered{v(1, Active), v(2, Active), v(1, Active)}, []Registered{v(1, Active), v(2, Active)}, 1},
		"the old one retired":  {[]Registered{v(1, Active), v(2, Active), v(1, Retired)}, []Registered{v(2, Active)}, 2},
		"the meant one goes":   {[]Registered{v(1, Active), v(2, Active), v(2, Retired)}, []Registered{v(1, Active)}, 0},
		"all gone, one staged": {[]Registered{v(1, Active), v(1, Retired), v(2, Staged)}, []Registered{v(2, Staged)}, 0},
	} {
		require.Equal(t, test.live, Live(test.rows, KindView)["bureau"], name)
		c, err := NewCatalogue(test.rows)
		require.NoError(t, err)
		require.Equal(t, test.meant, c.Active(KindView, "bureau"), name)
	}
}

// A name is of whoever made it mean what it means, by hand: "a" and "b" are repositories, and nobody a person.
func TestWhoseANameIs(t *testing.T) {
	t.Parallel()
	const nobody = ""
	v := func(version int, stage Stage, repository string) Registered {
		return Registered{Kind: KindView, Name: "bureau", Version: version, Stage: stage, Repository: repository, Actor: "commit c0 of repository b", Document: json.RawMessage("{}")}
	}
	for name, test := range map[string]struct {
		rows []Registered
		want string
	}{
		"what nobody registered":             {nil, nobody},
		"a repository's":                     {[]Registered{v(1, Active, "a")}, "a"},
		"a person's, whatever the words are": {[]Registered{v(1, Active, nobody)}, nobody},
		"staged first":                       {[]Registered{v(1, Staged, "a")}, "a"},
		"staged by another":                  {[]Registered{v(1, Active, "a"), v(2, Staged, "b")}, "a"},
		"staged alone, then by another":      {[]Registered{v(1, Staged, nobody), v(2, Staged, "b"), v(3, Staged, "b")}, nobody},
		"put to use by a person":             {[]Registered{v(1, Active, "a"), v(2, Staged, "a"), v(2, Active, nobody)}, nobody},
		"told otherwise by a person":         {[]Registered{v(1, Active, "a"), v(1, Active, nobody)}, nobody},
		"taken over":                         {[]Registered{v(1, Active, nobody), v(2, Active, "b")}, "b"},
		"an old version retired":             {[]Registered{v(1, Active, "a"), v(2, Active, "a"), v(1, Retired, nobody)}, "a"},
		"retired":                            {[]Registered{v(1, Active, "a"), v(1, Retired, nobody)}, nobody},
		"retired, then staged":               {[]Registered{v(1, Active, "a"), v(1, Retired, nobody), v(1, Staged, "a"), v(2, Staged, "a")}, nobody},
	} {
		c, err := NewCatalogue(test.rows)
		require.NoError(t, err, name)
		require.Equal(t, test.want, c.Owner(KindView, "bureau"), name)
		require.Equal(t, test.want, c.With(Definitions{}).Owner(KindView, "bureau"), name)
		require.Empty(t, c.Owner(KindService, "bureau"))
	}
}

// Wanted by hand: since the row that made it live and after which none retired it.
func TestLiveSince(t *testing.T) {
	row := func(nth int64, kind Kind, name string, version int, stage Stage) Registered {
		return Registered{Nth: nth, Kind: kind, Name: name, Version: version, Stage: stage}
	}
	rows := []Registered{
		row(1, KindView, "a", 1, Active), row(2, KindView, "a", 2, Staged), row(3, KindView, "b", 1, Active), row(4, KindView, "a", 2, Active), row(5, KindView, "a", 1, Retired),
		row(6, KindService, "a", 3, Active), row(7, KindView, "a", 1, Staged), row(8, KindView, "b", 1, Retired),
	}
	require.Equal(t, map[int]int64{1: 7, 2: 2}, LiveSince(rows, "a"))
	require.Empty(t, LiveSince(rows, "b"))
	require.Empty(t, LiveSince(nil, "a"))
}
