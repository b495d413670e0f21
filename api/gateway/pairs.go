package gateway

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/deploy/contract"
)

// pairs count requests beside their copies.
type pairs struct {
	started, ended, dropped, verdicts *prometheus.CounterVec
	scores, durations                 *prometheus.HistogramVec
}

func newPairs() *pairs {
	labels := []string{
		contract.PipelineLabel, contract.SlotLabel, contract.VersionLabel, contract.PolicyLabel,
		contract.MirrorSlotLabel, contract.MirrorVersionLabel, contract.MirrorPolicyLabel, contract.SyntheticLabel, contract.KindLabel,
	}
	return &pairs{
		started:  counter(contract.PairsStartedMetric, "Copies of requests sent to the mirror.", labels),
		ended:    counter(contract.PairsEndedMetric, "Pairs by how the request and its copy ended.", labels, contract.OutcomeLabel, contract.MirrorOutcomeLabel),
		dropped:  counter(contract.PairsDroppedMetric, "Requests that were not copied.", labels, contract.ReasonLabel),
		verdicts: counter(contract.PairVerdictsMetric, "Pairs of single decisions by verdict.", labels, contract.VerdictLabel, contract.MirrorVerdictLabel),
		scores:   histogram(contract.PairScoreMetric, "Probabilities of both sides in pairs of single decisions.", canary.ScoreBounds(), labels, contract.SideLabel),
		durations: histogram(contract.PairDurationMetric, "Time from the request to the answer, in pairs of which both sides were answered with 2xx.",
			durationBounds, labels, contract.SideLabel),
	}
}

// pairLabels are the values of a request that served has served and mirrored got a copy of.
func (r *request) pairLabels(served, mirrored *track) []string {
	return []string{
		r.pipeline, served.slot, strconv.Itoa(served.ModelVersion), served.PolicyDigest,
		mirrored.slot, strconv.Itoa(mirrored.ModelVersion), mirrored.PolicyDigest, strconv.FormatBool(r.synthetic), r.kind,
	}
}

// end records how both sides of a pair ended.
func (p *pairs) end(labels []string, served, mirrored result) {
	outcome, mirrorOutcome := contract.OutcomeOf(served.code), contract.OutcomeOf(mirrored.code)
	p.ended.WithLabelValues(append(labels, outcome, mirrorOutcome)...).Inc()
	if outcome != contract.OutcomeOK || mirrorOutcome != contract.OutcomeOK {
		return
	}
	p.durations.WithLabelValues(append(labels, contract.SideServed)...).Observe(served.took.Seconds())
	p.durations.WithLabelValues(append(labels, contract.SideMirror)...).Observe(mirrored.took.Seconds())
	if served.verdict != "" && mirrored.verdict != "" {
		p.verdicts.WithLabelValues(append(labels, served.verdict, mirrored.verdict)...).Inc()
		p.scores.WithLabelValues(append(labels, contract.SideServed)...).Observe(served.score)
		p.scores.WithLabelValues(append(labels, contract.SideMirror)...).Observe(mirrored.score)
	}
}

func (p *pairs) collectors() []prometheus.Collector {
	return []prometheus.Collector{p.started, p.ended, p.dropped, p.verdicts, p.scores, p.durations}
}
