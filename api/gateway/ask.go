package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/loanops/loanops/internal/deploy/contract"
)

// question is a request to a predictor.
type question struct {
	method, url string
	meant       string // who has to answer, see contract.MeantHeader
	body        []byte
	synthetic   bool // the platform's own
	mirrored    bool // a copy, of whose answer only the head is of use
}

// answer is a predictor's, read whole, so that a connection that breaks half-way is a failure and not half an answer.
type answer struct {
	status int
	header http.Header
	body   []byte // none of a copy's
}

// errAnother says that what has the predictor's address by now is another one: the one that was asked is away.
var errAnother = errors.New("another predictor has this address")

func (g *Gateway) ask(ctx context.Context, q question) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, q.method, q.url, bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	request.Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	request.Header.Set(contract.MeantHeader, q.meant)
	if q.synthetic {
		request.Header.Set(contract.SyntheticHeader, "true")
	}
	if q.mirrored {
		request.Header.Set(contract.MirroredHeader, "true")
	}
	response, err := g.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusMisdirectedRequest {
		return nil, errAnother
	}
	a := &answer{status: response.StatusCode, header: response.Header}
	if q.mirrored {
		_, err = io.Copy(io.Discard, response.Body)
	} else {
		a.body, err = io.ReadAll(response.Body)
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// result is how a question ended.
type result struct {
	code    int // the answer's status, or what contract has for none
	took    time.Duration
	verdict string // of a single decision; empty where none was made
	score   float64
	// application names what was decided, see contract.ApplicationHeader; empty where the predictor did not.
	application string
}

// resultOf judges what ask returned. A caller that hung up, whatever broke then, says nothing about the predictor but that it had not
// answered.
func resultOf(caller context.Context, a *answer, err error, took time.Duration) result {
	switch {
	case err != nil && caller.Err() != nil:
		return result{code: contract.CodeAbandoned, took: took}
	case errors.Is(err, context.DeadlineExceeded):
		return result{code: contract.CodeTimeout, took: took}
	case err != nil:
		return result{code: contract.CodeAway, took: took}
	}
	r := result{code: a.status, took: took}
	if score, err := strconv.ParseFloat(a.header.Get(contract.ProbabilityHeader), 64); err == nil && contract.OutcomeOf(a.status) == contract.OutcomeOK {
		r.score, r.verdict, r.application = score, a.header.Get(contract.VerdictHeader), a.header.Get(contract.ApplicationHeader)
	}
	return r
}

// passed are the headers of a predictor's answer that a caller gets.
var passed = []string{echo.HeaderContentType, echo.HeaderCacheControl, contract.VersionHeader, contract.ProbabilityHeader, contract.VerdictHeader}

func (a *answer) write(c echo.Context) error {
	for _, name := range passed {
		if value := a.header.Get(name); value != "" {
			c.Response().Header().Set(name, value)
		}
	}
	c.Response().WriteHeader(a.status)
	_, err := c.Response().Write(a.body)
	return err
}
