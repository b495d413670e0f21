package monitor

import (
	"fmt"
	"math"
	"strconv"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/pipeline"
)

// Version is a champion of now or before.
type Version struct {
	Version int    `json:"version"`
	Policy  string `json:"policy"` // digest of that under which it served
}

// Scored is rows that the champion takes, with the scores of every version.
type Scored struct {
	// Refused are the rows beside them that the champion would refuse as requests.
	Refused int
	// Scores are by version, the champion first; NaN where a version would refuse the row.
	Scores   [][]float64
	Labels   []float64 // 1, 0, or NaN where not matured; nil where none is known
	Days     []float64 // of application; nil without a column of time
	Approved []bool    // by the champion
	Segments []performance.Segment
	// Protected are the attributes that must not matter; none is not measured.
	Protected []performance.Segment
}

// rows are those that the champion takes.
func (s Scored) rows() int { return len(s.Approved) }

// Observed is what performance is measured on.
type Observed struct {
	Versions []Version // the champion first
	// Reference is rows with labels on which the champion was judged, Applicants all sorts of those that it was made of.
	Reference, Applicants Scored
	// Outcomes are rows since, with labels as far as they have matured, Fresh those that no look has seen.
	Outcomes, Fresh Scored
	// Nth says which look at this champion it is, from 1.
	Nth int
}

// Performance is how a champion and the versions before it do.
type Performance struct {
	Versions []Version `json:"versions"`
	// Judged is the champion on the rows by which it was judged.
	Judged    performance.Group      `json:"judged"`
	Realised  performance.Realised   `json:"realised"`
	Change    performance.Change     `json:"change"` // of the champion, since it was judged
	Estimated performance.Estimated  `json:"estimated"`
	Standings []performance.Standing `json:"standings"` // of the older versions
	// Previous is the version before the champion on the rows of Realised, as far as it takes them; nil where there is none.
	Previous *Previous `json:"previous,omitempty"`
	// Reliability is what the champion's scores say against what came of it.
	Reliability Reliability           `json:"reliability"`
	Approvals   performance.Approvals `json:"approvals"`
	Impact      []performance.Impact  `json:"impact"` // none: no protected attribute is at hand
	Fresh       int                   `json:"fresh"`
	Refused     int                   `json:"refused"` // of the fresh rows, by the champion
	Nth         int                   `json:"nth"`
}

// Previous is the version before the champion.
type Previous struct {
	Version  int                 `json:"version"`
	Vintages []performance.Group `json:"vintages"`
}

// Reliability is of the rows by which the champion was judged, and of those since whose label has matured.
type Reliability struct {
	Judged   performance.Reliability `json:"judged"`
	Realised performance.Reliability `json:"realised"`
}

const (
	// level is how often anything is found, over all looks at a champion, where there is nothing to find.
	level = 0.025
	// maxExcess is the largest Brier score above what the scores promise that does not matter: scores that are three points off everywhere have it.
	maxExcess = 0.001
	// unlike is the largest share of rows that a version may refuse to be compared on the others.
	unlike = 0.5
	// few is how many refused rows are no more than slips.
	few = 5
)

// overLooks is a p-value of the nth look, held against one level for all looks together: each gets 1/n(n+1) of it, and these sum to 1.
func overLooks(p float64, nth int) float64 { return math.Min(1, p*float64(nth)*float64(nth+1)) }

