package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/refusals"
	"github.com/loanops/loanops/internal/pipeline"
	accepted "github.com/loanops/loanops/internal/request"
)

func bound(x float64) *float64 { return &x }

// strict is a gateway to a predictor of three fields, blue, and one that gets copies, green; all goes to blue.
func strict(t *testing.T) (*Gateway, *httptest.Server) {
	fields := []accepted.Field{
		{Name: "debt", Type: pipeline.Number, Min: bound(0), Max: bound(5)},
		{Name: "home", Type: pipeline.Category, Domain: []string{"own", "rent"}},
		{Name: "purpose", Type: pipeline.Category, Nullable: true},
	}
	g := newGateway(t, "http://agent.invalid")
	g.table.set(mirroring(predictorTaking(t, fields...), predictorTaking(t, fields...)))
	s := httptest.NewServer(g.Handler())
	t.Cleanup(s.Close)
	return g, s
}

// fieldCounts are the gateway's counts of clients' refused requests, as a reader gets them over HTTP.
func fieldCounts(t *testing.T, s *httptest.Server) (counts map[string]int64, requests int64) {
	read, err := refusals.Read(t.Context(), s.Client(), s.URL, "loans")
	require.NoError(t, err)
	counts = map[string]int64{}
	for _, r := range read.Refused {
		counts[r.Field+" "+r.Rule] = r.Count
	}
	return counts, read.Requests
}

// secret stands for an applicant's value: it may be nowhere in the metrics.
const secret = "Jane-Doe-4711"

func TestRefusedRequestsAreCountedByFieldAndRuleWithoutAValue(t *testing.T) {
	for _, test := range []struct {
		name, path, body string
		want             map[string]int64
	}{
		{"unknown field", "", `{"debt":1,"home":"own","` + "spouse_income" + `":"` + secret + `"}`, map[string]int64{"spouse_income unknown": 1}},
		{"missing field", "", `{"debt":1}`, map[string]int64{"home required": 1}},
		{"null", "", `{"debt":null,"home":"own"}`, map[string]int64{"debt required": 1}},
		{"unknown category", "", `{"debt":1,"home":"` + secret + `"}`, map[string]int64{"home domain": 1}},
		{"out of range", "", `{"debt":4711,"home":"own"}`, map[string]int64{"debt range": 1}},
		{"wrong type", "", `{"debt":"` + secret + `","home":"own"}`, map[string]int64{"debt type": 1}},
		{"too long a text", "", `{"debt":1,"home":"own","purpose":"` + strings.Repeat(secret, 10) + `"}`, map[string]int64{"purpose domain": 1}},
		{"twice", "", `{"debt":1,"debt":1,"home":"own"}`, map[string]int64{"debt repeated": 1}},
		{"identifier", "", `{"debt":1,"home":"own","application_date":["` + secret + `"]}`, map[string]int64{"application_date type": 1}},
		{"several", "", `{"debt":9,"x":1,"y":1}`, map[string]int64{"debt range": 1, "home required": 1, "x unknown": 1, "y unknown": 1}},
		{"no JSON", "", `{"debt":` + secret, map[string]int64{" not_json": 1}},
		{"a name that could be anything", "", `{"debt":1,"home":"own","Jane Doe-4711":1}`, map[string]int64{"other unknown": 1}},
		{"a long name", "", `{"debt":1,"home":"own","` + strings.Repeat("a", 65) + `":1}`, map[string]int64{"other unknown": 1}},
		{"the longest name", "", `{"debt":1,"home":"own","` + strings.Repeat("a", 64) + `":1}`, map[string]int64{strings.Repeat("a", 64) + " unknown": 1}},
		{"a batch's applications", "/batch", `{"applications":[{"debt":9,"home":"own"},{"debt":8,"home":"own"},{"debt":1,"home":"own","x":1}]}`, map[string]int64{"debt range": 1, "x unknown": 1}},
		{"a batch of none", "/batch", `{"applications":[]}`, map[string]int64{"applications type": 1}},
		{"a batch of others", "/batch", `{"applications":["` + secret + `"]}`, map[string]int64{"applications type": 1}},
		{"good", "", `{"debt":1,"home":"own"}`, map[string]int64{}},
		{"good batch", "/batch", `{"applications":[{"debt":1,"home":"own"}]}`, map[string]int64{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, s := strict(t)
			answer := serve(g.Handler(), newRequest("k-north", "/v1/decisions"+test.path, test.body))
			require.Equal(t, len(test.want) == 0, answer.Code == 200, answer.Body)
			counts, requests := fieldCounts(t, s)
			require.Equal(t, test.want, counts)
			require.EqualValues(t, 1, requests)
			serve(g.Handler(), newRequest("k-north", "/v1/decisions"+test.path, test.body))
			counts, _ = fieldCounts(t, s)
			require.Equal(t, test.want, counts, "the same bytes again are no other request")

			page := serve(g.Handler(), httptest.NewRequest(http.MethodGet, "/metrics", nil)).Body.String()
			for _, value := range []string{"Jane", "Doe", `="4711`} {
				require.NotContains(t, page, value)
			}
		})
	}
}

// The platform's own requests and copies are nobody's.
func TestNeitherCopiesNorThePlatformsOwnAreCounted(t *testing.T) {
	g, s := strict(t)
	serve(g.Handler(), newRequest("k-own", "/v1/decisions", `{"debt":9,"home":"own"}`))
	eventually(t, g, 1, contract.PairsEndedMetric)
	counts, requests := fieldCounts(t, s)
	require.Empty(t, counts)
	require.Zero(t, requests)
	serve(g.Handler(), newRequest("k-north", "/v1/decisions", `{"debt":9,"home":"own"}`))
	eventually(t, g, 2, contract.PairsEndedMetric)
	counts, requests = fieldCounts(t, s)
	require.Equal(t, map[string]int64{"debt range": 1}, counts)
	require.EqualValues(t, 1, requests)
}

// A client cannot make the metrics grow without end: of the names that it invents some are kept, and these go on to be counted.
func TestNamesThatClientsInventAreBounded(t *testing.T) {
	g, s := strict(t)
	for i := range 80 {
		serve(g.Handler(), newRequest("k-north", "/v1/decisions", fmt.Sprintf(`{"debt":1,"home":"own","f%d":1}`, i)))
	}
	serve(g.Handler(), newRequest("k-north", "/v1/decisions", `{"debt":1,"home":"own","f0":2}`))
	counts, requests := fieldCounts(t, s)
	require.Len(t, counts, contract.MaxUnknownFields+1)
	require.EqualValues(t, 30, counts["other unknown"])
	require.EqualValues(t, 2, counts["f0 unknown"])
	require.EqualValues(t, 81, requests)
}

// What a predictor says that knows no rules could be a name of a client: it is not counted.
func TestAnAnswerWithoutRulesIsNotCounted(t *testing.T) {
	t.Parallel()
	r := newComplaints()
	asked := &request{pipeline: "loans", kind: contract.KindSingle}
	for _, body := range []string{`{"status":422,"errors":[{"field":"Jane Doe","detail":"?"}]}`, `{"status":422,"errors":[{"field":"x","rule":"new","detail":"?"}]}`, `not JSON`, ``} {
		require.Empty(t, r.brokenBy(asked, &answer{body: []byte(body)}), body)
	}
}
