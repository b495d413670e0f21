package request_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// The model of these reads home and then income, of the fields of spec: income, debt, home, purpose.
func applications(t require.TestingT) *request.Applications {
	a, err := request.NewApplications(request.Of(spec()), []transform.Field{{Name: "home"}, {Name: "income"}})
	require.NoError(t, err)
	return a
}

func TestApplications(t *testing.T) {
	t.Parallel()
	a := applications(t)
	for _, sent := range []string{
		`{"income": 7, "home": "own", "purpose": "car", "debt": null}`,
		`{"purpose": "car", "day": "2026-01-01", "home": "own", "id": 17, "income": 7}`,
	} {
		read, wrong, err := a.Read(json.RawMessage(sent))
		require.NoError(t, err)
		require.Empty(t, wrong)
		require.Equal(t, []transform.Value{{Number: 7}, {Missing: true}, {Text: "own"}, {Text: "car"}}, read.Values)
		require.Equal(t, []transform.Value{{Text: "own"}, {Number: 7}}, a.Row(read, nil))
	}
	require.Len(t, a.Fields(), 4)
}

func TestEveryFieldThatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 40)
	_, wrong, err := applications(t).Read(json.RawMessage(`{"income": 101, "home": "own", "home": "rent", "` + long + `": 1, "id": [], "id": 1, "debt": "x"}`))
	require.NoError(t, err)
	require.Equal(t, []request.FieldComplaint{
		{Field: "income", Complaint: request.Complaint{Rule: request.Range, Text: "a number from 0 to 100 is wanted"}},
		{Field: "home", Complaint: request.Complaint{Rule: request.Repeated, Text: "stands twice; send it once"}},
		{Field: strings.Repeat("é", 32) + "…", Complaint: request.Complaint{Rule: request.Unknown, Text: "unknown field; the fields are listed in /openapi.json"}},
		{Field: "id", Complaint: request.Complaint{Rule: request.Type, Text: "a text of at most 100 bytes, a number or null is wanted"}},
		{Field: "id", Complaint: request.Complaint{Rule: request.Repeated, Text: "stands twice; send it once"}},
		{Field: "debt", Complaint: request.Complaint{Rule: request.Type, Text: "a number, or null is wanted"}},
		{Field: "purpose", Complaint: request.Complaint{Rule: request.Required, Text: "is missing; a text of 1 to 100 bytes is wanted"}},
	}, wrong)
}

func TestWhatIsNoObject(t *testing.T) {
	t.Parallel()
	for sent, says := range map[string]string{
		`[]`: "a JSON object is wanted", `1`: "a JSON object is wanted", `{} {}`: "one JSON object is wanted, nothing after it", ``: "the body is not complete JSON",
		`{"a"`: "the body is not complete JSON", `{"a": 1,,}`: "the body is not JSON at byte 8", `{"a": secret}`: "the body is not JSON at byte 5",
	} {
		_, _, err := applications(t).Read(json.RawMessage(sent))
		require.EqualError(t, err, says, sent)
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
	}
	members, err := request.Object(json.RawMessage(`{"b": 1, "a": [2], "b": null}`))
	require.NoError(t, err)
	require.Equal(t, []request.Member{{Name: "b", Value: []byte("1")}, {Name: "a", Value: []byte("[2]")}, {Name: "b", Value: []byte("null")}}, members)
}

func TestCleaningThatCannotBeDone(t *testing.T) {
	t.Parallel()
	c := request.Contract{Fields: []request.Field{{Name: "home", Type: pipeline.Category, Clean: []pipeline.CleanStep{{Amount: &pipeline.Amount{Columns: []string{"home"}}}}}}}
	_, err := request.NewApplications(c, nil)
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}