// Measure looks at what has become of applicants and at the fresh ones. Too few rows are results and said in notes.
func Measure(of Observed, m pipeline.Monitor) (Performance, error) {
	out := Performance{Versions: of.Versions, Fresh: of.Fresh.rows() + of.Fresh.Refused, Refused: of.Fresh.Refused, Nth: of.Nth, Impact: []performance.Impact{}}
	var limits performance.Limits
	outcomes := window(of.Outcomes)
	reference := performance.Reference{Labels: of.Reference.Labels, Scores: champion(of.Reference)}
	judged, err := performance.Realise(performance.Window{Scores: reference.Scores, Labels: reference.Labels}, performance.Month, limits)
	if err != nil {
		return out, err
	}
	out.Judged = judged.Overall
	if out.Realised, err = performance.Realise(outcomes, performance.Month, limits); err != nil {
		return out, err
	}
	if out.Previous, err = previous(of); err != nil {
		return out, err
	}
	if out.Reliability.Judged, err = performance.Relied(reference.Labels, reference.Scores, limits); err != nil {
		return out, err
	}
	if out.Reliability.Realised, err = performance.Relied(outcomes.Labels, outcomes.Scores, limits); err != nil {
		return out, err
	}
	if out.Change, err = performance.Changed(reference, outcomes, evaluate.Margins{AUC: m.MaxAUCDrop, Brier: maxExcess}, limits); err != nil {
		return out, err
	}
	if out.Estimated, err = performance.Estimate(reference, champion(of.Fresh), of.Fresh.Approved, limits); err != nil {
		return out, err
	}
	if out.Standings, err = standings(of); err != nil {
		return out, err
	}
	decided := func(s Scored) performance.Decided {
		return performance.Decided{Approved: s.Approved, Segments: s.Segments}
	}
	if out.Approvals, err = performance.Approve(decided(of.Fresh), decided(of.Applicants), limits); err != nil {
		return out, err
	}
	for _, attribute := range of.Fresh.Protected {
		impact, err := performance.AdverseImpact(attribute, of.Fresh.Approved, limits)
		if err != nil {
			return out, err
		}
		out.Impact = append(out.Impact, impact)
	}
	return out, nil
}

func champion(s Scored) []float64 {
	if len(s.Scores) == 0 {
		return nil
	}
	return s.Scores[0]
}

func window(s Scored) performance.Window {
	return performance.Window{Scores: champion(s), Labels: s.Labels, Days: s.Days, Segments: s.Segments}
}

// previous measures the version before the champion by vintage, on the rows that it takes.
func previous(of Observed) (*Previous, error) {
	if len(of.Versions) < 2 || len(of.Outcomes.Scores) < 2 {
		return nil, nil //nolint:nilnil // there is none, and that is fine
	}
	rows := taken(of.Outcomes, []int{1})
	scores := of.Outcomes.Scores[1]
	realised, err := performance.Realise(performance.Window{
		Scores: pick(scores, rows), Labels: pick(of.Outcomes.Labels, rows), Days: pick(of.Outcomes.Days, rows),
	}, performance.Month, performance.Limits{})
	return &Previous{Version: of.Versions[1].Version, Vintages: realised.Vintages}, err
}

// standings hold the older versions against the champion, on labels where enough have matured, else on an estimate for the fresh rows.
func standings(of Observed) ([]performance.Standing, error) {
	on, left := contest(of, of.Outcomes)
	found, err := performance.Compare(on, performance.Limits{})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || found[0].Basis != performance.OnLabels {
		of.Fresh.Labels = nil
		on, left = contest(of, of.Fresh)
		if found, err = performance.Compare(on, performance.Limits{}); err != nil {
			return nil, err
		}
	}
	return append(found, left...), nil
}

// contest is the versions on the rows that all of them take. Those that refuse too many are left out, and told.
func contest(of Observed, on Scored) (v performance.Versions, left []performance.Standing) {
	var in []int
	for i := range on.Scores {
		if i == 0 || refuses(on.Scores[i]) <= unlike && refuses(of.Reference.Scores[i]) <= unlike {
			in = append(in, i)
			continue
		}
		left = append(left, performance.Standing{Name: name(of.Versions[i]), Basis: performance.OnNothing, P: 1, Note: "it refuses more than half of the rows"})
	}
	rows, before := taken(on, in), taken(of.Reference, in)
	for _, i := range in {
		scored := performance.Version{Name: name(of.Versions[i]), Scores: pick(on.Scores[i], rows), Reference: pick(of.Reference.Scores[i], before)}
		if i == 0 {
			v.Champion = scored
		} else {
			v.Older = append(v.Older, scored)
		}
	}
	v.Labels, v.ReferenceLabels = pick(on.Labels, rows), pick(of.Reference.Labels, before)
	return v, left
}

func name(v Version) string { return strconv.Itoa(v.Version) }

// refuses is the share of rows without a score.
func refuses(scores []float64) float64 {
	if len(scores) == 0 {
		return 0
	}
	n := 0
	for _, p := range scores {
		if math.IsNaN(p) {
			n++
		}
	}
	return float64(n) / float64(len(scores))
}

