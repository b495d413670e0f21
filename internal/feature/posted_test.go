package feature_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// Wanted by hand: late, amount, days, channel and balance of payments, in the order of its inputs; what a column cannot hold is missing.
func TestRowsOfTheLog(t *testing.T) {
	t.Parallel()
	missing := transform.Value{Missing: true}
	number := func(x float64) transform.Value { return transform.Value{Number: x} }
	r := payments().Reader()
	for values, want := range map[string][]transform.Value{
		`{}`: {missing, missing, missing, missing, missing},
		`{"late":true,"amount":10.25,"days":-0.5,"channel":"web","balance":3}`: {number(1), number(10.25), number(-0.5), {Text: "web"}, number(3)},
		`{"late":false,"of another version":1}`:                                {number(0), missing, missing, missing, missing},
		`{"late":1,"amount":"10","days":true,"channel":5,"balance":0.00001}`:   {missing, missing, missing, missing, missing},
		`{"late":null,"channel":[]}`:                                           {missing, missing, missing, missing, missing},
	} {
		row, err := r.Row(feature.Logged{Posted: feature.Posted{ID: "e", Key: feature.KeyOf("a"), Event: 5, Values: json.RawMessage(values)}, Seq: 1, Created: 7})
		require.NoError(t, err)
		require.Equal(t, feature.Row{Key: feature.KeyOf("a"), ID: "e", Event: 5, Created: 7, Values: want}, row, values)
	}
	_, err := r.Row(feature.Logged{Posted: feature.Posted{Values: json.RawMessage("{")}})
	require.Equal(t, fault.Internal, fault.CodeOf(err))
}

// Rows one by one, a day at a time as the log gives them, say what all of them at once do; a correction takes the place of what it corrects.
func TestFoldingRowsOfTheLog(t *testing.T) {
	t.Parallel()
	v := payments()
	v.Keys, v.Events = []string{"applicant_id"}, true
	r := v.Reader()
	noon := feature.Day(20_000).Begin() + 43_200_000_000
	at := func(seq int64, id string, event feature.Instant, amount string) feature.Logged {
		return feature.Logged{Posted: feature.Posted{ID: id, Key: feature.KeyOf("a"), Names: feature.KeyOf("applicant_id"), Event: event, Values: json.RawMessage(`{"amount":` + amount + `}`)}, Seq: seq, Created: noon + feature.Instant(seq)}
	}
	first, second, corrected, yesterday := at(1, "e", noon, "1"), at(2, "f", noon, "2"), at(3, "e", noon, "4"), at(4, "g", noon-86_400_000_000, "8")
	state, err := r.Fold(nil, []feature.Logged{first}, feature.NewRows, noon)
	require.NoError(t, err)
	for _, step := range []struct {
		rows []feature.Logged
		of   feature.Extent
	}{{[]feature.Logged{first, second}, feature.WholeDays}, {[]feature.Logged{first, second, corrected}, feature.WholeDays}, {[]feature.Logged{yesterday}, feature.NewRows}} {
		state, err = r.Fold(state, step.rows, step.of, noon)
		require.NoError(t, err)
	}
	whole, err := r.Fold(nil, []feature.Logged{first, second, corrected, yesterday}, feature.AllRows, noon)
	require.NoError(t, err)
	require.Equal(t, whole, state)
	decoded, err := r.Decode(state)
	require.NoError(t, err)
	said := r.At(&decoded, noon+10)
	require.Equal(t, transform.Value{Number: 14}, said.Values[3], "amount_30d: 2, 4 and 8")
	_, err = r.Fold([]byte("damaged"), []feature.Logged{first}, feature.NewRows, noon)
	require.Equal(t, fault.Internal, fault.CodeOf(err))
	require.False(t, feature.NotUnderstood(err), "the state of an entity, and not the version")
}

