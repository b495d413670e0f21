package activities

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

// startedMetric is the gateway process's own; what it counts by track is named in package contract.
const startedMetric = "process_start_time_seconds"

// reading is the gateway's metrics at one moment.
type reading struct {
	started  float64
	families map[string]*dto.MetricFamily
}

// scrape reads the gateway's metrics.
func (c *Canary) scrape(ctx context.Context) (reading, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Gateway+"/metrics", http.NoBody)
	if err != nil {
		return reading{}, fault.Wrap(fault.Invalid, err, "the gateway's address %q (LOANOPS_GATEWAY)", c.Gateway)
	}
	response, err := c.Client.Do(request)
	if err != nil {
		return reading{}, fault.Wrap(fault.Unavailable, err, "reading the gateway's metrics")
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return reading{}, fault.New(fault.Unavailable, "the gateway answers HTTP %d to GET /metrics", response.StatusCode)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return reading{}, fault.Wrap(fault.Unavailable, err, "reading the gateway's metrics")
	}
	started := families[startedMetric]
	if started == nil || len(started.GetMetric()) != 1 {
		return reading{}, fault.New(fault.Unavailable, "the gateway's metrics do not say %s, without which a restart would go unseen", startedMetric)
	}
	return reading{started: started.GetMetric()[0].GetGauge().GetValue(), families: families}, nil
}

// counters are what the gateway has counted for one track since it started.
type counters struct{ canary.Track }

// track adds up all series of one track, whoever asked.
func (r reading) track(pipeline string, track serving.Track) counters {
	c := counters{canary.Track{Version: track.Version}}
	for _, m := range r.series(contract.RequestsMetric, pipeline, track) {
		count := int64(m.GetCounter().GetValue())
		c.Requests += count
		if strings.HasPrefix(label(m, contract.CodeLabel), "5") {
			c.Errors += count
		}
	}
	for _, m := range r.series(contract.DecisionsMetric, pipeline, track) {
		if label(m, contract.VerdictLabel) == "approve" {
			c.Approved += int64(m.GetCounter().GetValue())
		}
	}
	for _, m := range r.series(contract.DurationMetric, pipeline, track) {
		c.Latency = sum(c.Latency, histogram(m.GetHistogram()), 1)
	}
	for _, m := range r.series(contract.ScoreMetric, pipeline, track) {
		c.Scores = sum(c.Scores, histogram(m.GetHistogram()), 1)
	}
	return c
}

// series returns the family's metrics of one pipeline and track, in whichever slot it ran.
func (r reading) series(family, pipeline string, track serving.Track) []*dto.Metric {
	var found []*dto.Metric
	for _, m := range r.families[family].GetMetric() {
		if label(m, contract.PipelineLabel) == pipeline && label(m, contract.VersionLabel) == strconv.Itoa(track.Version) &&
			label(m, contract.PolicyLabel) == track.Policy {
			found = append(found, m)
		}
	}
	return found
}

func label(m *dto.Metric, name string) string {
	for _, pair := range m.GetLabel() {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}

// since is what was counted after an earlier reading of the same process.
func (c counters) since(before counters) canary.Track {
	t := c.Track
	t.Requests -= before.Requests
	t.Errors -= before.Errors
	t.Approved -= before.Approved
	t.Latency = sum(t.Latency, before.Latency, -1)
	t.Scores = sum(t.Scores, before.Scores, -1)
	return t
}

// histogram turns Prometheus' cumulative buckets into a count per bucket, the last above every bound.
func histogram(h *dto.Histogram) canary.Histogram {
	var out canary.Histogram
	var below int64
	for _, bucket := range h.GetBucket() {
		if math.IsInf(bucket.GetUpperBound(), 1) {
			continue // the total says the same
		}
		cumulative := int64(bucket.GetCumulativeCount())
		out.Bounds = append(out.Bounds, bucket.GetUpperBound())
		out.Counts = append(out.Counts, cumulative-below)
		below = cumulative
	}
	out.Counts = append(out.Counts, int64(h.GetSampleCount())-below)
	return out
}

// sum adds b, sign times, to a; both have the bounds of one gateway, or a or b is empty.
func sum(a, b canary.Histogram, sign int64) canary.Histogram {
	if len(b.Counts) == 0 {
		return a
	}
	out := canary.Histogram{Bounds: b.Bounds, Counts: make([]int64, len(b.Counts))}
	for i := range b.Counts {
		out.Counts[i] = sign * b.Counts[i]
		if i < len(a.Counts) {
			out.Counts[i] += a.Counts[i]
		}
	}
	return out
}
