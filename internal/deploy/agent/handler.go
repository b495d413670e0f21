package agent

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/problem"
)

// maxBody bounds a request's body: a track with the largest policy, as JSON text in JSON perhaps twice as long.
const maxBody = 2*decision.MaxPolicyBytes + 64<<10

// maxMeasurement bounds that of a measurement, which comes with applications.
const maxMeasurement = maxBody + 8<<20

// handler routes the agent's API. Each write asks for its writer's token; reads ask for any of the three where gateways have one, and are open
// else, see Config.GatewayToken.
func (a *agent) handler() http.Handler {
	const where = "/v1/environments/{environment}/pipelines/{pipeline}"
	provider := func(h handle) http.Handler { return a.endpoint(guard(h, "provider's token", a.cfg.ProviderToken)) }
	rollback := func(h handle) http.Handler { return a.endpoint(guard(h, "rollback's token", a.cfg.RollbackToken)) }
	either := func(h handle) http.Handler {
		return a.endpoint(guard(h, "provider's token or the rollback's", a.cfg.ProviderToken, a.cfg.RollbackToken))
	}
	read := a.endpoint
	if a.cfg.GatewayToken != "" {
		read = func(h handle) http.Handler {
			return a.endpoint(guard(h, "gateway's token or a writer's", a.cfg.GatewayToken, a.cfg.ProviderToken, a.cfg.RollbackToken))
		}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", a.endpoint(func(*http.Request) (any, error) {
		return contract.Health{Status: "ok", Runtime: a.cfg.Runtime.Name()}, nil
	}))
	mux.Handle("GET "+where, read(a.getActual))
	mux.Handle("GET "+where+"/tracks/{slot}", read(a.getTrack))
	mux.Handle("PUT "+where+"/tracks/{slot}", provider(a.handlePutTrack))
	mux.Handle("DELETE "+where+"/tracks/{slot}", provider(a.handleDeleteTrack))
	mux.Handle("GET "+where+"/route", read(a.getRoute))
	mux.Handle("PUT "+where+"/route", provider(a.handlePutRoute))
	mux.Handle("DELETE "+where+"/route", provider(a.handleDeleteRoute))
	mux.Handle("POST "+where+"/rollback", rollback(a.handleRollback))
	mux.Handle("PUT "+where+"/generation", either(a.handleGeneration))
	mux.Handle("POST /v1/measurements", either(a.handleMeasure))
	mux.Handle("GET /v1/environments/{environment}/routes", read(a.getRoutes))
	mux.Handle("/", a.endpoint(func(r *http.Request) (any, error) {
		return nil, fault.New(fault.NotFound, "there is no %s %s", r.Method, r.URL.Path)
	}))
	return mux
}

// handle answers a request with a JSON body (nil: none) or a fault.
type handle func(*http.Request) (any, error)

// endpoint writes what h answers.
func (a *agent) endpoint(h handle) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := h(r)
		switch {
		case err != nil && errors.Is(r.Context().Err(), context.Canceled):
			return // nobody listens any more
		case err != nil:
			a.writeProblem(w, r, err)
		case answer == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			write(w, http.StatusOK, "application/json", answer)
		}
	})
}

// guard lets through who knows one of the tokens. Digests are compared, so that the time tells nothing, not even the length.
func guard(h handle, wanted string, tokens ...string) handle {
	return func(r *http.Request) (any, error) {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		got, known := sha256.Sum256([]byte(given)), 0
		for _, token := range tokens {
			want := sha256.Sum256([]byte(token))
			known |= subtle.ConstantTimeCompare(got[:], want[:])
		}
		if known != 1 || !ok {
			return nil, fault.New(fault.Unauthorized, "%s %s needs the %s", r.Method, r.URL.Path, wanted)
		}
		return h(r)
	}
}

func (a *agent) getActual(r *http.Request) (any, error) {
	p, err := pairOf(r)
	if err != nil {
		return nil, err
	}
	return a.actual(p), nil
}

func (a *agent) getTrack(r *http.Request) (any, error) {
	k, err := keyOf(r)
	if err != nil {
		return nil, err
	}
	if r.URL.Query().Get("settled") == "true" {
		return answer(a.settledTrack(r.Context(), k))
	}
	return answer(a.track(k))
}

func (a *agent) handlePutTrack(r *http.Request) (any, error) {
	k, err := keyOf(r)
	if err != nil {
		return nil, err
	}
	var request contract.TrackRequest
	if err := decode(r, &request); err != nil {
		return nil, err
	}
	return answer(a.putTrack(r.Context(), k, request))
}

func (a *agent) handleDeleteTrack(r *http.Request) (any, error) {
	k, err := keyOf(r)
	if err != nil {
		return nil, err
	}
	generation, err := generationOf(r)
	if err != nil {
		return nil, err
	}
	return nil, a.deleteTrack(r.Context(), k, generation)
}

