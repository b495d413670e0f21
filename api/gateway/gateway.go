// Package gateway shares production traffic between the tracks of a model by weight, and counts what each of them, a version under a
// policy, does.
package gateway

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/loanops/loanops/api/respond"
	"github.com/loanops/loanops/internal/problem"
)

// predictorTimeout bounds one request to a predictor.
const predictorTimeout = 10 * time.Second

// Config says whose traffic is shared.
type Config struct {
	// ID names this gateway to the agent.
	ID string
	// Agent is the base URL of the agent that knows the routes.
	Agent       string
	Environment string
	// Pipeline is the one of /v1/decisions.
	Pipeline string
	// KeysFile holds the institutions and the hashes of their keys.
	KeysFile string
}

// Gateway is safe for concurrent use.
type Gateway struct {
	cfg          Config
	institutions []institution
	table        table
	metrics      *metrics
	client       *http.Client
	// held are the requests that wait for their predictor, each for holdLimit at most.
	held      chan struct{}
	holdLimit time.Duration
}

// New reads the keys. Follow brings the routes.
func New(cfg Config) (*Gateway, error) {
	institutions, err := readKeys(cfg.KeysFile)
	if err != nil {
		return nil, err
	}
	return &Gateway{
		cfg: cfg, institutions: institutions, metrics: newMetrics(),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute}},
		held:   make(chan struct{}, maxHeld), holdLimit: holdLimit,
	}, nil
}

// Handler serves the gateway's resources.
func (g *Gateway) Handler() http.Handler {
	e := echo.New()
	e.HTTPErrorHandler = respond.Error
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true}), middleware.BodyLimit("1M"), respond.RequireJSON)
	for _, path := range []string{"/decisions", "/decisions/batch"} {
		e.POST("/v1"+path, g.proxy("/v1"+path))
		e.POST("/v1/pipelines/:pipeline"+path, g.proxy("/v1"+path))
	}
	e.GET("/openapi.json", g.openAPI)
	e.GET("/healthz", func(c echo.Context) error { return c.JSON(http.StatusOK, map[string]string{"status": "ok"}) })
	e.GET("/readyz", g.ready)
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(g.metrics.registry, promhttp.HandlerOpts{})))
	return e
}

func (g *Gateway) ready(c echo.Context) error {
	if g.table.chooser(g.cfg.Pipeline) == nil {
		return problem.New(http.StatusServiceUnavailable, "no model serves "+g.cfg.Pipeline+" yet")
	}
	return c.JSON(http.StatusOK, map[string]string{"status": "ready"})
}

// pipeline is the one that the path names, or the default.
func (g *Gateway) pipeline(c echo.Context) string {
	if name := c.Param("pipeline"); name != "" {
		return name
	}
	return g.cfg.Pipeline
}

// proxy passes a request to the slot that its turn names. It is counted once, as its first try went: a failure must be seen, though its
// caller may not see it, see askAgain.
func (g *Gateway) proxy(path string) echo.HandlerFunc {
	return func(c echo.Context) error {
		caller, ok := g.caller(c.Request().Header.Get(echo.HeaderAuthorization))
		if !ok {
			return problem.New(http.StatusUnauthorized, "send Authorization: Bearer with your institution's key")
		}
		name := g.pipeline(c)
		chooser := g.table.chooser(name)
		if chooser == nil {
			return problem.New(http.StatusServiceUnavailable, "no model serves this pipeline now")
		}
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		idempotencyKey := c.Request().Header.Get("Idempotency-Key")
		slot, target := chooser.choose(idempotencyKey)
		labels := []string{name, slot, strconv.Itoa(target.ModelVersion), target.PolicyDigest, strconv.FormatBool(caller == Synthetic)}
		started := time.Now()
		answer, err := g.ask(c.Request().Context(), http.MethodPost, target.URL+path, body)
		if err != nil && c.Request().Context().Err() != nil {
			return nil //nolint:nilerr // the caller hung up: that says nothing about the model
		}
		g.metrics.durations.WithLabelValues(labels...).Observe(time.Since(started).Seconds())
		if err == nil {
			g.count(labels, answer)
		} else {
			g.metrics.requests.WithLabelValues(append(labels, "502")...).Inc()
			if time.Since(started) < g.holdLimit { // one that hangs is no restart
				slot, answer, err = g.askAgain(c.Request().Context(), name, slot, idempotencyKey, path, body)
			}
		}
		if err != nil {
			return problem.New(http.StatusBadGateway, "the model's predictor did not answer; try again")
		}
		c.Response().Header().Set("LoanOps-Track", slot)
		return answer.write(c)
	}
}

// count records an answer.
func (g *Gateway) count(labels []string, a *answer) {
	g.metrics.requests.WithLabelValues(append(labels, strconv.Itoa(a.status))...).Inc()
	if p, err := strconv.ParseFloat(a.header.Get("LoanOps-Probability"), 64); err == nil {
		g.metrics.scores.WithLabelValues(labels...).Observe(p)
		g.metrics.decisions.WithLabelValues(append(labels, a.header.Get("LoanOps-Verdict"))...).Inc()
	}
}

// answer is a predictor's, read whole, so that a connection that breaks half-way is a failure and not half an answer.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (g *Gateway) ask(ctx context.Context, method, url string, body []byte) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, predictorTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	response, err := g.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	return &answer{response.StatusCode, response.Header, data}, nil
}

// passed are the headers of a predictor's answer that a caller gets.
var passed = []string{echo.HeaderContentType, echo.HeaderCacheControl, "LoanOps-Model-Version", "LoanOps-Probability", "LoanOps-Verdict"}

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

// openAPI is the serving model's own document.
func (g *Gateway) openAPI(c echo.Context) error {
	chooser := g.table.chooser(g.cfg.Pipeline)
	if chooser == nil {
		return problem.New(http.StatusServiceUnavailable, "no model serves "+g.cfg.Pipeline+" yet")
	}
	_, target := chooser.choose("openapi")
	document, err := g.ask(c.Request().Context(), http.MethodGet, target.URL+"/openapi.json", nil)
	if err != nil {
		return problem.New(http.StatusBadGateway, "the model's predictor did not answer; try again")
	}
	return document.write(c)
}
