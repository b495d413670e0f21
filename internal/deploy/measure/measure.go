// Package measure runs a model in the real loanops-api and finds what it needs.
package measure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/fault"
)

// Config says what to measure.
type Config struct {
	// Start starts the track's image, as a track of it will be.
	Start runtime.Start
	// Bundle is a local, verified model bundle.
	Bundle string
	// Spec gives digest, version, limits, policy and meaning as the plan grants them; its drill is ignored.
	Spec contract.TrackSpec
	// Applications are bodies of POST /v1/decisions (golden rows), sent in turn. Run needs at least one, Serve none.
	Applications []map[string]any
	// Decisions is how many are sent. Defaults to 2,000.
	Decisions int
}

// defaultDecisions costs less than a second and uses CPU for many ticks of every accounting clock.
const defaultDecisions = 2000

// Run runs the real loanops-api with the plan's limits and returns what the model needs: the time from start to
// ready, the peak of memory under the load, and CPU per decision over HTTP.
//
// It is run twice, once only until it is ready, so that the CPU of starting is known and taken off:
//
//	CPU per decision = (CPU of the run with decisions - CPU of the run without) / decisions
//
// The error is Refused when loanops-api does not start with the bundle or does not answer an application with 200.
func Run(ctx context.Context, cfg Config) (capacity.Demand, error) {
	if len(cfg.Applications) == 0 {
		return capacity.Demand{}, fault.New(fault.Invalid, "measuring needs at least one application")
	}
	if cfg.Decisions == 0 {
		cfg.Decisions = defaultDecisions
	}
	bodies := make([][]byte, len(cfg.Applications))
	for i, application := range cfg.Applications {
		var err error
		if bodies[i], err = json.Marshal(application); err != nil {
			return capacity.Demand{}, fault.Wrap(fault.Invalid, err, "application %d", i+1)
		}
	}
	idle, err := serve(ctx, cfg, func(string) error { return nil })
	if err != nil {
		return capacity.Demand{}, err
	}
	busy, err := serve(ctx, cfg, func(url string) error { return decide(ctx, url, bodies, cfg.Decisions) })
	if err != nil {
		return capacity.Demand{}, err
	}
	perDecision := float64((busy.CPU - idle.CPU).Microseconds()) / float64(cfg.Decisions)
	return capacity.Demand{
		LoadMillis:           float64(max(idle.load, busy.load).Microseconds()) / 1000,
		ResidentMiB:          float64(busy.PeakMemory) / (1 << 20),
		CPUMicrosPerDecision: perDecision,
		Decisions:            cfg.Decisions,
	}, nil
}

// usage is what one run used.
type usage struct {
	runtime.Usage
	load time.Duration // start to ready
}

// Serve runs the real loanops-api with the plan's limits for as long as work takes, which is given its base URL. The error is Refused when
// loanops-api does not start with the bundle, or that of work.
func Serve(ctx context.Context, cfg Config, work func(url string) error) error {
	_, err := serve(ctx, cfg, work)
	return err
}

// serve does so, and says what it used.
func serve(ctx context.Context, cfg Config, work func(url string) error) (usage, error) {
	cfg.Spec.Drill = ""
	var output tail
	began := time.Now()
	predictor, err := cfg.Start(ctx, runtime.Launch{Spec: cfg.Spec, Bundle: cfg.Bundle, Log: &output, Metered: true})
	if err != nil {
		return usage{}, err
	}
	defer predictor.Stop()
	url, err := awaitReady(ctx, predictor)
	if fault.CodeOf(err) == fault.Refused {
		predictor.Stop()
		return usage{}, fault.Wrap(fault.Refused, err, "loanops-api does not start with the model: %s", &output)
	}
	if err != nil {
		return usage{}, err
	}
	used := usage{load: time.Since(began)}
	if err := work(url); err != nil {
		return usage{}, orKilled(ctx, predictor, err)
	}
	predictor.Stop()
	used.Usage = predictor.Usage()
	return used, nil
}

// killNotice is how long it may take until the end of a predictor is known whose client saw it break off.
const killNotice = time.Second

// orKilled says that the predictor was killed at its limit, if that is why it did not answer.
func orKilled(ctx context.Context, predictor runtime.Instance, err error) error {
	if fault.CodeOf(err) != fault.Unavailable {
		return err // it answered
	}
	notice, cancel := context.WithTimeout(ctx, killNotice)
	defer cancel()
	select {
	case <-predictor.Ended():
		if over, ok := errors.AsType[*runtime.OutOfMemory](predictor.Err()); ok {
			return fault.New(fault.Refused, "loanops-api was %s, while it was measured", over)
		}
	case <-notice.Done():
	}
	return err
}

// awaitReady returns the predictor's address once it is ready; Refused when it ends before or takes too long.
func awaitReady(ctx context.Context, predictor runtime.Instance) (string, error) {
	const limit = 2 * capacity.MaxLoadMillis * time.Millisecond // longer than fits, so that the misfit is told with its figure
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	url, err := runtime.AwaitReady(limited, predictor)
	switch {
	case ctx.Err() != nil:
		return "", &fault.Error{Code: fault.Unavailable, Message: "measuring was interrupted", Cause: ctx.Err()}
	case limited.Err() != nil:
		return "", fault.New(fault.Refused, "it is not ready within %s", limit)
	case err != nil:
		return "", fault.New(fault.Refused, "it ended before it was ready (%v)", err)
	}
	return url, nil
}

// decide sends count applications one after another over a kept connection.
func decide(ctx context.Context, url string, bodies [][]byte, count int) error {
	for i := range count {
		status, err := post(ctx, http.MethodPost, url+"/v1/decisions", bodies[i%len(bodies)])
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "measuring, decision %d", i+1)
		}
		if status != http.StatusOK {
			// The answer may repeat what the applicant said, so only its status is told.
			return fault.New(fault.Refused, "measuring: golden application %d was answered with %d, want 200", i%len(bodies)+1, status)
		}
	}
	return nil
}

// direct keeps connections.
var direct = runtime.Client()

// post sends a request and reads its answer to the end, so that the connection is used again.
func post(ctx context.Context, method, url string, body []byte) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := direct.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// tail keeps the end of what a predictor prints. Only one goroutine writes, and it is read after the predictor has ended.
type tail struct{ data []byte }

const maxTail = 1000

// Write keeps the last maxTail bytes.
func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	t.data = t.data[max(0, len(t.data)-maxTail):]
	return len(p), nil
}

// Close does nothing.
func (t *tail) Close() error { return nil }

// String is the output on one line.
func (t *tail) String() string {
	return fmt.Sprintf("%q", strings.ToValidUTF8(strings.TrimSpace(string(t.data)), ""))
}
