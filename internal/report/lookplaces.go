package report

import (
	"fmt"
	"html/template"
	"maps"
	"slices"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/monitor"
)

// placesMap has a row for each value of the segment and a column for each look: which kind of rows drifts most, and since when. Empty where no look
// told rows apart. A cell is the feature whose PSI is largest for sure, by its lower bound: the largest of many estimates on few rows is chance.
func placesMap(looks past) template.HTML {
	values := map[string]bool{}
	for _, look := range looks {
		for value, results := range look.segments {
			for _, r := range results {
				if nameable(r) {
					values[value] = true
				}
			}
		}
	}
	if len(values) == 0 {
		return ""
	}
	var rows []mapRow
	for _, value := range slices.Sorted(maps.Keys(values)) {
		row := mapRow{name: groupName(value, 0), cells: make([]cell, len(looks))}
		for i, look := range looks {
			row.cells[i] = placeCell(look.AsOf, look.segments[value])
		}
		row.note = looks.sinceWords(func(s seen) (bool, bool) { return anyStanding(s.segments[value]) })
		if feature, _, found := mostDrifted(looks[len(looks)-1].segments[value]); found && row.note != "" {
			row.note += "; most in " + clipped(featureName(feature), 16)
		}
		rows = append(rows, row)
	}
	rows = sortedBy(sortedBy(rows, mapRow.most), mapRow.newest)
	return drawHistory(looks, rows[:min(len(rows), shownPlaces)], false)
}

// shownPlaces are the values that drift most now.
const shownPlaces = 8

// newest is the PSI of the last look.
func (r mapRow) newest() float64 {
	if last := r.cells[len(r.cells)-1]; last.psi != nil {
		return last.psi.Value
	}
	return 0
}

// mostDrifted is the feature of the largest lower bound, the score left out: it follows from the features.
func mostDrifted(results map[string]drift.Result) (feature string, psi drift.Statistic, found bool) {
	for _, name := range slices.Sorted(maps.Keys(results)) {
		s, measured := results[name].Statistic(drift.PSI)
		if !measured || name == monitor.Score.Name || !nameable(results[name]) {
			continue
		}
		if !found || s.Lower > psi.Lower {
			feature, psi, found = name, s, true
		}
	}
	return feature, psi, found
}

func placeCell(title string, results map[string]drift.Result) cell {
	feature, psi, found := mostDrifted(results)
	if !found {
		return cell{title: title}
	}
	_, beyond := anyStanding(results)
	return cell{psi: &drift.Statistic{Value: psi.Lower}, beyond: beyond, title: fmt.Sprintf("%s: %s %s, at least", title, featureName(feature), decimals(psi.Value))}
}

// anyStanding says whether any of the results is measured, and beyond its limit.
func anyStanding(results map[string]drift.Result) (measured, beyond bool) {
	for _, r := range results {
		m, b := standing(r)
		measured, beyond = measured || m, beyond || b
	}
	return measured, beyond
}