// taken are the rows that all of the versions score.
func taken(s Scored, versions []int) (rows []int) {
	for row := range s.rows() {
		all := true
		for _, i := range versions {
			all = all && !math.IsNaN(s.Scores[i][row])
		}
		if all {
			rows = append(rows, row)
		}
	}
	return rows
}

func pick(values []float64, rows []int) []float64 {
	if values == nil {
		return nil
	}
	picked := make([]float64, len(rows))
	for i, row := range rows {
		picked[i] = values[row]
	}
	return picked
}

// pBetter is the p-value of the hypothesis that a version is better than the champion by no more than what matters, in AUC and in Brier score, over
// all versions (Bonferroni) and looks.
func (p Performance) pBetter(s performance.Standing, m pipeline.Monitor) float64 {
	by := 2 * min(s.Differences["auc"].Above(m.MaxAUCDrop), s.Differences["brier"].Below(-maxExcess))
	return overLooks(by*float64(len(p.Standings)), p.Nth)
}

// Better is the best of the older versions that are better than the champion by more than what matters, beyond the noise of all looks; nil where none is.
func (p Performance) Better(m pipeline.Monitor) *Better {
	var best *performance.Standing
	for i := range p.Standings {
		s := &p.Standings[i]
		if s.Better && p.pBetter(*s, m) <= level && (best == nil || s.Differences["auc"].Estimate > best.Differences["auc"].Estimate) {
			best = s
		}
	}
	if best == nil {
		return nil
	}
	for _, v := range p.Versions {
		if name(v) == best.Name {
			return &Better{
				Version: v.Version, Policy: v.Policy, Basis: string(best.Basis),
				Message: fmt.Sprintf("version %d is better than the champion, version %d, on %d rows (%s): %s", v.Version, p.Versions[0].Version, best.Rows, best.Basis, best.Note),
			}
		}
	}
	return nil
}

// Findings are what asks for something to be done.
func (p Performance) Findings(m pipeline.Monitor) (found []Finding) {
	if p.Refused >= few {
		share := float64(p.Refused) / float64(p.Fresh)
		found = append(found, Finding{
			Kind: OfSchema, Statistic: "refused_by_champion", Value: share, Rows: int64(p.Fresh),
			Message: fmt.Sprintf("the champion, version %d, would refuse %d of %d fresh rows (%.2g %%): they hold what it does not know", p.Versions[0].Version, p.Refused, p.Fresh, 100*share),
		})
	}
	if adjusted := overLooks(p.Change.P, p.Nth); adjusted <= level {
		auc := p.Change.Differences["auc"]
		found = append(found, Finding{
			Kind: OfPerformance, Statistic: "auc_change", Value: auc.Estimate, P: small(adjusted), Limit: -m.MaxAUCDrop, Rows: int64(p.Change.Rows),
			Message: fmt.Sprintf("the champion, version %d, does worse on %d rows with labels than when it was judged: %s", p.Versions[0].Version, p.Change.Rows, p.Change.Note),
		})
	}
	if better := p.Better(m); better != nil {
		for _, s := range p.Standings {
			if s.Name == strconv.Itoa(better.Version) {
				adjusted := p.pBetter(s, m)
				found = append(found, Finding{Kind: OfPerformance, Statistic: "auc_difference", Value: s.Differences["auc"].Estimate, P: small(adjusted), Limit: m.MaxAUCDrop, Rows: int64(s.Rows), Message: better.Message})
			}
		}
	}
	return found
}

// Words say how the champion does, for people.
func (p Performance) Words() string {
	realised := p.Realised.Overall
	switch {
	case realised.Metrics != nil:
		auc := realised.Metrics["auc"]
		return fmt.Sprintf("AUC %.4f (%.4f to %.4f) on %d matured rows", auc.Estimate, auc.Lower, auc.Upper, realised.Rows)
	case p.Estimated.Metrics != nil:
		auc := p.Estimated.Metrics["auc"]
		return fmt.Sprintf("no label has matured in enough rows (%d); AUC is estimated at %.4f (%.4f to %.4f), %s", realised.Rows, auc.Estimate, auc.Lower, auc.Upper, p.Estimated.Caveat)
	}
	return fmt.Sprintf("%s; no estimate: %s", realised.Note, p.Estimated.Note)
}