// Wanted by hand: payments of before there were a bound, a domain and a rule are as if nobody had posted them; a correction that keeps none leaves what it corrects.
func TestRowsOfTheLogKeepRules(t *testing.T) {
	t.Parallel()
	v := payments()
	v.Keys, v.Events = []string{"applicant_id"}, true
	bound := 0.0
	for i := range v.Columns {
		switch v.Columns[i].Name {
		case "amount":
			v.Columns[i].Min = &bound
		case "channel":
			v.Columns[i].Domain = []string{"web", "app"}
		}
	}
	v.Rules = []pipeline.Rule{{Name: "soon", Expression: "days < 30"}}
	at := func(seq int64, id, values string) feature.Logged {
		noon := feature.Day(20_000).Begin() + 43_200_000_000
		return feature.Logged{Posted: feature.Posted{ID: id, Key: feature.KeyOf("a"), Names: feature.KeyOf("applicant_id"), Event: noon, Values: json.RawMessage(values)}, Seq: seq, Created: noon + feature.Instant(seq)}
	}
	r := v.Reader()
	good := []feature.Logged{at(1, "e", `{"amount":0,"channel":"web","days":29.5}`), at(2, "f", `{}`)}
	bad := []feature.Logged{at(3, "e", `{"amount":-0.0001}`), at(4, "g", `{"channel":"mail"}`), at(5, "h", `{"days":30}`)}
	kept, broken, err := r.Rows(append(bad[:2:2], append(good, bad[2])...))
	require.NoError(t, err)
	require.Len(t, kept, 2)
	require.Equal(t, 3, broken)
	require.Equal(t, []string{"e", "f"}, []string{kept[0].ID, kept[1].ID})

	moment := good[0].Event
	want, err := r.Fold(nil, good, feature.AllRows, moment)
	require.NoError(t, err)
	got, err := r.Fold(nil, append(good, bad...), feature.AllRows, moment)
	require.NoError(t, err)
	require.Equal(t, want, got)
	got, err = r.Fold(want, bad, feature.WholeDays, moment)
	require.NoError(t, err)
	require.Equal(t, want, got)
	got, err = r.Fold(nil, bad, feature.AllRows, moment)
	require.NoError(t, err)
	require.Nil(t, got, "nothing to hold")
	got, err = r.Fold(want, nil, feature.AllRows, moment)
	require.NoError(t, err)
	require.Nil(t, got, "nothing of the log")

	v.Rules[0].Expression = "days <"
	_, err = v.Reader().Fold(want, good, feature.WholeDays, moment)
	require.True(t, feature.NotUnderstood(err))
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "view payments, rule soon")
	told, err := v.Reader().Reading(want, moment)
	require.NoError(t, err, "what is held of it is told")
	require.Equal(t, feature.Present, told.Statuses[3])
}

// An aggregate of a newer program: nothing is folded, and nothing told, that would be another value there.
func TestAggregatesOfANewerProgram(t *testing.T) {
	t.Parallel()
	v := payments()
	v.Keys, v.Events = []string{"applicant_id"}, true
	row := feature.Logged{Posted: feature.Posted{ID: "e", Key: feature.KeyOf("a"), Names: feature.KeyOf("applicant_id"), Event: 5, Values: json.RawMessage(`{"amount":1}`)}, Seq: 1, Created: 7}
	state, err := v.Reader().Fold(nil, []feature.Logged{row}, feature.NewRows, 9)
	require.NoError(t, err)
	v.Features[3].Aggregate = "median"
	for _, err := range []error{
		func() error { _, err := v.Reader().Fold(nil, []feature.Logged{row}, feature.NewRows, 9); return err }(),
		func() error { _, err := v.Reader().Reading(state, 9); return err }(),
		func() error { _, err := v.Reader().Reading(nil, 9); return err }(),
	} {
		require.True(t, feature.NotUnderstood(err))
		require.EqualError(t, err, "view payments: amount_30d is the median of a window, which this program does not compute")
	}
	registered := feature.Registered{Name: "payments", Version: 2, Document: json.RawMessage(`{"name":"payments","slide":"1d"}`)}
	_, err = registered.DecodeView()
	require.True(t, feature.NotUnderstood(err))
	require.ErrorContains(t, err, "version 2 of view payments")
}

// A row that was posted by other keys, in another order or another number of them, is about none of the view's entities, and a version that takes no events has none: what is held stays.
func TestRowsThatAVersionDoesNotKnow(t *testing.T) {
	t.Parallel()
	v := payments()
	v.Keys, v.Events = []string{"bank", "number"}, true
	r := v.Reader()
	row := feature.Logged{Posted: feature.Posted{ID: "e", Key: feature.KeyOf("a", "b"), Names: feature.KeyOf("bank", "number"), Event: 5, Values: json.RawMessage(`{"amount":1}`)}, Seq: 1, Created: 7}
	state, err := r.Fold(nil, []feature.Logged{row}, feature.NewRows, 9)
	require.NoError(t, err)
	require.NotEmpty(t, state)
	for _, names := range [][]string{{"number", "bank"}, {"bank"}, {"bank", "number", "branch"}, {"bank", "account"}} {
		other := row
		other.ID, other.Seq, other.Names = "f", 2, feature.KeyOf(names...)
		require.False(t, r.Knows(other), names)
		for _, held := range [][]byte{nil, state} {
			after, err := r.Fold(held, []feature.Logged{other}, feature.NewRows, 9)
			require.NoError(t, err)
			require.Equal(t, held, after, names)
		}
		after, err := r.Fold(nil, []feature.Logged{row, other}, feature.AllRows, 9)
		require.NoError(t, err)
		require.Equal(t, state, after, "beside one that it knows")
	}
	none := payments()
	none.Keys = v.Keys
	after, err := none.Reader().Fold(nil, []feature.Logged{row}, feature.NewRows, 9)
	require.NoError(t, err)
	require.Nil(t, after)
}
