// Package report renders what the platform measured as pages for people: one self-contained HTML file each, with plots as
// inline SVG, that asks nothing from anywhere.
package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/profile"
)

// ProfileHTML renders a profile with what validation found. The same profile gives the same bytes. No row's identifier is in it, and no text that
// fewer than profile.MinRows rows have.
func ProfileHTML(p profile.Profile, r dataset.Report) ([]byte, error) {
	v := profileView{Profile: p, Tiles: tiles(p, r), Timeline: timeline(p.Periods), Refused: r.Messages(dataset.Error), Warned: r.Messages(dataset.Warning)}
	places := map[string]int{}
	for i, c := range p.Columns {
		places[c.Name] = i
	}
	for _, o := range p.Observations {
		v.Observations = append(v.Observations, newObservationView(o, places))
	}
	marks := marked(p.Observations)
	for _, i := range ordered(p.Columns) {
		v.Rendered = append(v.Rendered, newColumnView(p, i, marks[p.Columns[i].Name]))
	}
	if a := p.Associations; a != nil {
		v.Associations = heatMap("Correlations of the columns", a.Columns, a.Values)
		v.Pairs = strongest(a.Columns, a.Values)
	}
	if m := p.Missing; m != nil {
		if len(m.Columns) > 1 {
			v.Together = heatMap("Columns that are missing together", m.Columns, m.Correlations)
		}
		for _, pattern := range m.Patterns {
			v.Patterns = append(v.Patterns, patternView{pattern, percent(pattern.Rows, p.Sample), len(m.Columns) - len(pattern.Missing)})
		}
	}
	return render("profile.html", "Data profile of "+p.Name, v)
}

// profileView is a profile with its plots and texts.
type profileView struct {
	profile.Profile
	Tiles                            []tile
	Timeline, Associations, Together template.HTML
	Refused, Warned                  []string
	Observations                     []observationView
	Rendered                         []columnView
	Pairs                            []pairView
	Patterns                         []patternView
}

// Sampled is how many rows the maps are counted in.
func (v profileView) Sampled() string { return thousands(v.Sample) }

// Held is how many columns the map of correlations holds.
func (v profileView) Held() int { return len(v.Profile.Associations.Columns) }

type tile struct{ Name, Value, Note string }

func tiles(p profile.Profile, r dataset.Report) []tile {
	features, cells := 0, 0
	for _, c := range p.Columns {
		cells += c.Missing
		if c.Role == profile.Feature {
			features++
		}
	}
	out := []tile{
		{"Rows", thousands(p.Rows), ""},
		{"Columns", thousands(len(p.Columns)), fmt.Sprintf("%d features", features)},
		{"Labelled", percent(p.Labelled, p.Rows), thousands(p.Labelled) + " rows"},
		{"Positive rate", percent(p.Positive, p.Labelled), thousands(p.Positive) + " rows"},
		{"Missing values", percent(cells, p.Rows*len(p.Columns)), "of all values"},
	}
	if int(r.Rows) > p.Rows {
		out[0].Note = "of " + thousands(int(r.Rows)) + " read"
	}
	if n := len(p.Periods); n > 0 {
		out = append(out, tile{"Time", fmt.Sprint(n), "periods, " + p.Periods[0].Name + " to " + p.Periods[n-1].Name})
	}
	return out
}

// ordered are the places of the columns: the label, then those with the highest information value.
func ordered(columns []profile.Column) []int {
	order := make([]int, len(columns))
	for i := range order {
		order[i] = i
	}
	key := func(i int) float64 {
		switch c := columns[i]; {
		case c.Role == profile.Label:
			return 1e9
		case c.ByLabel != nil:
			return c.ByLabel.IV
		}
		return -1
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(key(b), key(a)) })
	return order
}

// marked are the titles of the observations about each column.
func marked(observations []profile.Observation) map[string][]markView {
	marks := map[string][]markView{}
	for _, o := range observations {
		for _, c := range o.Columns {
			marks[c.Column] = append(marks[c.Column], markView{o.Severity, o.Title, c.Detail})
		}
	}
	return marks
}

type markView struct {
	Severity      profile.Severity
	Title, Detail string
}

// observationView is an observation whose columns are links.
type observationView struct {
	profile.Observation
	Shown, More []linkView
}

type linkView struct {
	At           int
	Name, Detail string
}

// shownColumns of an observation; the others are unfolded.
const shownColumns = 6

func newObservationView(o profile.Observation, places map[string]int) observationView {
	v := observationView{Observation: o}
	for i, c := range o.Columns {
		link := linkView{places[c.Column], c.Column, c.Detail}
		if i < shownColumns {
			v.Shown = append(v.Shown, link)
		} else {
			v.More = append(v.More, link)
		}
	}
	return v
}

type patternView struct {
	profile.Pattern
	Share   string
	Present int
}

type pairView struct{ A, B, Value string }

// strongest are the pairs of columns that go together most.
func strongest(names []string, values [][]*float64) []pairView {
	type pair struct {
		i, j int
		size float64
	}
	var pairs []pair
	for i, row := range values {
		for j, value := range row {
			if value != nil {
				pairs = append(pairs, pair{i, j, max(*value, -*value)})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(b.size, a.size) })
	var out []pairView
	for _, p := range pairs[:min(len(pairs), 10)] {
		out = append(out, pairView{names[p.j], names[p.i], fmt.Sprintf("%+.2f", *values[p.i][p.j])})
	}
	return out
}

func percent(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}
