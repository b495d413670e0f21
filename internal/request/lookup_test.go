package request_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// looking is a spec with a feature that trains, one that only an expression reads, and the expression.
func looking() pipeline.Spec {
	spec := pipeline.Spec{
		Entity: "id", Time: "day", Ignore: []string{"customer"}, Columns: []pipeline.Column{{Name: "debt", Type: pipeline.Number}, {Name: "region", Type: pipeline.Category}},
		FeatureStore: pipeline.FeatureStore{Missing: pipeline.DefaultValue, Stale: pipeline.RefuseDecision, DeadlineMillis: 9},
	}
	spec.Look([]pipeline.Column{
		{Name: "late", Type: pipeline.Integer, Feature: "payments@2:late_90d", Keys: map[string]string{"applicant_id": "customer"}, Default: "1", Reason: "late"},
		{Name: "rate", Type: pipeline.Number, Feature: "regions@1:rate", Keys: map[string]string{"region_id": "region"}, MissingMax: 1, Unused: true},
		{Name: "burden", Type: pipeline.Number, Expression: "debt * rate + late", MissingMax: 1},
	})
	return spec
}

func TestTheContractOfFeatures(t *testing.T) {
	t.Parallel()
	spec := looking()
	c := request.Of(spec)
	require.Equal(t, []string{"id", "day", "customer"}, c.Identifiers, "what a field holds is no identifier beside it")
	require.Len(t, c.Fields, 2, "no request holds what is looked up")
	require.Equal(t, []string{"late", "burden", "rate"}, []string{c.Added[0].Name, c.Added[1].Name, c.Added[2].Name})
	require.Empty(t, c.Added[0].Reason, "it is of the policy")
	require.Equal(t, spec.FeatureStore, c.Store)
	late, there := c.Column("late")
	require.True(t, there)
	require.False(t, late.Nullable)
	_, there = c.Column("nothing")
	require.False(t, there)
}

func TestARowWithFeatures(t *testing.T) {
	t.Parallel()
	signature := []transform.Field{{Name: "burden", Type: pipeline.Number, Nullable: true}, {Name: "debt", Type: pipeline.Number}, {Name: "late", Type: pipeline.Integer}}
	a, err := request.NewApplications(request.Of(looking()), signature)
	require.NoError(t, err)
	require.Equal(t, []string{"applicant_id", "region_id"}, a.Keys())
	require.Equal(t, "payments@2:late_90d", a.Features()[0].Feature)
	require.Equal(t, "regions@1:rate", a.Features()[1].Feature)
	number := func(x float64) transform.Value { return transform.Value{Number: x} }
	none := transform.Value{Missing: true}
	for _, test := range []struct {
		sent  string
		keys  []string
		found []transform.Value
		want  []transform.Value // burden, debt, late
	}{
		{`{"debt": 4, "region": "north", "customer": "a-17"}`, []string{"a-17", "north"}, []transform.Value{number(3), number(0.5)}, []transform.Value{number(5), number(4), number(3)}},
		{`{"debt": 4, "region": "north", "customer": 17}`, []string{"17", "north"}, []transform.Value{none, number(0.5)}, []transform.Value{number(3), number(4), number(1)}},
		{`{"debt": 4, "region": "north"}`, []string{"", "north"}, []transform.Value{number(3), none}, []transform.Value{none, number(4), number(3)}},
		{`{"debt": 4, "region": "north", "customer": null}`, []string{"", "north"}, nil, []transform.Value{none, number(4), number(1)}},
	} {
		read, wrong, err := a.Read(json.RawMessage(test.sent))
		require.NoError(t, err)
		require.Empty(t, wrong, test.sent)
		require.Equal(t, test.keys, read.Keys, test.sent)
		require.Equal(t, test.want, a.Row(read, test.found), test.sent)
	}
	_, wrong, err := a.Read(json.RawMessage(`{"debt": 4, "region": "north", "late": 0}`))
	require.NoError(t, err)
	require.Equal(t, []request.FieldComplaint{{Field: "late", Complaint: request.Complaint{Rule: request.Unknown, Text: "unknown field; the fields are listed in /openapi.json"}}}, wrong, "nobody says of himself what the store knows")
}

