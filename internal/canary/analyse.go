package canary

import (
	"fmt"

	"github.com/loanops/loanops/internal/pipeline"
)

// analyse judges one window. Errors are judged first, on however few requests: a track that answers nothing has no
// latency and no scores to wait for. The other checks need cfg.MinRequests on both tracks.
func analyse(cfg pipeline.Canary, seen Observation) (Verdict, []string) {
	var failures []string
	canary := seen.Canary
	if lower := wilsonLower(canary.Errors, canary.Requests); lower > cfg.MaxErrorRate {
		failures = append(failures, fmt.Sprintf(
			"errors: %d of %d requests failed on the canary; with 95 %% confidence the rate is above %.2f %%, the limit is %.2f %%",
			canary.Errors, canary.Requests, 100*lower, 100*cfg.MaxErrorRate))
	}
	if len(failures) > 0 {
		return Fail, failures
	}
	smallest := min(seen.Stable.Requests, canary.Requests)
	if smallest < int64(cfg.MinRequests) {
		return InsufficientData, []string{fmt.Sprintf(
			"insufficient data: stable answered %d requests, the canary %d; each needs %d",
			seen.Stable.Requests, canary.Requests, cfg.MinRequests)}
	}
	p99 := 1000 * canary.Latency.Quantile(0.99)
	if p99 > cfg.MaxP99Millis {
		failures = append(failures, fmt.Sprintf("latency: the canary's p99 is %.1f ms, the limit is %.1f ms", p99, cfg.MaxP99Millis))
	}
	distance, chance := shift(seen.Stable.Scores, canary.Scores)
	if distance-chance > cfg.MaxScoreShift {
		failures = append(failures, fmt.Sprintf(
			"scores: the tracks' distributions differ by %.3f (Kolmogorov-Smirnov), chance explains %.3f at these sizes, the limit beyond it is %.3f",
			distance, chance, cfg.MaxScoreShift))
	}
	if len(failures) > 0 {
		return Fail, failures
	}
	return Pass, []string{fmt.Sprintf(
		"%d requests on the canary, %d errors, p99 %.1f ms, scores differ by %.3f (chance %.3f)",
		canary.Requests, canary.Errors, p99, distance, chance)}
}
