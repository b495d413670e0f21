package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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
	g.table.set(toReal(mirroring(predictorTaking(t, 1, fields...), predictorTaking(t, 2, fields...))))
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
		{"unknown field", "", `{"debt":1,"home":"own","` + "spouse_income" + `":"` + secret + `"}`, map[string]int64{"other unknown": 1}},
		{"missing field", "", `{"debt":1}`, map[string]int64{"home required": 1}},
		{"null", "", `{"debt":null,"home":"own"}`, map[string]int64{"debt required": 1}},
		{"unknown category", "", `{"debt":1,"home":"` + secret + `"}`, map[string]int64{"home domain": 1}},
		{"out of range", "", `{"debt":4711,"home":"own"}`, map[string]int64{"debt range": 1}},
		{"wrong type", "", `{"debt":"` + secret + `","home":"own"}`, map[string]int64{"debt type": 1}},
		{"too long a text", "", `{"debt":1,"home":"own","purpose":"` + strings.Repeat(secret, 10) + `"}`, map[string]int64{"purpose domain": 1}},
		{"twice", "", `{"debt":1,"debt":1,"home":"own"}`, map[string]int64{"debt repeated": 1}},
		{"identifier", "", `{"debt":1,"home":"own","application_date":["` + secret + `"]}`, map[string]int64{"application_date type": 1}},
		{"several", "", `{"debt":9,"x":1,"y":1}`, map[string]int64{"debt range": 1, "home required": 1, "other unknown": 1}},
		{"no JSON", "", `{"debt":` + secret, map[string]int64{" not_json": 1}},
		{"a name that could be anything", "", `{"debt":1,"home":"own","Jane Doe-4711":1}`, map[string]int64{"other unknown": 1}},
		{"a batch's applications", "/batch", `{"applications":[{"debt":9,"home":"own"},{"debt":8,"home":"own"},{"debt":1,"home":"own","x":1}]}`, map[string]int64{"debt range": 1, "other unknown": 1}},
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

// named sends so many requests of a client that have a field of that name.
func named(g *Gateway, key, name string, requests int) {
	for range requests {
		serve(g.Handler(), newRequest(key, "/v1/decisions", fmt.Sprintf(`{"debt":1,"home":"own",%q:%d}`, name, applications.Add(1))))
	}
}

// A name is told that one institution sends often: what few requests have may be an applicant's value, in the wrong place.
func TestANameIsToldThatComesOften(t *testing.T) {
	g, s := strict(t)
	named(g, "k-north", "spouse_income", contract.MinNamed-1)
	named(g, "k-south", "spouse_income", contract.MinNamed-1)
	counts, _ := fieldCounts(t, s)
	require.Equal(t, map[string]int64{"other unknown": 2 * (contract.MinNamed - 1)}, counts)
	named(g, "k-south", "spouse_income", 1)
	named(g, "k-north", "spouse_income", 1)
	counts, _ = fieldCounts(t, s)
	require.EqualValues(t, 2, counts["spouse_income unknown"], "told once, it is told of everybody")

	twice := `{"applications":[` + strings.Repeat(`{"debt":1,"home":"own","x":1},`, contract.MinNamed) + `{"debt":1,"home":"own"}]}`
	serve(g.Handler(), newRequest("k-north", "/v1/decisions/batch", twice))
	counts, _ = fieldCounts(t, s)
	require.Zero(t, counts["x unknown"], "a batch is one request")
}

// Wanted by hand: what is written as people's numbers are, or begins as no name does, is never told, however often it comes.
func TestWhatIsWrittenAsAValueIsNoName(t *testing.T) {
	for name, is := range map[string]bool{
		"income": true, "income_2": true, "fico-850": true, "a.b": true, "X100": true, strings.Repeat("a", 64): true,
		"": false, "078-05-1120": false, "ssn-078-05-1120": false, "4711": false, "iban_DE89370400": false, "jane@bank": false, "Jane Doe": false, "_x": false,
		"2024-01-01": false, "born1984": false, "ä": false, strings.Repeat("a", 65): false,
	} {
		require.Equal(t, is, isName(name), name)
	}
	g, s := strict(t)
	named(g, "k-north", "078-05-1120", 2*contract.MinNamed)
	counts, _ := fieldCounts(t, s)
	require.Equal(t, map[string]int64{"other unknown": 2 * contract.MinNamed}, counts)
}

// A client cannot make the metrics grow without end, nor take the names of others: it makes some told, and the others' are told beside them.
func TestNamesThatClientsInventAreBounded(t *testing.T) {
	g, s := strict(t)
	for i := range 60 {
		named(g, "k-north", fmt.Sprintf("typo%d", i), contract.MinNamed)
	}
	named(g, "k-south", "spouse_income", contract.MinNamed)
	counts, _ := fieldCounts(t, s)
	require.Len(t, counts, contract.MaxNamesOfOne+2)
	require.EqualValues(t, 1, counts["spouse_income unknown"])

	n := newNames()
	for i := range 10 * contract.MaxUnknownFields {
		for range contract.MinNamed {
			n.told(fmt.Sprint("institution", i), fmt.Sprint("f", i))
		}
	}
	require.Len(t, n.by, contract.MaxUnknownFields)
}

// A name that is every third of an institution's is told beside ever new ones, of which no more than the bound are kept.
func TestAFrequentNameIsToldBesideEverNewOnes(t *testing.T) {
	n, told := newNames(), false
	for i := range 1000 {
		n.told("north", fmt.Sprint("a", i))
		n.told("north", fmt.Sprint("b", i))
		told = told || n.told("north", "spouse_income")
		require.LessOrEqual(t, len(n.seen["north"]), contract.MaxUnknownFields)
	}
	require.True(t, told)
}

func TestInstitutionsThatWereRefusedAreCountedForADay(t *testing.T) {
	g, s := strict(t)
	now := time.Unix(1e9, 0)
	g.metrics.complaints.now = func() time.Time { return now }
	institutions := func() map[string]int {
		read, err := refusals.Read(t.Context(), s.Client(), s.URL, "loans")
		require.NoError(t, err)
		require.Equal(t, 2, read.Institutions, "the platform's own key is nobody's")
		by := map[string]int{}
		for _, r := range read.Refused {
			by[r.Field+" "+r.Rule] = r.Institutions
		}
		return by
	}
	serve(g.Handler(), newRequest("k-north", "/v1/decisions", `{"debt":9,"home":"own"}`))
	serve(g.Handler(), newRequest("k-north", "/v1/decisions", `{"debt":8,"home":"own"}`))
	require.Equal(t, map[string]int{"debt range": 1}, institutions())
	now = now.Add(contract.RefusedWindow / 2)
	serve(g.Handler(), newRequest("k-south", "/v1/decisions", `{"debt":7,"home":"own"}`))
	require.Equal(t, map[string]int{"debt range": 2}, institutions())
	now = now.Add(contract.RefusedWindow / 2)
	require.Equal(t, map[string]int{"debt range": 1}, institutions())
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
