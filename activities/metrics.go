package activities

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/serving"
)

// startedMetric is the gateway process's own; what it counts is named in package contract.
const startedMetric = "process_start_time_seconds"

// reading is the gateway's metrics at one moment, or what was counted between two.
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

// since is what was counted after an earlier reading of the same process.
func (r reading) since(before reading) reading {
	counted := reading{started: r.started, families: map[string]*dto.MetricFamily{}}
	for name, family := range r.families {
		earlier := map[string]*dto.Metric{}
		for _, m := range before.families[name].GetMetric() {
			earlier[series(m)] = m
		}
		difference := &dto.MetricFamily{Name: family.Name, Type: family.Type}
		for _, m := range family.GetMetric() {
			difference.Metric = append(difference.Metric, minus(m, earlier[series(m)]))
		}
		counted.families[name] = difference
	}
	return counted
}

// series names a metric by its labels.
func series(m *dto.Metric) string {
	var labels []string
	for _, pair := range m.GetLabel() {
		labels = append(labels, pair.GetName()+"\x00"+pair.GetValue())
	}
	slices.Sort(labels)
	return strings.Join(labels, "\x01")
}

// minus is a counter or a histogram less what it was before; nil before it began.
func minus(m, before *dto.Metric) *dto.Metric {
	out := &dto.Metric{Label: m.GetLabel()}
	if c := m.GetCounter(); c != nil {
		value := c.GetValue() - before.GetCounter().GetValue()
		out.Counter = &dto.Counter{Value: &value}
	}
	if h := m.GetHistogram(); h != nil {
		count := h.GetSampleCount() - before.GetHistogram().GetSampleCount()
		out.Histogram = &dto.Histogram{SampleCount: &count}
		was := before.GetHistogram().GetBucket()
		for i, bucket := range h.GetBucket() {
			cumulative := bucket.GetCumulativeCount()
			if i < len(was) {
				cumulative -= was[i].GetCumulativeCount()
			}
			out.Histogram.Bucket = append(out.Histogram.Bucket, &dto.Bucket{UpperBound: bucket.UpperBound, CumulativeCount: &cumulative})
		}
	}
	return out
}

