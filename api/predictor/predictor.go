// Package predictor serves one model version over REST.
package predictor

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/loanops/loanops/api/respond"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/problem"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// Limits of a request.
const (
	maxBody  = 1 // MiB
	maxBatch = 1000
)

// Config says which model to serve and how its scores become verdicts.
type Config struct {
	// Bundle is the bundle's file, Digest the SHA-256 that it must have.
	Bundle, Digest string
	// Version is the model's number in the registry.
	Version int
	// Policy is the policy document's file, PolicyDigest the SHA-256 that it must have; every decision repeats it.
	Policy, PolicyDigest string
	Meaning              pipeline.Meaning
	// Features is where the feature store answers. Without a URL nothing is known of an applicant beyond the application.
	Features contract.FeatureStore
	// Drill is LOANOPS_DRILL, see drill.Parse.
	Drill string
}

// Predictor is one loaded model. It is safe for concurrent use.
type Predictor struct {
	cfg          Config
	decider      decision.Decider
	applications *request.Applications
	store        *store // nil where the model looks nothing up
	drill        *injector
	metrics      *metrics
}

// Decision is the answer to an application.
type Decision struct {
	DecisionID  string  `json:"decision_id"`
	Verdict     string  `json:"verdict"` // approve or decline
	Probability float64 `json:"probability"`
	// Features are what the feature store knew of the applicant, by the names of the columns; none of a model that looks nothing up.
	Features map[string]Looked `json:"features,omitempty"`
	// Reasons are the principal reasons of a decline; an approval has none.
	Reasons []decision.Reason `json:"reasons"`
	Model   ModelRef          `json:"model"`
	Policy  PolicyRef         `json:"policy"`
	// Mirrored marks what was decided to compare it with another track's decision: it is meant for nobody.
	Mirrored bool `json:"mirrored,omitempty"`
}

// PolicyRef names the policy that made a verdict of the probability.
type PolicyRef struct {
	Digest string `json:"digest"`
}

// ModelRef names the model that decided.
type ModelRef struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
	Digest  string `json:"digest"`
}

// New loads and verifies the bundle and the policy.
func New(cfg Config) (*Predictor, error) {
	if cfg.Meaning != pipeline.MeaningDefault && cfg.Meaning != pipeline.MeaningApproval {
		return nil, fault.New(fault.Invalid, "--meaning is %q; default or approval is wanted", cfg.Meaning)
	}
	drill, err := newInjector(cfg.Drill)
	if err != nil {
		return nil, err
	}
	bundle, err := readFile("bundle", cfg.Bundle, model.MaxBundleBytes)
	if err != nil {
		return nil, err
	}
	m, err := model.Decode(bundle, cfg.Digest)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "%s", cfg.Bundle)
	}
	document, err := readFile("policy", cfg.Policy, decision.MaxPolicyBytes)
	if err != nil {
		return nil, err
	}
	policy, err := decision.ReadPolicy(document, cfg.PolicyDigest)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "%s", cfg.Policy)
	}
	applications, err := request.NewApplications(m.Contract, m.Signature())
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "%s", cfg.Bundle)
	}
	asks, err := newStore(cfg, applications, m.Contract)
	if err != nil {
		return nil, err
	}
	return &Predictor{
		cfg: cfg, decider: decision.Decider{Model: m, Meaning: cfg.Meaning, Policy: policy}, applications: applications, store: asks, drill: drill, metrics: newMetrics(m.Name),
	}, nil
}

// readFile reads a file of at most so many bytes.
func readFile(what, path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "%s", what)
	}
	if info.Size() > most {
		return nil, fault.New(fault.Invalid, "%s has %d bytes, at most %d are read", path, info.Size(), most)
	}
	data, err := os.ReadFile(path)
	return data, fault.Wrap(fault.NotFound, err, "%s", what)
}

// Handler serves the predictor's resources.
func (p *Predictor) Handler() http.Handler {
	e := echo.New()
	e.HTTPErrorHandler = respond.Error
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true}), p.meant, respond.BodyLimit(maxBody), respond.RequireJSON)
	e.POST("/v1/decisions", p.decide)
	e.POST("/v1/decisions/batch", p.decideBatch)
	e.GET("/healthz", func(c echo.Context) error { return c.JSON(http.StatusOK, map[string]string{"status": "ok"}) })
	e.GET("/readyz", p.ready)
	e.GET("/openapi.json", p.openAPI)
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(p.metrics.registry, promhttp.HandlerOpts{})))
	return e
}

// meant refuses what a gateway meant for another predictor. Whoever names none means this one.
func (p *Predictor) meant(next echo.HandlerFunc) echo.HandlerFunc {
	name := contract.PredictorName(p.decider.Model.Name, p.cfg.Version, p.cfg.PolicyDigest)
	return func(c echo.Context) error {
		if meant := c.Request().Header.Get(contract.MeantHeader); meant != "" && meant != name {
			return problem.New(http.StatusMisdirectedRequest, "this predictor is "+name)
		}
		return next(c)
	}
}

