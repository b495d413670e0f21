package report

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/swapset"
)

// SwapSet is what a person needs to know before a challenger is let at clients: whom it decides otherwise than the champion.
type SwapSet struct {
	Name                 string // of the model
	Champion, Challenger Contender
	Shift                swapset.Shift
	// Limit of the change of the approval rate, a share.
	Limit float64
}

// Contender is a version under its policy.
type Contender struct {
	Version int
	Meaning pipeline.Meaning // of its scores
	Policy  decision.Policy
}

// SwapSetHTML renders a swap set. The same swap set gives the same bytes.
func SwapSetHTML(s SwapSet) ([]byte, error) {
	view := swapSetView{SwapSet: s}
	view.Outlook, _ = s.Shift.Judge(s.Limit)
	view.Sides = []sideView{viewOf("champion", s.Champion, s.Shift.Champion), viewOf("challenger", s.Challenger, s.Shift.Challenger)}
	for _, change := range s.Shift.Reasons.Commonest {
		view.Reasons = append(view.Reasons, reasonView{
			From: change.From, FromText: s.Champion.Policy.Reasons[change.From],
			To: change.To, ToText: s.Challenger.Policy.Reasons[change.To],
			Rows: change.Rows, Share: percent(change.Rows, s.Shift.Reasons.Changed.Of),
		})
	}
	var err error
	if s.Shift.Scores != nil {
		if view.Scores, err = viewOfScores(s, *s.Shift.Scores); err != nil {
			return nil, err
		}
	}
	for _, segment := range s.Shift.Segments {
		shown := segmentView{Column: segment.Column, Values: segment.Values}
		if len(segment.Values) > 0 {
			if shown.Plot, err = swapPlot(segment); err != nil {
				return nil, err
			}
		}
		view.Segments = append(view.Segments, shown)
	}
	return render("swapset.html", "Swap set of "+s.Name, view)
}

type swapSetView struct {
	SwapSet
	Outlook  swapset.Outlook
	Sides    []sideView
	Reasons  []reasonView
	Scores   *scoresView // nil: not compared
	Segments []segmentView
}

type scoresView struct {
	swapset.Scores
	Rank   string // correlation
	Plot   template.HTML
	Key    []keyView
	Hidden int // rows that the plot does not show
}

type sideView struct {
	Track, Policy string
	Version       int
	Cutoff        float64
	swapset.Side
}

type reasonView struct {
	From, FromText, To, ToText string
	Rows                       int
	Share                      string
}

type segmentView struct {
	Column string
	Values []swapset.SegmentValue
	Plot   template.HTML
}

// MinCell is the fewest rows of which the page says anything but how many they are.
func (swapSetView) MinCell() int { return swapset.MinCell }

// badView is a bad rate, or why there is none: labels that say nothing of it, or too few outcomes.
type badView struct {
	swapset.Rate
	Labelled bool
	MinCell  int
}

type groupView struct {
	Rows swapset.Rate
	Bad  badView
}

// Bad shows a bad rate.
func (v swapSetView) Bad(bad swapset.Rate) badView {
	return badView{Rate: bad, Labelled: v.Shift.OutcomesMeasured, MinCell: swapset.MinCell}
}

// Group shows a group.
func (v swapSetView) Group(group swapset.Group) groupView {
	return groupView{Rows: group.Rows, Bad: v.Bad(group.Bad)}
}

// OthersShare is of the changes of reason that are not named, of those whom both decline.
func (v swapSetView) OthersShare() string {
	return percent(v.Shift.Reasons.Others, v.Shift.Reasons.Changed.Of)
}

// LimitPoints is the limit in points of a hundred.
func (v swapSetView) LimitPoints() string { return number(100 * v.Limit) }

func viewOfScores(s SwapSet, scores swapset.Scores) (*scoresView, error) {
	view := &scoresView{Scores: scores, Rank: "–"}
	if scores.Spearman != nil {
		view.Rank = figure(*scores.Spearman)
	}
	if len(scores.Grid) == 0 {
		return view, nil
	}
	view.Key, view.Hidden = gridKey(), s.Shift.Rows
	for _, cell := range scores.Grid {
		view.Hidden -= cell.Rows
	}
	var err error
	view.Plot, err = gridPlot(s.Champion, s.Challenger, scores.Grid)
	return view, err
}

func viewOf(track string, c Contender, side swapset.Side) sideView {
	return sideView{Track: track, Policy: c.Policy.Digest()[:12], Version: c.Version, Cutoff: c.Policy.Cutoff, Side: side}
}

func share(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

// points is a difference of shares, with its sign.
func points(x float64) string { return strings.Replace(fmt.Sprintf("%+.1f", 100*x), "-", "−", 1) }

// segmentName is how a segment's rows are called.
func segmentName(v swapset.SegmentValue) string {
	switch {
	case v.Merged == 1:
		return "1 rare value"
	case v.Merged > 1:
		return fmt.Sprintf("%d rarer values", v.Merged)
	case v.Value == "":
		return "missing"
	default:
		return v.Value
	}
}
