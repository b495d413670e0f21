package monitor

import (
	"fmt"

	"github.com/loanops/loanops/internal/pipeline"
)

// Findings are what asks for something to be done.
func (p Performance) Findings(m pipeline.Monitor) (found []Finding) {
	if !slips(p.Refused, p.Fresh) {
		share := float64(p.Refused) / float64(p.Fresh)
		found = append(found, Finding{
			Kind: OfSchema, Statistic: RefusedByChampion, Value: share, Limit: slipShare, Rows: int64(p.Fresh),
			Message: fmt.Sprintf("the champion, version %d, would refuse %d of %d fresh rows (%.2g %%): they hold what it does not know", p.Versions[0].Version, p.Refused, p.Fresh, 100*share),
		})
	}
	if p.Change.Decayed {
		found = append(found, p.decay(m))
	}
	if best, since := p.best(); best != nil {
		f := Finding{
			Kind: OfPerformance, Statistic: differenceOf[best.By], Value: best.Differences[best.By].Estimate, P: small(best.P), Limit: m.MaxAUCDrop, Rows: int64(best.Rows), Since: since,
			Message: p.Better().Message,
		}
		if best.By == "brier" {
			f.Limit = -maxBrier
		}
		found = append(found, f)
	}
	return found
}

// decay is the finding of a champion that does worse than when it was judged, by the metric that decided.
func (p Performance) decay(m pipeline.Monitor) Finding {
	rows, differences, since := p.Change.Rows, p.Change.Differences, ""
	if recent := p.Change.Decisive(); recent != nil {
		rows, differences, since = recent.Rows, recent.Differences, " since "+recent.Since
	}
	f := Finding{
		Kind: OfPerformance, Statistic: changeOf[p.Change.By], Value: differences[p.Change.By].Estimate, P: small(p.Change.P), Limit: p.Change.Allowed[p.Change.By], Rows: int64(rows), Since: p.Change.Since,
		Message: fmt.Sprintf("the champion, version %d, does worse on %d rows with labels%s than when it was judged: %s", p.Versions[0].Version, rows, since, p.Change.Note),
	}
	if p.Change.By == "auc" {
		f.Limit = -m.MaxAUCDrop
	}
	return f
}