func (a *agent) getRoute(r *http.Request) (any, error) {
	p, err := pairOf(r)
	if err != nil {
		return nil, err
	}
	return answer(a.route(p))
}

func (a *agent) handlePutRoute(r *http.Request) (any, error) { return setRoute(r, a.putRoute) }

func (a *agent) handleRollback(r *http.Request) (any, error) { return setRoute(r, a.rollback) }

func setRoute[T any](r *http.Request, set func(context.Context, pair, T) (contract.Route, error)) (any, error) {
	p, err := pairOf(r)
	if err != nil {
		return nil, err
	}
	var request T
	if err := decode(r, &request); err != nil {
		return nil, err
	}
	return answer(set(r.Context(), p, request))
}

func (a *agent) handleMeasure(r *http.Request) (any, error) {
	var request contract.MeasureRequest
	if err := decodeUpTo(r, &request, maxMeasurement); err != nil {
		return nil, err
	}
	return answer(a.measure(r.Context(), request))
}

func (a *agent) handleGeneration(r *http.Request) (any, error) {
	p, err := pairOf(r)
	if err != nil {
		return nil, err
	}
	var request contract.GenerationRequest
	if err := decode(r, &request); err != nil {
		return nil, err
	}
	return nil, a.teach(p, request.Generation)
}

func (a *agent) handleDeleteRoute(r *http.Request) (any, error) {
	p, err := pairOf(r)
	if err != nil {
		return nil, err
	}
	generation, err := generationOf(r)
	if err != nil {
		return nil, err
	}
	return nil, a.deleteRoute(r.Context(), p, generation)
}

// getRoutes is the gateways' long poll: ?after=REVISION&wait=25s&gateway=ID.
func (a *agent) getRoutes(r *http.Request) (any, error) {
	environment, err := name(r, "environment")
	if err != nil {
		return nil, err
	}
	query := r.URL.Query()
	after, wait := int64(-1), time.Duration(0)
	if text := query.Get("after"); text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, fault.New(fault.Invalid, "after=%q: want a revision", text)
		}
	}
	if text := query.Get("wait"); text != "" {
		if wait, err = time.ParseDuration(text); err != nil || wait < 0 {
			return nil, fault.New(fault.Invalid, "wait=%q: want a duration such as 25s", text)
		}
	}
	id := query.Get("gateway")
	if len(id) > 100 {
		return nil, fault.New(fault.Invalid, "gateway: want at most 100 characters")
	}
	return a.poll(r.Context(), environment, id, after, wait), nil
}

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// name returns a part of the path that names something. Names become parts of file names, so they are narrow.
func name(r *http.Request, part string) (string, error) {
	value := r.PathValue(part)
	if !namePattern.MatchString(value) {
		return "", fault.New(fault.Invalid, "%s %q: want lower-case letters, digits and dashes, at most 40", part, value)
	}
	return value, nil
}

func pairOf(r *http.Request) (pair, error) {
	environment, err := name(r, "environment")
	if err != nil {
		return pair{}, err
	}
	pipeline, err := name(r, "pipeline")
	return pair{environment, pipeline}, err
}

func keyOf(r *http.Request) (key, error) {
	p, err := pairOf(r)
	if err != nil {
		return key{}, err
	}
	slot := r.PathValue("slot")
	if slot != contract.Blue && slot != contract.Green {
		return key{}, fault.New(fault.Invalid, "there is no slot %q; the slots are %s and %s", slot, contract.Blue, contract.Green)
	}
	return key{p.environment, p.pipeline, slot}, nil
}

// generationOf reads ?generation=N of a write without a body; 0 for none.
func generationOf(r *http.Request) (int64, error) {
	text := r.URL.Query().Get("generation")
	if text == "" {
		return 0, nil
	}
	generation, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fault.New(fault.Invalid, "generation=%q: want that of the serving record, from 1", text)
	}
	return generation, nil
}

// decode reads one strict JSON object: no unknown field, nothing after it, bounded.
func decode(r *http.Request, into any) error { return decodeUpTo(r, into, maxBody) }

func decodeUpTo(r *http.Request, into any, limit int64) error {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return fault.New(fault.Invalid, "Content-Type %q: want application/json", r.Header.Get("Content-Type"))
	}
	decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, limit))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return &fault.Error{Code: fault.Invalid, Message: "body", Cause: err}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "body: want one JSON object and nothing after it")
	}
	return nil
}

// answer drops the value of a failed call.
func answer[T any](value T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return value, nil
}

// writeProblem answers with the fault; an unknown one is logged and not shown.
func (a *agent) writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := problem.FromFault(err)
	if p.Status == http.StatusInternalServerError {
		a.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	write(w, p.Status, problem.MediaType, p)
}

func write(w http.ResponseWriter, status int, mediaType string, body any) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}