// labelled are the family's metrics that have all these labels.
func (r reading) labelled(family string, want map[string]string) []*dto.Metric {
	var found []*dto.Metric
	for _, m := range r.families[family].GetMetric() {
		matching := 0
		for _, pair := range m.GetLabel() {
			if value, asked := want[pair.GetName()]; asked && value == pair.GetValue() {
				matching++
			}
		}
		if matching == len(want) {
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

// observed picks out of the gateway's metrics what concerns one canary.
type observed struct {
	reading
	pipeline       string
	stable, canary serving.Track
	limits         pipeline.Canary
}

// traffic is one class of requests: the clients', or the platform's own.
func (o observed) traffic(synthetic bool) canary.Traffic {
	return canary.Traffic{Stable: o.track(o.stable, synthetic), Canary: o.track(o.canary, synthetic), Pairs: o.pairs(synthetic)}
}

func (o observed) labels(served serving.Track, synthetic bool) map[string]string {
	return map[string]string{
		contract.PipelineLabel: o.pipeline, contract.VersionLabel: strconv.Itoa(served.Version), contract.PolicyLabel: served.Policy,
		contract.SyntheticLabel: strconv.FormatBool(synthetic),
	}
}

// track adds up all series of one track, in whichever slot it ran.
func (o observed) track(track serving.Track, synthetic bool) (t canary.Track) {
	labels := o.labels(track, synthetic)
	for _, m := range o.labelled(contract.StartedMetric, labels) {
		t.Started += count(m)
	}
	for _, m := range o.labelled(contract.RequestsMetric, labels) {
		t.Requests += count(m)
		code, _ := strconv.Atoi(label(m, contract.CodeLabel)) // the gateway writes nothing else
		// What was refused is in RefusedMetric, once each.
		if outcome := contract.OutcomeOf(code); outcome != contract.OutcomeRefused {
			add(&t.Faults, outcome, count(m))
		}
	}
	for _, m := range o.labelled(contract.RefusedMetric, labels) {
		t.Faults.Refused += count(m)
	}
	for _, m := range o.labelled(contract.DurationMetric, labels) {
		latency, limit := ofKind(label(m, contract.KindLabel), o.limits, &t.Singles, &t.Batches)
		latency.Count += int64(m.GetHistogram().GetSampleCount())
		latency.Slow += above(m.GetHistogram(), limit)
	}
	for _, m := range o.labelled(contract.DecisionsMetric, labels) {
		t.Decisions += count(m)
		if label(m, contract.VerdictLabel) == decision.Approve {
			t.Approved += count(m)
		}
	}
	for _, m := range o.labelled(contract.ScoreMetric, labels) {
		addScores(&t.Scores, m.GetHistogram())
	}
	return t
}

// ofKind is where requests of a kind are counted, and the seconds above which they are slow.
func ofKind[Latency any](kind string, limits pipeline.Canary, singles, batches *Latency) (latency *Latency, limit float64) {
	if kind == contract.KindBatch {
		return batches, limits.MaxBatchP99Millis / 1000
	}
	return singles, limits.MaxP99Millis / 1000
}

// pairs adds up the requests that stable served and of which the canary got a copy.
func (o observed) pairs(synthetic bool) (p canary.Pairs) {
	labels := o.labels(o.stable, synthetic)
	labels[contract.MirrorVersionLabel], labels[contract.MirrorPolicyLabel] = strconv.Itoa(o.canary.Version), o.canary.Policy
	for _, m := range o.labelled(contract.PairsStartedMetric, labels) {
		p.Started += count(m)
	}
	for _, m := range o.labelled(contract.PairsEndedMetric, labels) {
		p.Ended += count(m)
		stable, canary := label(m, contract.OutcomeLabel), label(m, contract.MirrorOutcomeLabel)
		if stable == contract.OutcomeOK {
			p.Answered += count(m)
			add(&p.Broken, canary, count(m))
		} else if canary == contract.OutcomeOK {
			add(&p.Mended, stable, count(m))
		}
	}
	for _, m := range o.labelled(contract.PairVerdictsMetric, labels) {
		p.Decided += count(m)
		switch stable, canary := label(m, contract.VerdictLabel), label(m, contract.MirrorVerdictLabel); {
		case stable == decision.Decline && canary == decision.Approve:
			p.ToApprove += count(m)
		case stable == decision.Approve && canary == decision.Decline:
			p.ToDecline += count(m)
		}
	}
	for _, m := range o.labelled(contract.PairScoreMetric, labels) {
		scores := &p.StableScores
		if label(m, contract.SideLabel) == contract.SideMirror {
			scores = &p.CanaryScores
		}
		addScores(scores, m.GetHistogram())
	}
	for _, m := range o.labelled(contract.PairDurationMetric, labels) {
		latency, limit := ofKind(label(m, contract.KindLabel), o.limits, &p.Singles, &p.Batches)
		slow := above(m.GetHistogram(), limit)
		if label(m, contract.SideLabel) == contract.SideMirror {
			latency.CanarySlow += slow
			continue
		}
		latency.Count += int64(m.GetHistogram().GetSampleCount())
		latency.StableSlow += slow
	}
	return p
}

func count(m *dto.Metric) int64 { return int64(m.GetCounter().GetValue()) }

// add counts requests by how they ended; one that was answered is no fault.
func add(faults *canary.Faults, outcome string, n int64) {
	switch outcome {
	case contract.OutcomeRefused:
		faults.Refused += n
	case contract.OutcomeFailed:
		faults.Failed += n
	case contract.OutcomeUnended:
		faults.Unended += n
	}
}

// above is how many values are above limit, interpolated within its bucket as Prometheus' histogram_quantile does; exact where limit is a bound.
func above(h *dto.Histogram, limit float64) int64 {
	total := float64(h.GetSampleCount())
	lower, below := 0.0, 0.0
	for _, bucket := range h.GetBucket() {
		bound, cumulative := bucket.GetUpperBound(), float64(bucket.GetCumulativeCount())
		if limit < bound {
			if !math.IsInf(bound, 1) {
				below += (cumulative - below) * (limit - lower) / (bound - lower)
			}
			break
		}
		lower, below = bound, cumulative
	}
	return int64(math.Round(total - below))
}

// addScores adds a histogram's values, bucket by bucket, which the gateway has from canary.ScoreBounds; what is above the last bound is no probability.
func addScores(to *canary.Histogram, h *dto.Histogram) {
	var below uint64
	for i, bucket := range h.GetBucket() {
		if i >= len(to) {
			break
		}
		to[i] += int64(bucket.GetCumulativeCount() - below)
		below = bucket.GetCumulativeCount()
	}
}
