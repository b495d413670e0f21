package report

import (
	"fmt"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/registry"
)

// seen is a look with what it measured of every feature.
type seen struct {
	registry.Look
	performance *monitor.Performance    // nil: not measured, or not kept
	results     map[string]drift.Result // by feature; none where drift was not measured
	segments    map[string]map[string]drift.Result
}

// past is the looks, oldest first. The last one is that of the page.
type past []seen

func pastAndPresent(l Look) past {
	var all past
	add := func(l EarlierLook) {
		s := seen{Look: l.Look, performance: l.Performance, results: map[string]drift.Result{}, segments: map[string]map[string]drift.Result{}}
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
	add(EarlierLook{l.Look, l.Drift, l.Performance})
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
func (p past) since(of func(seen) (measured, beyond bool)) (asOf string, looks int) {
	for i := len(p) - 1; i >= 0 && p[i].Champion == p[len(p)-1].Champion; i-- {
		measured, beyond := of(p[i])
		if !measured {
			continue
		}
		if !beyond {
			break
		}
		asOf = p[i].AsOf
		looks++
	}
	return asOf, looks
}

// sinceWords say it; empty where it is not beyond its limits.
func (p past) sinceWords(of func(seen) (measured, beyond bool)) string {
	switch asOf, n := p.since(of); n {
	case 0:
		return ""
	case 1:
		return "new in this look"
	default:
		return fmt.Sprintf("since %s, %d looks", asOf, n)
	}
}

// ofFeature is what looks say of a feature.
func ofFeature(name string) func(seen) (measured, beyond bool) {
	return func(s seen) (bool, bool) { return standing(s.results[name]) }
}

func standing(r drift.Result) (measured, beyond bool) { return len(r.Statistics) > 0, r.Beyond() }

// changes are the looks at another champion than the look before.
func (p past) changes() []int {
	var at []int
	for i := 1; i < len(p); i++ {
		if p[i].Champion != p[i-1].Champion {
			at = append(at, i)
		}
	}
	return at
}
