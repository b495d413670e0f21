package activities

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/serving"
)

// page reads metrics as the gateway writes them.
func page(t *testing.T, text string) reading {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	require.NoError(t, err)
	return reading{families: families}
}

// of are the labels of a track of version v under policy p, and what else there is.
func of(v int, p string, more ...string) string {
	return fmt.Sprintf(`{pipeline="loans",track="blue",model_version="%d",policy="%s"%s}`, v, p, strings.Join(more, ""))
}

const (
	clients   = `,synthetic="false"`
	synthetic = `,synthetic="true"`
	single    = `,kind="single"`
	batch     = `,kind="batch"`
)

func watching(r reading) observed {
	return observed{reading: r, pipeline: "loans", stable: serving.Track{Version: 1, Policy: "p"}, canary: serving.Track{Version: 2, Policy: "p"},
		limits: pipeline.Canary{MaxP99Millis: 100, MaxBatchP99Millis: 200}}
}

// Wanted by hand: what was refused is counted apart, once, 4xx of all requests says nothing; 5xx failed, 499 and 504 never ended; batches have a limit of their own; whose requests are whose.
func TestTracks(t *testing.T) {
	t.Parallel()
	r := page(t, `
# TYPE loanops_gateway_started_total counter
loanops_gateway_started_total`+of(2, "p", clients, single)+` 30
loanops_gateway_started_total`+of(2, "p", clients, batch)+` 5
loanops_gateway_started_total`+of(2, "p", synthetic, single)+` 1000
loanops_gateway_started_total`+of(2, "q", clients, single)+` 1000
# TYPE loanops_gateway_requests_total counter
loanops_gateway_requests_total`+of(2, "p", clients, single, `,code="200"`)+` 10
loanops_gateway_requests_total`+of(2, "p", clients, single, `,code="422"`)+` 8
loanops_gateway_requests_total`+of(2, "p", clients, single, `,code="400"`)+` 1
loanops_gateway_requests_total`+of(2, "p", clients, batch, `,code="500"`)+` 2
loanops_gateway_requests_total`+of(2, "p", clients, single, `,code="502"`)+` 1
loanops_gateway_requests_total`+of(2, "p", clients, single, `,code="499"`)+` 4
loanops_gateway_requests_total`+of(2, "p", clients, single, `,code="504"`)+` 1
loanops_gateway_requests_total`+of(2, "p", synthetic, single, `,code="500"`)+` 1000
# TYPE loanops_gateway_refused_total counter
loanops_gateway_refused_total`+of(2, "p", clients, single)+` 2
loanops_gateway_refused_total`+of(2, "p", clients, batch)+` 1
loanops_gateway_refused_total`+of(2, "q", clients, single)+` 1000
loanops_gateway_refused_total`+of(2, "p", synthetic, single)+` 7
# TYPE loanops_gateway_request_duration_seconds histogram
loanops_gateway_request_duration_seconds_bucket`+of(2, "p", clients, single, `,le="0.1"`)+` 8
loanops_gateway_request_duration_seconds_bucket`+of(2, "p", clients, single, `,le="0.3"`)+` 12
loanops_gateway_request_duration_seconds_bucket`+of(2, "p", clients, single, `,le="+Inf"`)+` 13
loanops_gateway_request_duration_seconds_count`+of(2, "p", clients, single)+` 13
loanops_gateway_request_duration_seconds_bucket`+of(2, "p", clients, batch, `,le="0.1"`)+` 0
loanops_gateway_request_duration_seconds_bucket`+of(2, "p", clients, batch, `,le="0.3"`)+` 4
loanops_gateway_request_duration_seconds_bucket`+of(2, "p", clients, batch, `,le="+Inf"`)+` 4
loanops_gateway_request_duration_seconds_count`+of(2, "p", clients, batch)+` 4
# TYPE loanops_gateway_decisions_total counter
loanops_gateway_decisions_total`+of(2, "p", clients, single, `,verdict="approve"`)+` 7
loanops_gateway_decisions_total`+of(2, "p", clients, single, `,verdict="decline"`)+` 2
# TYPE loanops_gateway_score histogram
loanops_gateway_score_bucket`+of(2, "p", clients, single, `,le="0.02"`)+` 3
loanops_gateway_score_bucket`+of(2, "p", clients, single, `,le="0.04"`)+` 9
loanops_gateway_score_bucket`+of(2, "p", clients, single, `,le="+Inf"`)+` 9
loanops_gateway_score_count`+of(2, "p", clients, single)+` 9
`)
	seen := watching(r).traffic(false)
	require.Equal(t, canary.Traffic{Canary: canary.Track{
		Started: 35, Requests: 27, Faults: canary.Faults{Refused: 3, Failed: 3, Unended: 5},
		Singles: canary.Latency{Count: 13, Slow: 5}, Batches: canary.Latency{Count: 4, Slow: 2}, // half of the bucket from 0.1 to 0.3 is above 0.2
		Decisions: 9, Approved: 7, Scores: canary.Histogram{3, 6},
	}}, seen)
	require.Equal(t, canary.Track{Started: 1000, Requests: 1000, Faults: canary.Faults{Refused: 7, Failed: 1000}}, watching(r).traffic(true).Canary)
	require.Zero(t, watching(r.since(r)).traffic(false), "nothing since then")
	require.Equal(t, seen, watching(r.since(reading{})).traffic(false), "all of it, after a page that had none")
}

// pair are the labels of requests that served has served and of which mirrored got copies.
func pair(served, mirrored int, more ...string) string {
	return fmt.Sprintf(`{pipeline="loans",track="blue",model_version="%d",policy="p",mirror_track="green",mirror_model_version="%d",mirror_policy="p"%s}`,
		served, mirrored, strings.Join(more, ""))
}

