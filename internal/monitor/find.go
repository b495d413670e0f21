package monitor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Find says what of the drift asks for something to be done: what is there beyond chance, false discoveries over features, segments and looks being
// controlled, and beyond what matters. tested is what the looks before tested, and what comes back is for the next one.
func (d Drift) Find(m pipeline.Monitor, tested json.RawMessage) (found []Finding, next json.RawMessage, err error) {
	var looks drift.Looks
	if len(tested) > 0 {
		if err := json.Unmarshal(tested, &looks); err != nil {
			return nil, nil, fault.Wrap(fault.Internal, err, "what earlier looks tested")
		}
	}
	looks.Level = m.FalseDiscoveries // of the spec as it is now: of the looks to come
	var p []float64
	var tests []test
	for _, r := range d.Overall {
		tests = append(tests, test{r, ""})
	}
	for _, s := range d.Segments {
		for _, r := range s.Results {
			tests = append(tests, test{r, d.Segment + "=" + s.Value})
		}
	}
	tests = slices.DeleteFunc(tests, func(t test) bool { return len(t.Statistics) == 0 }) // too few rows: nothing was tested
	for _, t := range tests {
		p = append(p, t.P)
	}
	values := slices.DeleteFunc(slices.Clone(d.Unseen), func(u Unseen) bool { return u.Short != nil })
	for _, u := range values {
		p = append(p, u.P)
	}
	together := d.Together.Short == nil // it wants more rows than a feature does
	if together {
		p = append(p, d.Together.P)
	}
	drifted, looks, err := looks.Next(p)
	if err != nil {
		return nil, nil, err
	}
	if next, err = json.Marshal(looks); err != nil {
		return nil, nil, fault.Wrap(fault.Internal, err, "what this look tested")
	}
	told := map[string]bool{} // features that drift among all: of segments nothing more is to be said
	for i, t := range tests {
		if drifted[i] && t.Beyond() && !told[t.Name] {
			found = append(found, d.finding(t.Result, t.segment))
			told[t.Name] = told[t.Name] || t.segment == ""
		}
	}
	for i, u := range values {
		if drifted[len(tests)+i] && u.Beyond {
			found = append(found, d.unseen(u))
		}
	}
	for _, unit := range d.Units {
		if told[unit.Feature] {
			found = append(found, d.otherUnit(unit))
		}
	}
	if together && drifted[len(p)-1] && d.Together.Beyond {
		found = append(found, d.together())
	}
	return found, next, nil
}

// test is a result among all rows, or among those of a segment.
type test struct {
	drift.Result
	segment string
}

// together names the features by which the classifier tells most.
func (d Drift) together() Finding {
	s := d.Together
	var by []string
	for _, lean := range s.Features[:min(3, len(s.Features))] {
		by = append(by, lean.Feature)
	}
	return Finding{
		Kind: OfData, Statistic: classifierAUC, Value: s.AUC, P: small(s.P), Limit: s.Limit, Rows: d.Fresh,
		Message: fmt.Sprintf("all features together drift: a classifier tells fresh rows from those of before with an AUC of %.3f, at least %.3f, where up to %.3f does not matter, mostly by %s", s.AUC, s.Lower, s.Limit, strings.Join(by, ", ")),
	}
}

// finding tells the PSI, or where that is within its limit the statistic that is not.
func (d Drift) finding(r drift.Result, segment string) Finding {
	worst, _ := r.Statistic(drift.PSI)
	for _, s := range r.Statistics {
		if !worst.Beyond && s.Beyond {
			worst = s
		}
	}
	f := Finding{Kind: OfData, Feature: r.Name, Statistic: Statistic(worst.Name), Value: worst.Value, P: small(r.P), Limit: worst.Limit, Rows: r.Window.Rows, Segment: segment}
	name := r.Name
	if r.Name == Score.Name {
		f.Kind, f.Feature, name = OfPredictions, "", "the champion's score"
	}
	f.Message = fmt.Sprintf("%s drifts: %s %.3g, at least %.3g, where up to %.3g does not matter (%d rows against %d)", name, worst.Name, worst.Value, worst.Lower, worst.Limit, r.Window.Rows, r.Reference.Rows)
	if segment != "" {
		f.Message += " among " + segment
	}
	return f
}

func (d Drift) otherUnit(u Unit) Finding {
	return Finding{
		Kind: OfSchema, Feature: u.Feature, Statistic: anotherUnit, Value: u.Factor, Limit: 1, Rows: d.Fresh, Meaning: true,
		Message: fmt.Sprintf("%s looks as if it were told in another unit: its values are those of before times %.3g", u.Feature, u.Factor),
	}
}
