package problem_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/problem"
)

// The wanted statuses are those of the API's contract.
func TestEveryFaultHasItsStatus(t *testing.T) {
	t.Parallel()
	statuses := map[fault.Code]int{
		fault.Invalid: 422, fault.NotFound: 404, fault.Conflict: 409, fault.Overtaken: 409,
		fault.Refused: 422, fault.Unavailable: 503, fault.Unauthorized: 401,
	}
	for _, code := range fault.Codes() {
		if code == fault.Internal {
			continue // says nothing, see below
		}
		status, known := statuses[code]
		require.True(t, known, "%s has no row", code)
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			p := problem.FromFault(fmt.Errorf("reading: %w", fault.New(code, "what is wrong")))
			require.Equal(t, &problem.Problem{
				Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: "reading: what is wrong", Code: code,
			}, p)
			back := p.Fault()
			require.Equal(t, code, fault.CodeOf(back), "the other side meets the same fault")
			require.EqualError(t, back, "reading: what is wrong")
		})
	}
}

// What was not meant for the caller says only that there was something.
func TestWhatIsInternalIsNotShown(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"no fault":       errors.New("secret"),
		"internal":       fault.New(fault.Internal, "secret"),
		"wrapped":        fault.Wrap(fault.Internal, errors.New("secret"), "opening secret"),
		"unknown code":   fault.New("new-code", "secret"),
		"internal cause": fault.Wrap(fault.Invalid, fault.New(fault.Internal, "secret"), "body"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := problem.FromFault(err)
			require.Equal(t, http.StatusInternalServerError, p.Status)
			require.Equal(t, fault.Internal, p.Code)
			require.NotEmpty(t, p.Detail)
			require.NotContains(t, p.Detail, "secret")
		})
	}
}

// A status that no fault has still says of what kind it is: the caller's fault, or one that may pass.
func TestEveryStatusHasACode(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]fault.Code{
		400: fault.Invalid, 401: fault.Unauthorized, 404: fault.NotFound, 405: fault.Invalid, 409: fault.Conflict, 413: fault.Invalid,
		415: fault.Invalid, 422: fault.Invalid, 500: fault.Internal, 502: fault.Unavailable, 503: fault.Unavailable,
	} {
		require.Equal(t, code, problem.New(status, "").Code, status)
		require.Equal(t, http.StatusText(status), problem.New(status, "").Title)
	}
}

func TestTheFirstOfVeryManyFieldsAreNamed(t *testing.T) {
	t.Parallel()
	var fields []problem.FieldError
	for i := range 101 {
		fields = append(fields, problem.FieldError{Field: fmt.Sprint("f", i), Detail: "a number is wanted"})
	}
	p := problem.OfFields("", fields[:100]...)
	require.Len(t, p.Errors, 100)
	require.Equal(t, "100 fields are wrong", p.Detail)
	p = problem.OfFields("", fields...)
	require.Equal(t, fields[:100], p.Errors)
	require.Equal(t, "101 fields are wrong; the first 100 of 101 are listed", p.Detail)
}

// The keys are RFC 9457's and the API's; a client reads them.
func TestTheBody(t *testing.T) {
	t.Parallel()
	body, err := json.Marshal(problem.New(422, "one field is wrong", problem.FieldError{Field: "income", Detail: "a number is wanted"}))
	require.NoError(t, err)
	require.JSONEq(t, `{"type": "about:blank", "title": "Unprocessable Entity", "status": 422, "detail": "one field is wrong", "code": "invalid",
		"errors": [{"field": "income", "detail": "a number is wanted"}]}`, string(body))
	body, err = json.Marshal(problem.New(405, ""))
	require.NoError(t, err)
	require.False(t, strings.Contains(string(body), "detail") || strings.Contains(string(body), "errors"), "what is not known is left out: %s", body)
}

// Handlers return problems as errors and find them again.
func TestAProblemIsAnError(t *testing.T) {
	t.Parallel()
	var p *problem.Problem
	require.ErrorAs(t, fmt.Errorf("deciding: %w", problem.New(400, "the body is not JSON")), &p)
	require.Equal(t, 400, p.Status)
	require.EqualError(t, p, "the body is not JSON")
}
