package activities

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/monitor"
)

// Wanted by hand: 30 of 1,000 are many, 24 are not, 25 of 10,000 are no share.
func TestRefusals(t *testing.T) {
	t.Parallel()
	started, requests, domain, missing, institutions, sending := 1000, 1000, 30, 24, 8, 2
	now := time.Unix(1000, 0).Add(contract.RefusedWindow)
	counted := map[string]map[string]*int{
		contract.DecisionsMetric:           {`pipeline="loans",synthetic="false"`: &requests},
		contract.RefusedFieldsMetric:       {`pipeline="loans",field="purpose",rule="domain"`: &domain, `pipeline="loans",field="income",rule="required"`: &missing},
		contract.RefusedInstitutionsMetric: {`pipeline="loans",field="purpose",rule="domain"`: &sending, `pipeline="loans",field="income",rule="required"`: &sending},
		contract.InstitutionsMetric:        {"": &institutions},
	}
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for metric, kind := range map[string]string{"process_start_time_seconds": "gauge", contract.DecisionsMetric: "counter", contract.RefusedFieldsMetric: "counter",
			contract.RefusedInstitutionsMetric: "gauge", contract.InstitutionsMetric: "gauge"} {
			fmt.Fprintf(w, "# TYPE %s %s\n", metric, kind)
			if metric == "process_start_time_seconds" {
				fmt.Fprintf(w, "%s %d\n", metric, started)
				continue
			}
			for labels, n := range counted[metric] {
				fmt.Fprintf(w, "%s{%s} %d\n", metric, labels, *n)
			}
		}
	}))
	defer gateway.Close()
	refused := Refusals{Gateway: gateway.URL, Client: gateway.Client()}
	look := func(before json.RawMessage) RefusalsOutput {
		out, err := refused.Find(t.Context(), RefusalsInput{Pipeline: "loans", Before: before, Now: now})
		require.NoError(t, err)
		return out
	}
	first := look(nil)
	require.Len(t, first.Findings, 1)
	f := first.Findings[0]
	require.Equal(t, monitor.OfRequests, f.Kind)
	require.Contains(t, f.Message, "in 30 of 1000 requests since the last look, of 2 institutions within 25 hours")
	require.Equal(t, []any{"purpose", monitor.Statistic("refused_domain"), 0.03, int64(1000), false}, []any{f.Feature, f.Statistic, f.Value, f.Rows, f.Meaning})
	require.Empty(t, look(first.Counts).Findings, "nothing since")
	requests, domain = 11000, 55
	require.Empty(t, look(first.Counts).Findings, "25 of 10,000 since")
	missing = 24 + 150
	require.Equal(t, "income", look(first.Counts).Findings[0].Feature)
	sending = 1
	require.Empty(t, look(first.Counts).Findings, "one of eight institutions")
	institutions = 1
	require.Len(t, look(first.Counts).Findings, 1, "the only one")
	institutions, sending = 8, 0
	now = now.Add(contract.RefusedWindow)
	require.Empty(t, look(first.Counts).Findings, "none of eight institutions since the last look, a day and an hour ago")
	now = now.Add(time.Second)
	friday := look(first.Counts).Findings
	require.Len(t, friday, 1, "on Monday nobody knows of how many institutions it was on Friday")
	require.Equal(t, `clients send what the contract refuses: field "income", rule required, in 150 of 10000 requests since the last look`, friday[0].Message)
	var counts map[string]any
	require.NoError(t, json.Unmarshal(first.Counts, &counts))
	delete(counts, "at")
	earlier, err := json.Marshal(counts)
	require.NoError(t, err)
	require.Len(t, look(earlier).Findings, 1, "a look of an earlier release does not say when it was")
	started = int(now.Unix()) - 60
	require.Empty(t, look(first.Counts).Findings, "none since the gateway was started, a minute ago")
	sending, started = 2, 2000
	require.Len(t, look(first.Counts).Findings, 1, "after a restart all counts: 174 of 11,000 and 55 of 11,000")
	gateway.Close()
	_, err = refused.Find(t.Context(), RefusalsInput{Pipeline: "loans"})
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
}
