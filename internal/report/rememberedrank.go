package report

import (
	"fmt"
	"html/template"
	"slices"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/serving"
)

// rankTab is one metric of all versions, in the order of the page.
type rankTab struct {
	Key, Name string
	Less      bool // of it is better
	Rows      []rankRow
	Axis      template.HTML
	Champion  int // whose estimate is the line, and whose interval the band; 0: none
}

// rankRow is a version in it.
type rankRow struct {
	Version            int
	Rank               int // from 1, the best; equal ones share it; 0: not measured
	Roles              []string
	Estimate, Interval string // empty: not measured
	Plot               template.HTML
	Test               string // which test part
	value              float64
}

// rankTabs has a tab for each metric that a version has, that which ranks first.
func rankTabs(r Remembered) (tabs []rankTab) {
	tests := testRows(r.Versions)
	for _, metric := range evaluate.Metrics {
		if tab := rankTabOf(r.Versions, tests, metric); len(tab.Rows) > 0 {
			tabs = append(tabs, tab)
		}
	}
	if i := slices.IndexFunc(tabs, func(t rankTab) bool { return t.Key == r.RankedBy }); i > 0 {
		first := tabs[i]
		tabs = slices.Insert(slices.Delete(tabs, i, i+1), 0, first)
	}
	return tabs
}

// rankTabOf has no rows where no version has the metric.
func rankTabOf(versions []RememberedVersion, tests testedView, metric evaluate.MetricName) rankTab {
	tab := rankTab{Key: metric.Name, Name: metric.Title, Less: metric.Falls}
	var shown []evaluate.Metric
	var band *evaluate.Metric
	var marks []float64
	for _, v := range versions {
		m, measured := v.Metrics[metric.Name]
		if !measured {
			continue
		}
		shown = append(shown, m)
		if slices.Contains(v.Aliases, serving.ChampionAlias) {
			tab.Champion, band, marks = v.Version, &m, []float64{m.Estimate}
		}
	}
	if len(shown) == 0 {
		return tab
	}
	scale := newForest(shown, 0.15, figure, marks...)
	scale.band = band
	for _, v := range versions {
		row := rankRow{Version: v.Version, Roles: v.Aliases, Test: tests.letter[v.Version]}
		if m, measured := v.Metrics[metric.Name]; measured {
			row.Estimate, row.Interval, row.Plot, row.value = figure(m.Estimate), between(m, figure), scale.row(m, roleClass(v.Aliases)), m.Estimate
		}
		tab.Rows = append(tab.Rows, row)
	}
	tab.rank()
	tab.Axis = scale.Axis()
	return tab
}

// roleClass is the colour of a version in plots.
func roleClass(aliases []string) string {
	for _, of := range []struct{ alias, class string }{{serving.ChampionAlias, "good"}, {serving.ChallengerAlias, "open"}, {serving.PreviousAlias, "seen"}} {
		if slices.Contains(aliases, of.alias) {
			return of.class
		}
	}
	return ""
}

// rank counts how many are better than each.
func (t rankTab) rank() {
	for i, row := range t.Rows {
		if row.Estimate == "" {
			continue
		}
		t.Rows[i].Rank = 1
		for _, other := range t.Rows {
			if other.Estimate != "" && (t.Less && other.value < row.value || !t.Less && other.value > row.value) {
				t.Rows[i].Rank++
			}
		}
	}
}

// best is the best of the page; of equally good ones the newer.
func (t rankTab) best() tile {
	var first rankRow
	for _, row := range t.Rows {
		if row.Rank == 1 && row.Version >= first.Version {
			first = row
		}
	}
	return tile{"Best " + t.Name, first.Estimate, fmt.Sprintf("version %d, %s", first.Version, first.Interval)}
}

func (t rankTab) champion() (tile, bool) {
	for _, row := range t.Rows {
		if row.Version == t.Champion && row.Estimate != "" {
			return tile{t.Name + " of the champion", row.Estimate, row.Interval}, true
		}
	}
	return tile{}, false
}

// testedView says which versions were measured on the same rows.
type testedView struct {
	letter map[int]string // by version; empty where its test part is not known
	Count  int
}

// testRows gives each test part a letter, the oldest version's the first.
func testRows(versions []RememberedVersion) testedView {
	v := testedView{letter: map[int]string{}}
	oldest := slices.SortedFunc(slices.Values(versions), func(a, b RememberedVersion) int { return a.Version - b.Version })
	letters := map[string]string{}
	for _, of := range oldest {
		digest := of.Artifacts[artifact.Test].SHA256
		if digest == "" {
			continue
		}
		if letters[digest] == "" {
			letters[digest] = letter(v.Count)
			v.Count++
		}
		v.letter[of.Version] = letters[digest]
	}
	return v
}

// letter counts A, B … Z, A2, B2 …
func letter(i int) string {
	text := string(rune('A' + i%26))
	if i >= 26 {
		text += fmt.Sprint(i/26 + 1)
	}
	return text
}
