// Package refusals reads from a gateway what clients send and the contract of requests does not take.
package refusals

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
)

// startedMetric is the gateway process's own.
const startedMetric = "process_start_time_seconds"

// Refused is how many requests broke a rule of a field.
type Refused struct {
	Field string `json:"field"` // contract.OtherField for names that are not kept, empty for a body that is no JSON
	Rule  string `json:"rule"`
	Count int64  `json:"count"`
	// Institutions is how many were refused for it within contract.RefusedWindow.
	Institutions int `json:"institutions"`
}

// Counts are what a gateway has counted of a pipeline's clients since it started. What was counted between two readings is their difference,
// where Started is the same.
type Counts struct {
	Started float64 `json:"started"` // seconds since 1970
	// At is when they were read; zero where an earlier release did.
	At time.Time `json:"at"`
	// Requests are those that a track decided or refused: single applications and refused bodies once, however often they were repeated lately.
	Requests int64 `json:"requests"`
	// Institutions is how many have a key.
	Institutions int       `json:"institutions"`
	Refused      []Refused `json:"refused"` // ordered by field and rule; a request may be in several
}

// Since is what was counted after an earlier reading of the same gateway; everything, where the gateway has been started since.
func (c Counts) Since(before Counts) Counts {
	if c.Started != before.Started {
		return c
	}
	since := Counts{Started: c.Started, At: c.At, Requests: c.Requests - before.Requests, Institutions: c.Institutions, Refused: []Refused{}}
	for _, r := range c.Refused {
		for _, was := range before.Refused {
			if was.Field == r.Field && was.Rule == r.Rule {
				r.Count -= was.Count
			}
		}
		if r.Count > 0 {
			since.Refused = append(since.Refused, r)
		}
	}
	return since
}

// WithinWindow says that whoever was refused since an earlier reading is among Refused.Institutions: it, or the start of the gateway since, is no longer
// ago than contract.RefusedWindow.
func (c Counts) WithinWindow(before Counts) bool {
	from := before.At
	if c.Started != before.Started {
		from = time.UnixMilli(int64(c.Started * 1000))
	}
	return c.At.Sub(from) <= contract.RefusedWindow
}

// Read asks the gateway at a base URL. It is fault.Unavailable where it does not answer.
func Read(ctx context.Context, client *http.Client, gateway, pipeline string) (Counts, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, gateway+"/metrics", http.NoBody)
	if err != nil {
		return Counts{}, fault.Wrap(fault.Invalid, err, "the gateway's address %q (LOANOPS_GATEWAY)", gateway)
	}
	response, err := client.Do(request)
	if err != nil {
		return Counts{}, fault.Wrap(fault.Unavailable, err, "reading the gateway's metrics")
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return Counts{}, fault.New(fault.Unavailable, "the gateway answers HTTP %d to GET /metrics", response.StatusCode)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return Counts{}, fault.Wrap(fault.Unavailable, err, "reading the gateway's metrics")
	}
	return of(families, pipeline)
}

func of(families map[string]*dto.MetricFamily, pipeline string) (Counts, error) {
	started := families[startedMetric].GetMetric()
	if len(started) != 1 {
		return Counts{}, fault.New(fault.Unavailable, "the gateway's metrics do not say %s, without which a restart would go unseen", startedMetric)
	}
	c := Counts{Started: started[0].GetGauge().GetValue(), Refused: []Refused{}}
	clients := func(name string, counts func(labels map[string]string) bool) {
		for _, series := range families[name].GetMetric() {
			labels := labelsOf(series)
			if labels[contract.PipelineLabel] == pipeline && labels[contract.SyntheticLabel] == "false" && counts(labels) {
				c.Requests += count(series)
			}
		}
	}
	every := func(map[string]string) bool { return true }
	clients(contract.DecisionsMetric, every) // single ones
	clients(contract.RefusedMetric, every)
	clients(contract.RequestsMetric, func(labels map[string]string) bool {
		code, err := strconv.Atoi(labels[contract.CodeLabel])
		return err == nil && labels[contract.KindLabel] == contract.KindBatch && contract.OutcomeOf(code) == contract.OutcomeOK
	})
	type what struct{ field, rule string }
	institutions := map[what]int{}
	for _, series := range families[contract.RefusedInstitutionsMetric].GetMetric() {
		if labels := labelsOf(series); labels[contract.PipelineLabel] == pipeline {
			institutions[what{labels[contract.FieldLabel], labels[contract.RuleLabel]}] = int(series.GetGauge().GetValue())
		}
	}
	for _, series := range families[contract.InstitutionsMetric].GetMetric() {
		c.Institutions = int(series.GetGauge().GetValue())
	}
	for _, series := range families[contract.RefusedFieldsMetric].GetMetric() {
		if labels := labelsOf(series); labels[contract.PipelineLabel] == pipeline {
			of := what{labels[contract.FieldLabel], labels[contract.RuleLabel]}
			c.Refused = append(c.Refused, Refused{Field: of.field, Rule: of.rule, Count: count(series), Institutions: institutions[of]})
		}
	}
	slices.SortFunc(c.Refused, func(a, b Refused) int { return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Rule, b.Rule)) })
	return c, nil
}

func labelsOf(series *dto.Metric) map[string]string {
	labels := map[string]string{}
	for _, pair := range series.GetLabel() {
		labels[pair.GetName()] = pair.GetValue()
	}
	return labels
}

func count(series *dto.Metric) int64 { return int64(series.GetCounter().GetValue()) }