func (p *Predictor) ready(c echo.Context) error {
	answer := map[string]any{"status": "ready", "model": p.ref(), "policy": PolicyRef{p.cfg.PolicyDigest}}
	if p.cfg.Drill != "" {
		answer["drill"] = p.cfg.Drill
	}
	return c.JSON(http.StatusOK, answer)
}

func (p *Predictor) ref() ModelRef {
	return ModelRef{Name: p.decider.Model.Name, Version: p.cfg.Version, Digest: p.cfg.Digest}
}

// body reads a request's body, which is not nested deeply.
func body(c echo.Context) ([]byte, error) {
	data, err := respond.Body(c)
	if err != nil {
		return nil, err
	}
	return data, shallow(data)
}

func (p *Predictor) decide(c echo.Context) error {
	data, err := body(c)
	if err != nil {
		return err
	}
	if err := p.drill.request(c.Request().Context()); err != nil {
		return err
	}
	started := time.Now()
	read, wrong, err := p.application(data, "")
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return problem.OfFields("", wrong...)
	}
	known, err := p.lookUp(c.Request().Context(), []request.Application{read}, marksOf(c), func(int) string { return "" })
	if err != nil {
		return err
	}
	row := p.applications.Row(read, known[0].values)
	p.metrics.preprocess.Observe(time.Since(started).Seconds())
	d, err := p.score(row, marksOf(c))
	if err != nil {
		return err
	}
	d.Features = p.looked(row, &known[0])
	header := c.Response().Header()
	header.Set(contract.VersionHeader, strconv.Itoa(p.cfg.Version))
	header.Set(contract.ProbabilityHeader, strconv.FormatFloat(d.Probability, 'g', -1, 64))
	header.Set(contract.VerdictHeader, d.Verdict)
	header.Set(contract.ApplicationHeader, identity(p.applications.Fields(), read.Values))
	header.Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, d)
}

// score decides one row. What is decided for nobody is not counted as a decision.
func (p *Predictor) score(row []transform.Value, marks marks) (Decision, error) {
	started := time.Now()
	probability, err := p.decider.Model.Score(row)
	if err != nil {
		return Decision{}, err
	}
	p.metrics.predict.Observe(time.Since(started).Seconds())
	started = time.Now()
	decided, err := p.decider.Of(p.drill.probability(probability), row)
	if err != nil {
		return Decision{}, err
	}
	if decided.Verdict == decision.Decline {
		p.metrics.explain.Observe(time.Since(started).Seconds())
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Decision{}, err
	}
	d := Decision{
		DecisionID: id.String(), Verdict: decided.Verdict, Probability: decided.Probability, Reasons: decided.Reasons,
		Model: p.ref(), Policy: PolicyRef{p.cfg.PolicyDigest}, Mirrored: marks.mirrored,
	}
	if !marks.mirrored && !marks.synthetic {
		p.metrics.decisions.WithLabelValues(d.Verdict).Inc()
		p.metrics.scores.Observe(decided.Probability)
	}
	return d, nil
}

func (p *Predictor) decideBatch(c echo.Context) error {
	data, err := body(c)
	if err != nil {
		return err
	}
	if err := p.drill.request(c.Request().Context()); err != nil {
		return err
	}
	members, err := object(data)
	if err != nil {
		return err
	}
	if len(members) != 1 || members[0].Name != "applications" {
		return problem.New(http.StatusUnprocessableEntity, "one field is wrong", problem.FieldError{Field: "applications", Rule: string(request.Type), Detail: "a list of applications is wanted, and nothing else"})
	}
	var applications []json.RawMessage
	if err := json.Unmarshal(members[0].Value, &applications); err != nil || len(applications) == 0 || len(applications) > maxBatch {
		return problem.New(http.StatusUnprocessableEntity, "one field is wrong", problem.FieldError{Field: "applications", Rule: string(request.Type), Detail: fmt.Sprintf("a list of 1 to %d applications is wanted", maxBatch)})
	}
	read := make([]request.Application, len(applications))
	prefix := func(i int) string { return fmt.Sprintf("applications[%d].", i) }
	var wrong []problem.FieldError
	for i, raw := range applications {
		var complaints []problem.FieldError
		read[i], complaints, err = p.application(raw, prefix(i))
		if err != nil {
			return problem.New(http.StatusUnprocessableEntity, "one field is wrong", problem.FieldError{Field: fmt.Sprintf("applications[%d]", i), Rule: string(request.Type), Detail: "an object is wanted"})
		}
		wrong = append(wrong, complaints...)
	}
	if len(wrong) > 0 {
		return problem.OfFields("no application was decided", wrong...)
	}
	known, err := p.lookUp(c.Request().Context(), read, marksOf(c), prefix)
	if err != nil {
		return err
	}
	decisions := make([]Decision, len(read))
	for i := range read {
		row := p.applications.Row(read[i], known[i].values)
		if decisions[i], err = p.score(row, marksOf(c)); err != nil {
			return err
		}
		decisions[i].Features = p.looked(row, &known[i])
	}
	c.Response().Header().Set(contract.VersionHeader, strconv.Itoa(p.cfg.Version))
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, map[string]any{"decisions": decisions})
}
