package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/api/features"
	"github.com/loanops/loanops/internal/store/featuredb"
)

// serving is LoanOps' server on what was made of a few applicants.
func serving(t *testing.T) (url string, l load) {
	folder := t.TempDir()
	require.NoError(t, generate(t.Context(), folder, 30))
	db, err := featuredb.Open(t.Context(), "sqlite://"+filepath.Join(folder, "features.db"))
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	served, err := features.New(db, filepath.Join(folder, "keys.json"))
	require.NoError(t, err)
	server := httptest.NewServer(served.Handler())
	t.Cleanup(server.Close)
	h, err := readHeld(folder)
	require.NoError(t, err)
	return server.URL, load{held: h, begin: h.begins(), url: server.URL, key: key, callers: 4, lasting: 100 * time.Millisecond}
}

// What the server holds is what held.json says, for the twenty features that are asked for in its order.
func TestBothSystemsHoldTheSame(t *testing.T) {
	t.Parallel()
	url, l := serving(t)
	require.Len(t, l.held.Applicants, 30)
	for i, id := range l.held.Applicants {
		body := append(append(bytes.Clone(l.begin), id...), `"]}}`...)
		request, err := http.NewRequest(http.MethodPost, url+"/get-online-features", bytes.NewReader(body))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+key)
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		data, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		response.Body.Close()
		var answer struct{ Results []struct{ Values []any } }
		require.NoError(t, json.Unmarshal(data, &answer), "%s", data)
		require.Len(t, answer.Results, 21)
		require.Equal(t, id, answer.Results[0].Values[0])
		for n, want := range l.held.Values[i] {
			require.Equal(t, want, answer.Results[n+1].Values[0])
		}
	}
}

func TestALoadIsCounted(t *testing.T) {
	t.Parallel()
	_, l := serving(t)
	for _, l.events = range []bool{false, true} {
		found, err := l.run()
		require.NoError(t, err)
		require.Positive(t, found.Requests)
		require.InDelta(t, float64(found.Requests)/0.09, found.PerSecond, 1e-6)
		require.LessOrEqual(t, found.P50, found.P99)
	}
	// An answer that is none ends it: what it came to would mean nothing.
	l.key = "another"
	_, err := l.run()
	require.ErrorContains(t, err, "401")
}

func TestQuestionsAreAboutAnyApplicant(t *testing.T) {
	t.Parallel()
	h := held{Views: twenty(), Applicants: []string{"A", "B"}}
	l := load{held: h, begin: h.begins()}
	r := rand.New(rand.NewPCG(1, 1))
	asked := map[string]bool{}
	for range 50 {
		var question struct {
			Features []string
			Entities struct {
				IDs []string `json:"applicant_id"`
			}
		}
		require.NoError(t, json.Unmarshal(l.question(r), &question))
		require.Len(t, question.Features, 20)
		require.Equal(t, "accounts:accounts_5", question.Features[19])
		asked[question.Entities.IDs[0]] = true
	}
	require.Len(t, asked, 2)
}
