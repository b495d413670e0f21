package respond_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/api/respond"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/problem"
)

// server answers /fails with err, as the data plane is set up.
func server(err error) *echo.Echo {
	e := echo.New()
	e.HTTPErrorHandler = respond.Error
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true}), respond.BodyLimit(1), respond.RequireJSON)
	fails := func(echo.Context) error { return err }
	e.GET("/fails", fails)
	e.HEAD("/fails", fails)
	e.POST("/reads", func(c echo.Context) error {
		_, err := respond.Body(c)
		return err
	})
	e.GET("/panics", func(echo.Context) error { panic("secret") })
	e.GET("/late", func(c echo.Context) error {
		_ = c.String(http.StatusOK, "begun")
		return err
	})
	return e
}

func ask(h http.Handler, method, path, media, body string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	if media != "" {
		request.Header.Set("Content-Type", media)
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, request)
	return answer
}

// A lender hears the message, never the cause and never an internal fault.
func TestErrorsBecomeProblems(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		err    error
		status int
		code   fault.Code
		detail string
	}{
		{"problem", fmt.Errorf("deciding: %w", problem.New(400, "the body is not JSON")), 400, fault.Invalid, "the body is not JSON"},
		{"fault", fault.New(fault.Refused, "too old"), 422, fault.Refused, "too old"},
		{"fault inside of another error", fmt.Errorf("secret: %w", fault.New(fault.NotFound, "no such model")), 404, fault.NotFound, "no such model"},
		{"fault with a cause", fault.Wrap(fault.Unavailable, errors.New("secret"), "the predictor does not answer"), 503, fault.Unavailable, "the predictor does not answer"},
		{"overtaken", fault.New(fault.Overtaken, "a rollback came first"), 409, fault.Overtaken, "a rollback came first"},
		{"internal", fault.New(fault.Internal, "secret"), 500, fault.Internal, "fault of the server"},
		{"unknown", errors.New("secret"), 500, fault.Internal, "fault of the server"},
		{"framework", echo.NewHTTPError(http.StatusTeapot, "secret"), 418, fault.Invalid, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			answer := ask(server(test.err), http.MethodGet, "/fails", "", "")
			require.Equal(t, test.status, answer.Code)
			require.Equal(t, problem.MediaType, answer.Header().Get("Content-Type"))
			require.NotContains(t, answer.Body.String(), "secret")
			var p problem.Problem
			require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &p))
			require.Equal(t, test.status, p.Status)
			require.Equal(t, test.code, p.Code)
			require.Contains(t, p.Detail, test.detail)
		})
	}
}

func TestTheFrameworksOwnErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, method, path, media, body string
		status                          int
		detail                          string
	}{
		{"no such resource", "GET", "/nothing", "", "", 404, "openapi.json"},
		{"no such method", "DELETE", "/fails", "", "", 405, "no such method"},
		{"too large", "POST", "/reads", "application/json", strings.Repeat(" ", 2<<20), 413, "larger than 1 MiB"},
		{"panic", "GET", "/panics", "", "", 500, "fault of the server"},
		{"form", "POST", "/reads", "application/x-www-form-urlencoded", "a=1", 415, "application/json"},
		{"no media type", "POST", "/reads", "", "{}", 415, "application/json"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			answer := ask(server(nil), test.method, test.path, test.media, test.body)
			require.Equal(t, test.status, answer.Code, answer.Body)
			require.Equal(t, problem.MediaType, answer.Header().Get("Content-Type"))
			require.Contains(t, answer.Body.String(), test.detail)
			require.NotContains(t, answer.Body.String(), "secret")
		})
	}
}

func TestJSONIsAcceptedHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	for _, media := range []string{"application/json", "Application/JSON; charset=utf-8", " application/json ;q=1"} {
		require.Equal(t, http.StatusOK, ask(server(nil), http.MethodPost, "/reads", media, "{}").Code, media)
	}
}

// RFC 9110: a 401 names the scheme, and an answer to HEAD has no body.
func TestUnauthorizedNamesItsSchemeAndHeadHasNoBody(t *testing.T) {
	t.Parallel()
	h := server(fault.New(fault.Unauthorized, "send the key"))
	require.Equal(t, `Bearer realm="loanops"`, ask(h, http.MethodGet, "/fails", "", "").Header().Get("WWW-Authenticate"))
	head := ask(h, http.MethodHead, "/fails", "", "")
	require.Equal(t, http.StatusUnauthorized, head.Code)
	require.Empty(t, head.Body.String())
}

// What has been sent cannot be taken back; a problem behind it would damage the body.
func TestAnAnswerThatHasBegunStaysAsItIs(t *testing.T) {
	t.Parallel()
	answer := ask(server(errors.New("too late")), http.MethodGet, "/late", "", "")
	require.Equal(t, http.StatusOK, answer.Code)
	require.Equal(t, "begun", answer.Body.String())
}
