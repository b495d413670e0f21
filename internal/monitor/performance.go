package monitor

import (
	"cmp"
	"fmt"
	"math"

	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/serving"
)

// Version is a champion of now or before.
type Version struct {
	serving.Track
	// Apart says why it is not held against the champion; empty where it is.
	Apart string `json:"-"`
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
	// Reference is rows with labels on which the champion was judged, Applicants all sorts of those that it was made of, with labels where these are known.
	Reference, Applicants Scored
	// Outcomes are rows since, with labels as far as they have matured, Fresh those that no look has seen.
	Outcomes, Fresh Scored
	// Unread says why the outcomes have no labels though some may have matured; empty where they are read.
	Unread string
	// Nth says which look at this champion it is, from 1, NthMeasured which of those that had EnoughOutcomes; 0: as many as all.
	Nth, NthMeasured int
}

// Performance is how a champion and the versions before it do.
type Performance struct {
	Versions []Version `json:"versions"`
	// Judged is the champion on the rows by which it was judged.
	Judged    performance.Group     `json:"judged"`
	Realised  performance.Realised  `json:"realised"`
	Change    performance.Change    `json:"change"` // of the champion, since it was judged
	Estimated performance.Estimated `json:"estimated"`
	// Standings are those of the older versions. Their P and Better, as those of Change, are over all looks: what they say is what is done.
	Standings []performance.Standing `json:"standings"`
	// Recent are the standings on the rows since Change.Since: what the champion lost lately is averaged away in all of them. None where it lost nothing, or
	// where the whole says so most.
	Recent []performance.Standing `json:"recent_standings"`
	// Previous is the version before the champion on the rows of Realised, as far as it takes them; nil where there is none.
	Previous *Previous `json:"previous,omitempty"`
	// Reliability is what the champion's scores say against what came of it.
	Reliability Reliability           `json:"reliability"`
	Approvals   performance.Approvals `json:"approvals"`
	Impact      []performance.Impact  `json:"impact"` // none: no protected attribute is at hand
	Fresh       int                   `json:"fresh"`
	Refused     int                   `json:"refused"` // of the fresh rows, by the champion
	Nth         int                   `json:"nth"`
	// NthMeasured counts the looks that had outcomes enough: what is found on these has a chance of an error over these alone.
	NthMeasured int `json:"nth_measured"`
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
	// level is how often decay is found, over all looks at a champion, where there is none, and how often a version is called better where none is.
	level = 0.025
	// maxOff is how far outcomes may be off what the scores promise, see performance.Tolerance: three points where half of the applicants default, 1.8 where a
	// tenth do.
	maxOff = 0.06
	// maxBrier is the difference of two Brier scores that does not matter: scores that are three points off everywhere have it.
	maxBrier = 0.001
	// slipShare is the share of all rows up to which something is no more than a slip.
	slipShare = 0.001
	// enough is of how many approved and of how many declined applicants it can be told whether their outcomes are known.
	enough = 100
)

// EnoughOutcomes is how many matured outcomes a look must have to test anything on them, EnoughRows how many fresh rows to estimate anything.
const EnoughOutcomes, EnoughRows = 100, 100

// looks is by how much a p-value of the nth look is multiplied, held against one level for all looks together: each gets 1/n(n+1) of it, and these sum to 1.
func looks(nth int) float64 { return float64(nth) * float64(nth+1) }

// Measure looks at what has become of applicants and at the fresh ones. Too few rows are results and said in notes.
func Measure(of Observed, m pipeline.Monitor) (Performance, error) {
	out := Performance{Versions: of.Versions, Fresh: of.Fresh.rows() + of.Fresh.Refused, Refused: of.Fresh.Refused, Nth: of.Nth, NthMeasured: cmp.Or(of.NthMeasured, of.Nth), Impact: []performance.Impact{}, Recent: []performance.Standing{}}
	var limits performance.Limits
	outcomes := window(of.Outcomes)
	reference := performance.Reference{Labels: of.Reference.Labels, Scores: champion(of.Reference), Approved: approvedOnly(of.Applicants)}
	judged, err := performance.Realise(performance.Window{Scores: reference.Scores, Labels: reference.Labels}, limits)
	if err != nil {
		return out, err
	}
	out.Judged = judged.Overall
	if out.Realised, err = performance.Realise(outcomes, limits); err != nil {
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
	if of.Unread != "" {
		out.Realised.Overall.Note = of.Unread
	}
	if out.Change, err = performance.Changed(reference, outcomes, performance.Tolerance{AUC: m.MaxAUCDrop, Calibration: maxOff}, limits); err != nil {
		return out, err
	}
	out.Change = out.Change.Among(looks(out.NthMeasured))
	if out.Estimated, err = performance.Estimate(reference, champion(of.Fresh), of.Fresh.Approved, limits); err != nil {
		return out, err
	}
	if out.Standings, err = standings(of); err != nil {
		return out, err
	}
	out.settle(out.Standings, out.Change.Whole(), m)
	if since := out.Change.Decisive(); since != nil {
		if out.Recent, err = recentStandings(of, *since); err != nil {
			return out, err
		}
		out.settle(out.Recent, out.Change.Newest(), m)
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

// approvedOnly says whether outcomes are known of those that the champion approves more than twice as often as of those that it declines, among rows that are
// no younger than the youngest outcome. Too few of either tell nothing.
func approvedOnly(s Scored) bool {
	youngest := math.Inf(-1)
	for row, label := range s.Labels {
		if !math.IsNaN(label) && row < len(s.Days) {
			youngest = math.Max(youngest, s.Days[row])
		}
	}
	var known, of [2]float64 // declined, approved
	for row, label := range s.Labels {
		if row < len(s.Days) && !(s.Days[row] <= youngest) {
			continue
		}
		verdict := 0
		if s.Approved[row] {
			verdict = 1
		}
		of[verdict]++
		if !math.IsNaN(label) {
			known[verdict]++
		}
	}
	return min(of[0], of[1]) >= enough && 2*known[0]*of[1] < known[1]*of[0]
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
	if len(of.Versions) < 2 || len(of.Outcomes.Scores) < 2 || of.Versions[1].Apart != "" {
		return nil, nil //nolint:nilnil // there is none that can be held against it, and that is fine
	}
	var w performance.Window
	for row, score := range of.Outcomes.Scores[1] {
		if math.IsNaN(score) {
			continue
		}
		w.Scores = append(w.Scores, score)
		if of.Outcomes.Labels != nil {
			w.Labels = append(w.Labels, of.Outcomes.Labels[row])
		}
		if of.Outcomes.Days != nil {
			w.Days = append(w.Days, of.Outcomes.Days[row])
		}
	}
	realised, err := performance.Realise(w, performance.Limits{})
	return &Previous{Version: of.Versions[1].Version, Vintages: realised.Vintages}, err
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
		return fmt.Sprintf("%s; AUC is estimated at %.4f (%.4f to %.4f), %s", realised.Note, auc.Estimate, auc.Lower, auc.Upper, p.Estimated.Caveat)
	}
	return fmt.Sprintf("%s; no estimate: %s", realised.Note, p.Estimated.Note)
}
