package gateway

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/problem"
	accepted "github.com/loanops/loanops/internal/request"
)

// complaints count what clients send and the contract of requests does not take, by field and rule. It is safe for concurrent use.
type complaints struct {
	fields *prometheus.CounterVec
	now    func() time.Time
	mu     sync.Mutex
	// unknown are the names of fields that there are not, by pipeline: clients choose them, so only some are kept.
	unknown map[string]*names
	// last is when an institution was refused for something.
	last map[complaint]map[string]time.Time
}

// complaint is a series of the counts.
type complaint struct {
	pipeline string
	broken
}

func newComplaints() *complaints {
	return &complaints{
		fields: counter(contract.RefusedFieldsMetric, "Requests of clients that were refused, by field and rule, the same bytes once.",
			[]string{contract.PipelineLabel}, contract.FieldLabel, contract.RuleLabel),
		now: time.Now, unknown: map[string]*names{}, last: map[complaint]map[string]time.Time{},
	}
}

var refusedInstitutions = prometheus.NewDesc(contract.RefusedInstitutionsMetric, "Institutions that were refused within 25 hours, by field and rule.",
	[]string{contract.PipelineLabel, contract.FieldLabel, contract.RuleLabel}, nil)

// Describe implements prometheus.Collector.
func (c *complaints) Describe(to chan<- *prometheus.Desc) {
	c.fields.Describe(to)
	to <- refusedInstitutions
}

// Collect implements prometheus.Collector.
func (c *complaints) Collect(to chan<- prometheus.Metric) {
	c.fields.Collect(to)
	c.mu.Lock()
	defer c.mu.Unlock()
	since := c.now().Add(-contract.RefusedWindow)
	for of, last := range c.last {
		n := 0
		for _, at := range last {
			if at.After(since) {
				n++
			}
		}
		to <- prometheus.MustNewConstMetric(refusedInstitutions, prometheus.GaugeValue, float64(n), of.pipeline, of.field, of.rule)
	}
}

// broken is one thing that is wrong with a request.
type broken struct{ field, rule string }

// count adds a refused request to each field and rule that its answer names.
func (c *complaints) count(asked *request, answer *answer) {
	for what := range c.brokenBy(asked, answer) {
		c.fields.WithLabelValues(asked.pipeline, what.field, what.rule).Inc()
		c.by(asked.institution, complaint{asked.pipeline, what})
	}
}

func (c *complaints) by(institution string, of complaint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last[of] == nil {
		c.last[of] = map[string]time.Time{}
	}
	c.last[of][institution] = c.now()
}

// brokenBy is what a predictor's answer says is wrong, each once. What it says in words is not looked at.
func (c *complaints) brokenBy(asked *request, answer *answer) map[broken]bool {
	found, unknown := map[broken]bool{}, map[string]string{} // a request has a name once, in however many applications
	var p problem.Problem
	if json.Unmarshal(answer.body, &p) != nil {
		return found
	}
	if p.Status == http.StatusBadRequest {
		found[broken{"", contract.RuleNotJSON}] = true
	}
	for _, e := range p.Errors {
		field := e.Field
		if asked.kind == contract.KindBatch {
			field = ofApplication(field)
		}
		switch accepted.Rule(e.Rule) {
		case accepted.Unknown:
			if _, counted := unknown[field]; !counted {
				unknown[field] = c.named(asked, field)
			}
			field = unknown[field]
		case accepted.Required, accepted.Type, accepted.Domain, accepted.Range, accepted.Repeated:
		default: // without a rule nobody knows whether a client chose the name
			continue
		}
		found[broken{field, e.Rule}] = true
	}
	return found
}

// ofApplication is the field of one application of a batch: applications[7].income is income.
func ofApplication(field string) string {
	const list = "applications["
	rest, ok := strings.CutPrefix(field, list)
	if !ok {
		return field
	}
	if _, name, inside := strings.Cut(rest, "]."); inside {
		return name
	}
	return "applications"
}

// named is what a field that there is not is called in the counts: its name, or contract.OtherField.
func (c *complaints) named(asked *request, name string) string {
	if !isName(name) {
		return contract.OtherField
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unknown[asked.pipeline] == nil {
		c.unknown[asked.pipeline] = newNames()
	}
	if !c.unknown[asked.pipeline].told(asked.institution, name) {
		return contract.OtherField
	}
	return name
}
