// Package report renders what the platform measured as pages for people: one self-contained HTML file each, with plots as
// inline SVG, that asks nothing from anywhere.
package report

import (
	"fmt"
	"html/template"
)

// Profile is a described table.
type Profile struct {
	Name    string   `json:"name"`
	Rows    int      `json:"rows"`
	Columns []Column `json:"columns"`
}

// Column is one described column.
type Column struct {
	Name     string   `json:"name"`
	Numeric  bool     `json:"numeric"`
	Missing  int      `json:"missing"`
	Distinct int      `json:"distinct"`
	Numbers  *Numbers `json:"numbers,omitempty"`
	Top      []Value  `json:"top,omitempty"` // the most frequent values of a column of texts
}

// Numbers describes a column of numbers. Histogram counts values in equally wide bins from Min to Max.
type Numbers struct {
	Min       float64 `json:"min"`
	Q25       float64 `json:"q25"`
	Median    float64 `json:"median"`
	Q75       float64 `json:"q75"`
	Max       float64 `json:"max"`
	Mean      float64 `json:"mean"`
	SD        float64 `json:"sd"`
	Histogram []int   `json:"histogram"`
}

// Value is a text and how often it occurs.
type Value struct {
	Text  string `json:"text"`
	Count int    `json:"count"`
}

// ProfileHTML renders a profile. The same profile gives the same bytes.
func ProfileHTML(p Profile) ([]byte, error) {
	view := struct {
		Profile
		Rendered []renderedColumn
	}{Profile: p}
	for _, c := range p.Columns {
		r := renderedColumn{Column: c, MissingShare: percent(c.Missing, p.Rows)}
		var err error
		if c.Numbers != nil {
			r.Plot, err = histogram(c.Name, c.Numbers)
		} else if len(c.Top) > 0 {
			r.Plot, err = frequencies(c.Name, c.Top)
		}
		if err != nil {
			return nil, err
		}
		view.Rendered = append(view.Rendered, r)
	}
	return render("profile.html", "Data profile of "+p.Name, view)
}

type renderedColumn struct {
	Column
	MissingShare string
	Plot         template.HTML
}

func percent(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}
