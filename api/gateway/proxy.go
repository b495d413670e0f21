package gateway

import (
	"context"
	"hash/maphash"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/loanops/loanops/api/respond"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/problem"
)

// request is what a caller asks of a pipeline.
type request struct {
	pipeline    string
	kind        string // contract.KindSingle or KindBatch
	institution string
	synthetic   bool
	body        []byte
	// hash is the same for what is asked again, byte by byte, see Gateway.hash.
	hash uint64
}

// maxBody is how long a request may be, in MiB.
const maxBody = 1

// paths are where predictors answer each kind of request.
var paths = map[string]string{contract.KindSingle: "/v1/decisions", contract.KindBatch: "/v1/decisions/batch"}

func (g *Gateway) newRequest(pipeline, kind, institution string, body []byte) *request {
	synthetic := institution == Synthetic
	return &request{pipeline, kind, institution, synthetic, body, g.hash(kind, synthetic, "bytes", body)}
}

// hash is the same for the same of clients or of the platform itself: one says nothing of the other.
func (g *Gateway) hash(kind string, synthetic bool, of string, what []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(g.seed)
	_, _ = h.WriteString(kind + strconv.FormatBool(synthetic) + of)
	_, _ = h.Write(what) // neither ever fails
	return h.Sum64()
}

// application is the same for what is one applicant: whom the answer names, as a client can ask about one in ever other words, with the date of
// today for instance; or what was sent, where the answer names nobody.
func (g *Gateway) application(r *request, answered result) uint64 {
	if answered.application == "" {
		return r.hash
	}
	return g.hash(r.kind, r.synthetic, contract.ApplicationHeader, []byte(answered.application))
}

// question is r as a track is asked.
func (r *request) question(t *track) question {
	return question{method: http.MethodPost, url: t.URL + paths[r.kind], meant: t.name(r.pipeline), body: r.body, synthetic: r.synthetic}
}

// proxy passes a request to the slot that its turn names. It is counted once, as its first try went: a failure must be seen, though its
// caller may not see it, see askAgain.
func (g *Gateway) proxy(kind string) echo.HandlerFunc {
	return func(c echo.Context) error {
		caller := g.institutions.Of(c.Request().Header.Get(echo.HeaderAuthorization))
		if caller == nil {
			return problem.New(http.StatusUnauthorized, "send Authorization: Bearer with your institution's key")
		}
		name := g.pipeline(c)
		chooser := g.table.chooser(name)
		if chooser == nil {
			return problem.New(http.StatusServiceUnavailable, "no model serves this pipeline now")
		}
		body, err := respond.Body(c)
		if err != nil {
			return err
		}
		r := g.newRequest(name, kind, caller.Name, body)
		ctx, idempotencyKey := c.Request().Context(), c.Request().Header.Get("Idempotency-Key")
		served := chooser.choose(idempotencyKey)
		answer, first := g.try(ctx, r, served)
		// Last, when the caller's answer is written: all that the handler then still does for the copy takes about a microsecond.
		defer g.mirror(chooser.mirror, r, served, first)
		if first.code == contract.CodeAbandoned {
			return nil
		}
		slot := served.slot
		if answer == nil && first.took < g.holdLimit { // one that hangs is no restart
			slot, answer = g.askAgain(ctx, r, slot, idempotencyKey)
		}
		if answer == nil {
			return problem.New(first.code, "the model's predictor did not answer; try again")
		}
		c.Response().Header().Set(contract.TrackHeader, slot)
		return answer.write(c)
	}
}

// try asks a track, once, and counts that; no answer where it has none.
func (g *Gateway) try(ctx context.Context, r *request, t *track) (*answer, result) {
	labels := r.labels(t)
	g.metrics.started.WithLabelValues(labels...).Inc()
	began := time.Now()
	answer, err := g.ask(ctx, r.question(t))
	result := resultOf(ctx, answer, err, time.Since(began))
	g.metrics.ended(labels, result)
	// A client that asks about one applicant over and over is one applicant: counted each time, it would pass for evidence of how the
	// track decides, and drown that of all others. The platform's own requests are drawn from a pool, again and again, on purpose.
	if result.verdict != "" && (r.synthetic || t.answered.add(g.application(r, result))) {
		g.metrics.decided(labels, result)
	}
	// So is one that asks for the same wrong thing over and over, under an idempotency key of one track only perhaps.
	if contract.OutcomeOf(result.code) == contract.OutcomeRefused && (r.synthetic || t.refused.add(r.hash)) {
		g.metrics.refused.WithLabelValues(labels...).Inc()
		if !r.synthetic {
			g.metrics.complaints.count(r, answer)
		}
	}
	return answer, result
}
