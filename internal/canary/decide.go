package canary

import (
	"fmt"

	"github.com/loanops/loanops/internal/pipeline"
)

// Start returns the status with which a canary begins: the first step's weight is to be set.
func Start(cfg pipeline.Canary) Status {
	return Status{Phase: Progressing, Step: 0, Weight: cfg.Steps[0]}
}

// Decide takes what one analysis observed at status.Weight and returns what to do next, the analysis' verdict, and why in
// words.
//
//   - pass: the next step's weight is to be set; after the last step the phase is Promoting.
//   - fail: FailedChecks grows; at cfg.MaxFailedChecks the phase is Aborted, before that the same weight is observed again.
//   - insufficient_data: neither track is judged; the same weight is observed again. At cfg.MaxInconclusive in a row the
//     phase is Aborted: a challenger that nobody could judge is not promoted.
//
// A status that is not Progressing is returned as it is.
func Decide(cfg pipeline.Canary, status Status, seen Observation) (Status, Verdict, []string) {
	if status.Phase != Progressing {
		return status, InsufficientData, []string{fmt.Sprintf("the canary has ended: %s", status.Phase)}
	}
	verdict, reasons := analyse(cfg, seen)
	next := status
	switch verdict {
	case Pass:
		next.Inconclusive = 0
		next.Step++
		if next.Step == len(cfg.Steps) {
			next.Phase = Promoting
			next.Weight = 100
			break
		}
		next.Weight = cfg.Steps[next.Step]
	case Fail:
		next.Inconclusive = 0
		next.FailedChecks++
		if next.FailedChecks >= max(cfg.MaxFailedChecks, 1) {
			next.Phase = Aborted
			next.Weight = 0
		}
	case InsufficientData:
		next.Inconclusive++
		if next.Inconclusive >= max(cfg.MaxInconclusive, 1) {
			next.Phase = Aborted
			next.Weight = 0
		}
	}
	return next, verdict, reasons
}
