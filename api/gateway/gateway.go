// Package gateway shares production traffic between the tracks of a model by weight, copies it to a mirror, and counts what each of
// them, a version under a policy, does.
package gateway

import (
	"hash/maphash"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/loanops/loanops/api/bearer"
	"github.com/loanops/loanops/api/respond"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/problem"
)

// Config says whose traffic is shared.
type Config struct {
	// ID names this gateway to the agent.
	ID string
	// Agent is the base URL of the agent that knows the routes.
	Agent string
	// AgentTokenFile holds the token with which that agent lets gateways read; empty where it lets everybody on its machine.
	AgentTokenFile string
	Environment    string
	// Pipeline is the one of /v1/decisions.
	Pipeline string
	// KeysFile holds the institutions and the hashes of their keys.
	KeysFile string
}

// Gateway is safe for concurrent use.
type Gateway struct {
	cfg          Config
	institutions bearer.Callers[institution]
	agent        *contract.AgentClient
	table        table
	metrics      *metrics
	client       *http.Client
	// held are the requests that wait for their predictor, each for holdLimit at most.
	held      chan struct{}
	holdLimit time.Duration
	timeout   time.Duration // contract.PredictorTimeout
	seed      maphash.Seed  // of the requests' hashes
}

// New reads the keys and the token. Follow brings the routes.
func New(cfg Config) (*Gateway, error) {
	institutions, err := readKeys(cfg.KeysFile)
	if err != nil {
		return nil, err
	}
	token, err := readToken(cfg.AgentTokenFile)
	if err != nil {
		return nil, err
	}
	return &Gateway{
		cfg: cfg, institutions: institutions, metrics: newMetrics(institutions), table: table{known: make(chan struct{})},
		agent:  contract.NewAgentClient(cfg.Agent, token),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute}},
		held:   make(chan struct{}, maxHeld), holdLimit: holdLimit, timeout: contract.PredictorTimeout, seed: maphash.MakeSeed(),
	}, nil
}

// Handler serves the gateway's resources.
func (g *Gateway) Handler() http.Handler {
	e := echo.New()
	e.HTTPErrorHandler = respond.Error
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true}), respond.BodyLimit(maxBody), respond.RequireJSON)
	for path, kind := range map[string]string{"/decisions": contract.KindSingle, "/decisions/batch": contract.KindBatch} {
		e.POST("/v1"+path, g.proxy(kind))
		e.POST("/v1/pipelines/:pipeline"+path, g.proxy(kind))
	}
	e.GET("/openapi.json", g.openAPI)
	e.GET("/healthz", func(c echo.Context) error { return c.JSON(http.StatusOK, map[string]string{"status": "ok"}) })
	e.GET("/readyz", g.ready)
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(g.metrics.registry, promhttp.HandlerOpts{})))
	return e
}

// ready says whether this gateway shares requests as the agent wants it. That no model serves yet is no fault of it.
func (g *Gateway) ready(c echo.Context) error {
	select {
	case <-g.table.known:
		return c.JSON(http.StatusOK, map[string]string{"status": "ready"})
	default:
		return problem.New(http.StatusServiceUnavailable, "the agent has told no routes yet")
	}
}

// pipeline is the one that the path names, or the default.
func (g *Gateway) pipeline(c echo.Context) string {
	if name := c.Param("pipeline"); name != "" {
		return name
	}
	return g.cfg.Pipeline
}

// openAPI is the serving model's own document.
func (g *Gateway) openAPI(c echo.Context) error {
	chooser := g.table.chooser(g.cfg.Pipeline)
	if chooser == nil {
		return problem.New(http.StatusServiceUnavailable, "no model serves "+g.cfg.Pipeline+" yet")
	}
	served := chooser.choose("openapi")
	document, err := g.ask(c.Request().Context(), question{method: http.MethodGet, url: served.URL + "/openapi.json", meant: served.name(g.cfg.Pipeline)})
	if err != nil {
		return problem.New(http.StatusBadGateway, "the model's predictor did not answer; try again")
	}
	return document.write(c)
}
