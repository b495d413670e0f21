package refusals

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
)

// page is a gateway's, written by hand in Prometheus' text format: 7 decisions and 2 refusals of clients, one batch decided; all else is of others.
const page = `# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.7e9
# TYPE loanops_gateway_decisions_total counter
loanops_gateway_decisions_total{pipeline="loans",synthetic="false",kind="single",verdict="approve"} 4
loanops_gateway_decisions_total{pipeline="loans",synthetic="false",kind="single",verdict="decline"} 3
loanops_gateway_decisions_total{pipeline="loans",synthetic="true",kind="single",verdict="approve"} 100
loanops_gateway_decisions_total{pipeline="cards",synthetic="false",kind="single",verdict="approve"} 100
# TYPE loanops_gateway_refused_total counter
loanops_gateway_refused_total{pipeline="loans",synthetic="false",kind="single"} 2
loanops_gateway_refused_total{pipeline="loans",synthetic="true",kind="single"} 100
# TYPE loanops_gateway_requests_total counter
loanops_gateway_requests_total{pipeline="loans",synthetic="false",kind="single",code="200"} 100
loanops_gateway_requests_total{pipeline="loans",synthetic="false",kind="batch",code="200"} 1
loanops_gateway_requests_total{pipeline="loans",synthetic="false",kind="batch",code="422"} 100
loanops_gateway_requests_total{pipeline="loans",synthetic="false",kind="batch",code="504"} 100
# TYPE loanops_gateway_refused_fields_total counter
loanops_gateway_refused_fields_total{pipeline="loans",field="income",rule="type"} 1
loanops_gateway_refused_fields_total{pipeline="loans",field="income",rule="range"} 2
loanops_gateway_refused_fields_total{pipeline="loans",field="",rule="not_json"} 1
loanops_gateway_refused_fields_total{pipeline="cards",field="income",rule="range"} 100
# TYPE loanops_gateway_refused_institutions gauge
loanops_gateway_refused_institutions{pipeline="loans",field="income",rule="type"} 1
loanops_gateway_refused_institutions{pipeline="loans",field="income",rule="range"} 2
loanops_gateway_refused_institutions{pipeline="cards",field="",rule="not_json"} 3
# TYPE loanops_gateway_institutions gauge
loanops_gateway_institutions 8
`

func TestReadAddsUpWhatClientsSent(t *testing.T) {
	t.Parallel()
	answer, status := page, http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	got, err := Read(t.Context(), s.Client(), s.URL, "loans")
	require.NoError(t, err)
	require.Equal(t, Counts{Started: 1.7e9, Requests: 10, Institutions: 8, Refused: []Refused{
		{Field: "", Rule: "not_json", Count: 1}, {Field: "income", Rule: "range", Count: 2, Institutions: 2}, {Field: "income", Rule: "type", Count: 1, Institutions: 1},
	}}, got)

	none, err := Read(t.Context(), s.Client(), s.URL, "homes")
	require.NoError(t, err)
	require.Equal(t, Counts{Started: 1.7e9, Institutions: 8, Refused: []Refused{}}, none)

	for _, bad := range []struct {
		answer string
		status int
	}{{page, 503}, {"no metrics", 200}, {"", 200}} {
		answer, status = bad.answer, bad.status
		_, err := Read(t.Context(), s.Client(), s.URL, "loans")
		require.Equal(t, fault.Unavailable, fault.CodeOf(err), bad)
	}
	s.Close()
	_, err = Read(t.Context(), s.Client(), s.URL, "loans")
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
}
