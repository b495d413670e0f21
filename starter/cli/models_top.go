package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/lineage"
	"github.com/loanops/loanops/internal/registry"
)

// ranking says which versions are wanted.
type ranking struct {
	top    int // 0: all
	metric string
}

// rankedVersion is a version with what its run tells of how it was made.
type rankedVersion struct {
	listedVersion
	// Took is from the begin to the end of the run, in nanoseconds; 0 where that is not recorded.
	Took  time.Duration      `json:"took_ns"`
	Steps []registry.RunStep `json:"steps"` // of the run, as the workflow's history tells them
}

// best are the versions from the best to the worst, of equally good ones the newer first; at most top of them. Versions that do not have the metric
// come last.
func (r ranking) best(versions []listedVersion) []listedVersion {
	sorted := slices.Clone(versions)
	metric, _ := evaluate.MetricOf(r.metric)
	slices.SortStableFunc(sorted, func(a, b listedVersion) int {
		x, hasX := a.Metrics[r.metric]
		y, hasY := b.Metrics[r.metric]
		order := cmp.Compare(y.Estimate, x.Estimate)
		if metric.Falls {
			order = -order
		}
		if !hasX || !hasY {
			order = cmp.Compare(has(hasY), has(hasX))
		}
		return cmp.Or(order, cmp.Compare(b.Version, a.Version))
	})
	if r.top > 0 {
		sorted = sorted[:min(r.top, len(sorted))]
	}
	return sorted
}

func has(is bool) int {
	if is {
		return 1
	}
	return 0
}

// check refuses what ranks nothing.
func (r ranking) check() error {
	if _, known := evaluate.MetricOf(r.metric); !known {
		return fault.New(fault.Invalid, "--by is %q; one of %s is wanted", r.metric, strings.Join(evaluate.Names(), ", "))
	}
	if r.top < 0 {
		return fault.New(fault.Invalid, "--top is %d; a number from 1 is wanted", r.top)
	}
	return nil
}

// listBest prints the best versions; runs are those that registered them.
func (a *app) listBest(versions []listedVersion, runs []*registry.Run, metric string) error {
	ranked := []rankedVersion{}
	for i, v := range versions {
		made := rankedVersion{listedVersion: v, Steps: []registry.RunStep{}}
		if run := runs[i]; run != nil {
			if !run.EndedAt.IsZero() {
				made.Took = run.EndedAt.Sub(run.StartedAt)
			}
			if len(run.Steps) > 0 {
				made.Steps = run.Steps
			}
		}
		ranked = append(ranked, made)
	}
	return a.print(ranked, func() { a.describeBest(ranked, metric) })
}

func (a *app) describeBest(ranked []rankedVersion, metric string) {
	rows := [][]string{{"MODEL", "VERSION", "ALIASES", strings.ToUpper(metric), "95 % INTERVAL", "ROWS", "DATA", "CODE", "TOOK", "TRIES"}}
	for _, v := range ranked {
		m, tries := v.Metrics[metric], 0
		for _, step := range v.Steps {
			tries += step.Attempts
		}
		rows = append(rows, []string{
			v.Name, strconv.Itoa(v.Version), strings.Join(v.Aliases, ", "), figure(m.Estimate), interval(m), strconv.FormatInt(v.Lineage.Rows, 10),
			fmt.Sprintf("%.8s", v.Lineage.Dataset), v.Lineage.Code.String(), shortly(v.Took), fmt.Sprintf("%d of %d", tries, len(v.Steps)),
		})
	}
	a.table(rows)
	for _, v := range ranked {
		fmt.Fprintf(a.out, "\n%s version %d: %s\n", v.Name, v.Version, lineage.Settings(v.Hyperparameters))
		for _, step := range v.Steps {
			note := ""
			if step.Cached {
				note = ", cached"
			}
			fmt.Fprintf(a.out, "  %s %s in %s%s\n", step.Name, times(step.Attempts), shortly(step.Duration), note)
		}
	}
}

func figure(x float64) string { return fmt.Sprintf("%.4f", x) }

func interval(m evaluate.Metric) string { return figure(m.Lower) + " to " + figure(m.Upper) }

func times(attempts int) string {
	if attempts == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", attempts)
}

func shortly(took time.Duration) string {
	if took == 0 {
		return "–"
	}
	return took.Round(time.Millisecond).String()
}
