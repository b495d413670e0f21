package features

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/problem"
)

// metrics are what people and alerts read.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	events    *prometheus.CounterVec
	values    *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "loanops_features_requests_total", Help: "Requests by what is done (post, get) and HTTP status."}, []string{"action", "code"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "loanops_features_request_duration_seconds", Help: "Time from the request to the answer.",
			Buckets: []float64{0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10},
		}, []string{"action"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "loanops_features_events_total", Help: "Posted events by view, and whether they were written or duplicates."}, []string{"view", "result"}),
		values: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "loanops_features_values_total", Help: "Values that were answered, by view and where they came from."}, []string{"view", "status"}),
	}
	m.registry.MustRegister(m.requests, m.durations, m.events, m.values, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// timed counts the requests of an action.
func (m *metrics) timed(action string, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		err := next(c)
		code := c.Response().Status
		if err != nil {
			code = statusOf(err)
		}
		m.requests.WithLabelValues(action, strconv.Itoa(code)).Inc()
		m.durations.WithLabelValues(action).Observe(time.Since(began).Seconds())
		return err
	}
}

// statusOf is the status that an error is answered with.
func statusOf(err error) int {
	var p *problem.Problem
	var framework *echo.HTTPError
	switch {
	case errors.As(err, &p):
		return p.Status
	case errors.As(err, &framework):
		return framework.Code
	case err != nil:
		return problem.FromFault(err).Status
	}
	return http.StatusOK
}

// answered counts the values of an answer.
func (m *metrics) answered(columns []column, readings map[*view][]feature.Reading) {
	type label struct {
		view   *view
		status feature.Status
	}
	counts := map[label]int{}
	for _, c := range columns {
		of := readings[c.view]
		for row := range of {
			counts[label{c.view, of[row].Statuses[c.place]}]++
		}
	}
	for of, n := range counts {
		m.values.WithLabelValues(of.view.Name, string(of.status)).Add(float64(n))
	}
}
