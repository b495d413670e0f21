package gateway

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/problem"
	accepted "github.com/loanops/loanops/internal/request"
)

// complaints count what clients send and the contract of requests does not take, by field and rule. It is safe for concurrent use.
type complaints struct {
	fields *prometheus.CounterVec
	mu     sync.Mutex
	// unknown are the names of fields that there are not, by pipeline: clients choose them, so only some are kept.
	unknown map[string]map[string]struct{}
}

func newComplaints() *complaints {
	return &complaints{
		fields: counter(contract.RefusedFieldsMetric, "Requests of clients that were refused, by field and rule, the same bytes once.",
			[]string{contract.PipelineLabel}, contract.FieldLabel, contract.RuleLabel),
		unknown: map[string]map[string]struct{}{},
	}
}

// broken is one thing that is wrong with a request.
type broken struct{ field, rule string }

// count adds a refused request to each field and rule that its answer names.
func (c *complaints) count(asked *request, answer *answer) {
	for what := range c.brokenBy(asked, answer) {
		c.fields.WithLabelValues(asked.pipeline, what.field, what.rule).Inc()
	}
}

// brokenBy is what a predictor's answer says is wrong, each once. What it says in words is not looked at.
func (c *complaints) brokenBy(asked *request, answer *answer) map[broken]bool {
	found := map[broken]bool{}
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
			field = c.named(asked.pipeline, field)
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

// named is the name that a client gave to a field that there is not, or contract.OtherField where it could be anything, or too many were kept.
func (c *complaints) named(pipeline, name string) string {
	if !isName(name) {
		return contract.OtherField
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.unknown[pipeline]
	if kept == nil {
		kept = map[string]struct{}{}
		c.unknown[pipeline] = kept
	}
	if _, known := kept[name]; !known && len(kept) == contract.MaxUnknownFields {
		return contract.OtherField
	}
	kept[name] = struct{}{}
	return name
}

// isName reports whether a text is written as a field's name.
func isName(text string) bool {
	if text == "" || len(text) > contract.MaxFieldName {
		return false
	}
	for _, b := range []byte(text) {
		letter := 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
		if !letter && (b < '0' || b > '9') && b != '_' && b != '.' && b != '-' {
			return false
		}
	}
	return true
}
