// Package features is the feature store's way in and out: rows of views are posted one by one, and what views say of entities is asked for, in the shape that
// Feast gave it.
package features

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/loanops/loanops/api/bearer"
	"github.com/loanops/loanops/api/respond"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/problem"
)

// Limits of a request.
const (
	maxBody       = 8 // MiB
	maxEvents     = 1000
	maxCells      = 100_000 // values of an answer
	maxReferences = 1000
)

// timeout is how long the database may take for a request.
const timeout = 10 * time.Second

// Server answers for one feature database. It is safe for concurrent use.
type Server struct {
	store       feature.Store
	callers     bearer.Callers[entry]
	definitions *definitions
	metrics     *metrics
	clock       func() time.Time
	readers     sync.Map // *feature.Reader by name and version: a version means one thing
}

// New reads the keys' file, see readKeys. The store stays the caller's to close.
func New(store feature.Store, keysFile string) (*Server, error) {
	callers, err := readKeys(keysFile)
	if err != nil {
		return nil, err
	}
	return &Server{store: store, callers: callers, definitions: &definitions{register: store, every: time.Second}, metrics: newMetrics(), clock: time.Now}, nil
}

// Handler serves the feature store's resources.
func (s *Server) Handler() http.Handler {
	e := echo.New()
	e.HTTPErrorHandler = respond.Error
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true}), respond.BodyLimit(maxBody), respond.RequireJSON)
	e.POST("/v1/features/:view", s.metrics.timed("post", s.allowed(write, within(s.post))))
	e.POST("/get-online-features", s.metrics.timed("get", s.allowed(read, within(s.get))))
	e.GET("/healthz", func(c echo.Context) error { return c.JSON(http.StatusOK, map[string]string{"status": "ok"}) })
	e.GET("/readyz", s.ready)
	e.GET("/openapi.json", s.openAPI)
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})))
	return e
}

func (s *Server) ready(c echo.Context) error {
	return within(func(ctx context.Context, c echo.Context) error {
		if err := s.store.Ping(ctx); err != nil {
			return err
		}
		return c.JSON(http.StatusOK, map[string]string{"status": "ready"})
	})(c)
}

// within gives the database so much time for a request, and says when it does not answer.
func within(next func(ctx context.Context, c echo.Context) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), timeout)
		defer cancel()
		err := next(ctx, c)
		if fault.CodeOf(err) != fault.Unavailable {
			return err
		}
		if c.Request().Context().Err() == nil { // else the caller is gone, and nobody is told
			slog.Error("the feature database does not answer", "path", c.Path(), "error", err.Error())
		}
		return problem.New(http.StatusServiceUnavailable, "the feature database does not answer; try again")
	}
}