// Where the spec says so a feature may come with the request: then that counts, in expressions as well.
func TestFeaturesThatAreGiven(t *testing.T) {
	t.Parallel()
	spec := looking()
	spec.FeatureStore.Given = true
	c := request.Of(spec)
	require.Equal(t, []string{"debt", "region", "late", "rate"}, []string{c.Fields[0].Name, c.Fields[1].Name, c.Fields[2].Name, c.Fields[3].Name}, "what is computed is never given")
	require.True(t, c.Fields[2].Nullable, "it may be left out")
	late, there := c.Column("late")
	require.True(t, there)
	require.False(t, late.Nullable, "to the model it has its default")
	a, err := request.NewApplications(c, []transform.Field{{Name: "burden", Type: pipeline.Number, Nullable: true}, {Name: "debt", Type: pipeline.Number}, {Name: "late", Type: pipeline.Integer}})
	require.NoError(t, err)
	number := func(x float64) transform.Value { return transform.Value{Number: x} }
	for _, test := range []struct {
		sent  string
		given [2]bool
		want  []transform.Value // burden, debt, late, where the store knows late 3 and rate 0.5
	}{
		{`{"debt": 4, "region": "north", "customer": "a-17", "late": 7}`, [2]bool{true, false}, []transform.Value{number(9), number(4), number(7)}},
		{`{"debt": 4, "region": "north", "late": 7, "rate": 2}`, [2]bool{true, true}, []transform.Value{number(15), number(4), number(7)}},
		{`{"debt": 4, "region": "north"}`, [2]bool{false, false}, []transform.Value{number(5), number(4), number(3)}},
		{`{"debt": 4, "region": "north", "late": null}`, [2]bool{true, false}, []transform.Value{number(3), number(4), number(1)}}, // the default
	} {
		read, wrong, err := a.Read(json.RawMessage(test.sent))
		require.NoError(t, err)
		require.Empty(t, wrong, test.sent)
		require.Equal(t, test.given, [2]bool{a.Gives(&read, 0), a.Gives(&read, 1)}, test.sent)
		require.Equal(t, test.want, a.Row(read, []transform.Value{number(3), number(0.5)}), test.sent)
	}
	_, wrong, err := a.Read(json.RawMessage(`{"debt": 4, "region": "north", "late": 1.5, "burden": 3}`))
	require.NoError(t, err)
	require.Len(t, wrong, 2, "of another type, and computed")

	before := request.Of(looking())
	require.Empty(t, request.Breaks(before, c), "more may be sent")
	require.NotEmpty(t, request.Breaks(c, before), "what was sent is not known any more")
}

func TestContractsThatAddNothingGood(t *testing.T) {
	t.Parallel()
	signature := []transform.Field{{Name: "late", Type: pipeline.Integer}}
	for want, change := range map[string]func(c *request.Contract){
		`the model reads "late", which no request holds and nothing adds`: func(c *request.Contract) { c.Added = c.Added[1:] },
		`column "late" is looked up, and no field names of whom`:          func(c *request.Contract) { c.Added[0].Keys = nil },
		`column "late" is neither looked up nor computed`:                 func(c *request.Contract) { c.Added[0].Feature = "" },
		"the expression of burden: 1:8: ":                                 func(c *request.Contract) { c.Added[1].Expression = "debt * nothing" },
		"the default of late is no integer":                               func(c *request.Contract) { c.Added[0].Default = "some" },
	} {
		c := request.Of(looking())
		change(&c)
		_, err := request.NewApplications(c, signature)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), want)
		require.ErrorContains(t, err, want)
	}
}