// A pair says what the champion answered and what the challenger did: wanted by hand.
func TestPairs(t *testing.T) {
	t.Parallel()
	const served, mirrored, stableSide, canarySide, ended = 1, 2, `,side="served"`, `,side="mirror"`, "loanops_gateway_pairs_ended_total"
	outcome := func(of, other string) string { return fmt.Sprintf(`,outcome="%s",mirror_outcome="%s"`, of, other) }
	verdicts := func(of, other string) string { return fmt.Sprintf(`,verdict="%s",mirror_verdict="%s"`, of, other) }
	r := page(t, `
# TYPE loanops_gateway_pairs_started_total counter
loanops_gateway_pairs_started_total`+pair(served, mirrored, clients, single)+` 50
# TYPE `+ended+` counter
`+ended+pair(served, mirrored, clients, single, outcome("ok", "ok"))+` 20
`+ended+pair(served, mirrored, clients, single, outcome("ok", "refused"))+` 1
`+ended+pair(served, mirrored, clients, batch, outcome("ok", "failed"))+` 2
`+ended+pair(served, mirrored, clients, single, outcome("ok", "unended"))+` 3
`+ended+pair(served, mirrored, clients, single, outcome("refused", "refused"))+` 4
`+ended+pair(served, mirrored, clients, single, outcome("failed", "ok"))+` 5
`+ended+pair(served, mirrored, synthetic, single, outcome("ok", "failed"))+` 1000
# TYPE loanops_gateway_pair_verdicts_total counter
loanops_gateway_pair_verdicts_total`+pair(served, mirrored, clients, single, verdicts("approve", "approve"))+` 10
loanops_gateway_pair_verdicts_total`+pair(served, mirrored, clients, single, verdicts("decline", "approve"))+` 2
loanops_gateway_pair_verdicts_total`+pair(served, mirrored, clients, single, verdicts("approve", "decline"))+` 1
# TYPE loanops_gateway_pair_score histogram
loanops_gateway_pair_score_bucket`+pair(served, mirrored, clients, single, stableSide, `,le="0.02"`)+` 13
loanops_gateway_pair_score_bucket`+pair(served, mirrored, clients, single, stableSide, `,le="0.04"`)+` 13
loanops_gateway_pair_score_bucket`+pair(served, mirrored, clients, single, stableSide, `,le="+Inf"`)+` 13
loanops_gateway_pair_score_count`+pair(served, mirrored, clients, single, stableSide)+` 13
loanops_gateway_pair_score_bucket`+pair(served, mirrored, clients, single, canarySide, `,le="0.02"`)+` 0
loanops_gateway_pair_score_bucket`+pair(served, mirrored, clients, single, canarySide, `,le="0.04"`)+` 13
loanops_gateway_pair_score_bucket`+pair(served, mirrored, clients, single, canarySide, `,le="+Inf"`)+` 13
loanops_gateway_pair_score_count`+pair(served, mirrored, clients, single, canarySide)+` 13
# TYPE loanops_gateway_pair_duration_seconds histogram
loanops_gateway_pair_duration_seconds_bucket`+pair(served, mirrored, clients, single, stableSide, `,le="0.1"`)+` 20
loanops_gateway_pair_duration_seconds_bucket`+pair(served, mirrored, clients, single, stableSide, `,le="+Inf"`)+` 20
loanops_gateway_pair_duration_seconds_count`+pair(served, mirrored, clients, single, stableSide)+` 20
loanops_gateway_pair_duration_seconds_bucket`+pair(served, mirrored, clients, single, canarySide, `,le="0.1"`)+` 17
loanops_gateway_pair_duration_seconds_bucket`+pair(served, mirrored, clients, single, canarySide, `,le="+Inf"`)+` 20
loanops_gateway_pair_duration_seconds_count`+pair(served, mirrored, clients, single, canarySide)+` 20
loanops_gateway_pair_duration_seconds_bucket`+pair(served, mirrored, clients, batch, stableSide, `,le="0.2"`)+` 5
loanops_gateway_pair_duration_seconds_bucket`+pair(served, mirrored, clients, batch, stableSide, `,le="+Inf"`)+` 6
loanops_gateway_pair_duration_seconds_count`+pair(served, mirrored, clients, batch, stableSide)+` 6
loanops_gateway_pair_duration_seconds_bucket`+pair(served, mirrored, clients, batch, canarySide, `,le="0.2"`)+` 2
loanops_gateway_pair_duration_seconds_bucket`+pair(served, mirrored, clients, batch, canarySide, `,le="+Inf"`)+` 6
loanops_gateway_pair_duration_seconds_count`+pair(served, mirrored, clients, batch, canarySide)+` 6
`)
	require.Equal(t, canary.Pairs{
		Started: 50, Ended: 35, Answered: 26, Broken: canary.Faults{Refused: 1, Failed: 2, Unended: 3}, Mended: canary.Faults{Failed: 5},
		Singles: canary.PairedLatency{Count: 20, CanarySlow: 3}, Batches: canary.PairedLatency{Count: 6, StableSlow: 1, CanarySlow: 4}, Decided: 13, ToApprove: 2, ToDecline: 1,
		StableScores: canary.Histogram{13}, CanaryScores: canary.Histogram{0, 13},
	}, watching(r).traffic(false).Pairs)
	require.Equal(t, canary.Faults{Failed: 1000}, watching(r).traffic(true).Pairs.Broken)
}
