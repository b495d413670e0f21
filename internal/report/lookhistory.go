package report

import (
	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/monitor"
)

// seen is a look with what it measured of every feature.
type seen struct {
	asOf     string
	champion int
	verdict  monitor.Verdict
	rows     int64
	found    int
	results  map[string]drift.Result // by feature; none where drift was not measured
	segments map[string]map[string]drift.Result
}

// past is the looks, oldest first. The last one is that of the page.
type past []seen

func pastAndPresent(l Look) past {
	var all past
	add := func(l EarlierLook) {
		s := seen{asOf: l.AsOf, champion: l.Champion, verdict: l.Verdict, rows: l.Rows, found: len(l.Findings), results: map[string]drift.Result{}, segments: map[string]map[string]drift.Result{}}
		if l.Drift != nil {
			s.results = byName(l.Drift.Overall)
			for _, segment := range l.Drift.Segments {
				s.segments[segment.Value] = byName(segment.Results)
			}
		}
		all = append(all, s)
	}
	for _, earlier := range l.Earlier {
		add(earlier)
	}
	add(EarlierLook{l.Look, l.Drift})
	return all
}

func byName(results []drift.Result) map[string]drift.Result {
	by := make(map[string]drift.Result, len(results))
	for _, r := range results {
		by[r.Name] = r
	}
	return by
}

// psi is that of a feature over the looks; nil where it was not measured.
func (p past) psi(feature string) []*drift.Statistic {
	values := make([]*drift.Statistic, len(p))
	for i, look := range p {
		if s, measured := look.results[feature].Statistic(drift.PSI); measured {
			values[i] = &s
		}
	}
	return values
}

// since says from which look on something has been beyond its limits without a break, and over how many looks at this champion; 0 where it is not.
// Looks that measured nothing of it break nothing.
func (p past) since(result func(seen) drift.Result) (asOf string, looks int) {
	for i := len(p) - 1; i >= 0 && p[i].champion == p[len(p)-1].champion; i-- {
		r := result(p[i])
		if len(r.Statistics) == 0 {
			continue
		}
		if !r.Beyond() {
			break
		}
		asOf = p[i].asOf
		looks++
	}
	return asOf, looks
}

// changes are the looks at another champion than the look before.
func (p past) changes() []int {
	var at []int
	for i := 1; i < len(p); i++ {
		if p[i].champion != p[i-1].champion {
			at = append(at, i)
		}
	}
	return at
}
