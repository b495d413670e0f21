package respond_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/problem"
)

// Whether or not a request says how long it is, it is read to the limit and no further.
func TestBodiesHaveALimit(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{true, false} {
		for large, status := range map[int]int{1 << 20: http.StatusOK, 1<<20 + 1: http.StatusRequestEntityTooLarge} {
			answer := sent(strings.NewReader(strings.Repeat(" ", large-2)+"{}"), told)
			require.Equal(t, status, answer.Code)
			if status == http.StatusOK {
				continue
			}
			require.Equal(t, problem.MediaType, answer.Header().Get("Content-Type"))
			require.JSONEq(t, `{"type": "about:blank", "title": "Request Entity Too Large", "status": 413, "detail": "the request is larger than 1 MiB", "code": "invalid"}`, answer.Body.String())
		}
	}
}

func TestABodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	answer := sent(iotest.ErrReader(errors.New("secret")), false)
	require.Equal(t, http.StatusBadRequest, answer.Code)
	require.Contains(t, answer.Body.String(), "the body could not be read")
}

// sent is the answer to a body, whose length is told or not.
func sent(body io.Reader, told bool) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodPost, "/reads", body)
	request.Header.Set("Content-Type", "application/json")
	if !told {
		request.ContentLength = -1
	}
	answer := httptest.NewRecorder()
	server(nil).ServeHTTP(answer, request)
	return answer
}
