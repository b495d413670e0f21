// Package report renders what the platform measured as pages for people: one self-contained HTML file each, with plots as
// inline SVG, that asks nothing from anywhere.
package report

import (
	"fmt"
	"html/template"

	"github.com/loanops/loanops/internal/profile"
)

// ProfileHTML renders a profile. The same profile gives the same bytes.
func ProfileHTML(p profile.Profile) ([]byte, error) {
	view := struct {
		profile.Profile
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
	profile.Column
	MissingShare string
	Plot         template.HTML
}

func percent(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}
