package features

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Byte for byte what a Feast client (0.67, RemoteOnlineStore with the token of its `auth`) sent for
// get_online_features(features=["bureau:bureau_score", "bureau:grade"], entity_rows=[{"applicant_id": "ann"}, {"applicant_id": "none"}]).
// `make feast-client` asks with the client itself.
const sentByFeast = "POST /get-online-features HTTP/1.1\r\n" +
	"Host: 127.0.0.1:36051\r\n" +
	"User-Agent: python-requests/2.34.2\r\n" +
	"Accept-Encoding: gzip, deflate\r\n" +
	"Accept: */*\r\n" +
	"Connection: keep-alive\r\n" +
	"Authorization: Bearer read\r\n" +
	"Content-Length: 177\r\n" +
	"Content-Type: application/json\r\n" +
	"\r\n" +
	`{"entities": {"applicant_id": ["ann", "none"]}, "full_feature_names": false, "include_feature_view_version_metadata": false, "features": ["bureau:bureau_score", "bureau:grade"]}`

// What the client reads of the answer: names, each with a value and a status of every entity.
func TestWhatAFeastClientSendsIsAnswered(t *testing.T) {
	t.Parallel()
	w := withEvents(t)
	request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(sentByFeast)))
	require.NoError(t, err)
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, request)
	require.Equal(t, "application/json", recorder.Header().Get("Content-Type"))
	var answer struct {
		Metadata struct {
			Names []string `json:"feature_names"`
		} `json:"metadata"`
		Results []struct {
			Values   []any    `json:"values"`
			Statuses []string `json:"statuses"`
		} `json:"results"`
	}
	require.NoError(t, json.Unmarshal([]byte(w.must(recorder)), &answer))
	require.Equal(t, []string{"applicant_id", "bureau_score", "grade"}, answer.Metadata.Names)
	require.Len(t, answer.Results, 3)
	for i, want := range [][2]any{{"ann", "none"}, {700.0, nil}, {"A", nil}} {
		require.Equal(t, want[:], answer.Results[i].Values)
		require.Equal(t, []string{"PRESENT", map[bool]string{true: "PRESENT", false: "NOT_FOUND"}[i == 0]}, answer.Results[i].Statuses)
	}
}
