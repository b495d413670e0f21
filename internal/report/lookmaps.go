package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/monitor"
)

// mapView is a map of PSIs: the features that moved, and those that never did.
type mapView struct {
	Moved, Still template.HTML
	StillCount   int
	Looks        int
	Changes      bool          // of the champion
	Places       template.HTML // which values of the segment's column drift
	Segment      string
}

// cell is one figure of a map; nil is not measured.
type cell struct {
	psi    *drift.Statistic
	beyond bool
	title  string
}

// mapRow is a feature.
type mapRow struct {
	name  string
	first bool // the score
	cells []cell
	note  string // since when, and where most
}

// most is the largest PSI of a row.
func (r mapRow) most() float64 {
	most := 0.0
	for _, c := range r.cells {
		if c.psi != nil {
			most = max(most, c.psi.Value)
		}
	}
	return most
}

// moved parts the rows by whether a PSI ever left the lowest band. The score is always among those that moved, and the first.
func moved(rows []mapRow) (up, still []mapRow) {
	for _, r := range sortedBy(rows, mapRow.most) {
		switch {
		case r.first:
			up = slices.Insert(up, 0, r)
		case r.most() >= drift.Moderate:
			up = append(up, r)
		default:
			still = append(still, r)
		}
	}
	return up, still
}

// nameRoom is for the names of features.
const nameRoom = 190.0

// historyMap has a row for each feature and a column for each look, with the verdicts above; nil where no look measured drift before.
func historyMap(looks past, now *monitor.Drift) *mapView {
	if len(looks) < 2 {
		return nil
	}
	rows := historyRows(looks, now)
	v := &mapView{Looks: len(looks), Changes: len(looks.changes()) > 0}
	if now != nil && now.Segment != "" {
		v.Segment, v.Places = now.Segment, placesMap(looks)
	}
	up, still := moved(rows)
	v.Moved = drawHistory(looks, up, true)
	if v.StillCount = len(still); len(still) > 0 {
		v.Still = drawHistory(looks, still, false)
	}
	return v
}

// historyRows are the features that any look measured, by name.
func historyRows(looks past, now *monitor.Drift) []mapRow {
	names := map[string]bool{}
	for _, look := range looks {
		for name := range look.results {
			names[name] = true
		}
	}
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	rows := make([]mapRow, 0, len(sorted))
	for _, name := range sorted {
		row := mapRow{name: featureName(name), first: name == monitor.Score.Name, cells: make([]cell, len(looks)), note: looks.sinceWords(ofFeature(name))}
		for i, psi := range looks.psi(name) {
			row.cells[i] = cell{psi: psi, beyond: looks[i].results[name].Beyond(), title: looks[i].AsOf}
		}
		if now != nil && row.note != "" {
			if most := segmentCells(*now, name); len(most) > 0 {
				row.note += "; most in " + clipped(most[0].Value, 16)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// noteRoom is for what is said of a row beside it.
const noteRoom = 310.0

func drawHistory(looks past, rows []mapRow, verdicts bool) template.HTML {
	const step, foot = 20.0, 20.0
	wide := min(64, math.Floor((1140-nameRoom-noteRoom)/float64(len(looks))))
	top := 0.0
	if verdicts {
		top = 34
	}
	d := newDrawing("psimap", fmt.Sprintf("PSI in %d rows over %d looks", len(rows), len(looks)), nameRoom+wide*float64(len(looks))+noteRoom, top+step*float64(len(rows))+foot)
	if verdicts {
		d.text("e ink", nameRoom-8, 17, "verdict")
		for i, look := range looks {
			d.verdict(nameRoom+wide*(float64(i)+0.5), 13, min(wide/2-0.5, 9), look)
		}
	}
	for i, row := range rows {
		d.psiRow(row, top+step*float64(i), wide, step)
		d.text("s", nameRoom+wide*float64(len(looks))+8, top+step*(float64(i)+0.5)+4, row.note)
	}
	for _, i := range looks.changes() {
		x := nameRoom + wide*float64(i) - 0.5
		d.line("change", x, 0, x, top+step*float64(len(rows)))
	}
	every := int(math.Ceil(66 / wide))
	for i := len(looks) - 1; i >= 0; i -= every {
		d.text("m", nameRoom+wide*(float64(i)+0.5), top+step*float64(len(rows))+14, looks[i].AsOf)
	}
	return d.done()
}

// verdict is a disc with the sign of a verdict.
func (d *drawing) verdict(x, y, radius float64, look seen) {
	of := viewOfVerdict(look.Verdict)
	title := fmt.Sprintf("%s: %s; version %d, %s, %s", look.AsOf, of.word, look.Champion, counted(int(look.Rows), "row", "rows"), counted(len(look.Findings), "finding", "findings"))
	fmt.Fprintf(d, `<circle class="v %s" cx="%s" cy="%s" r="%s"><title>%s</title></circle>`, of.class, at(x), at(y), at(radius), html.EscapeString(title))
	if radius >= 7 {
		d.text("m sign", x, y+4, of.sign)
	}
}

// psiRow draws a row of a map, with figures where there is room.
func (d *drawing) psiRow(row mapRow, y, wide, high float64) {
	figures := wide >= 42
	d.text("e ink", nameRoom-8, y+high/2+4, clipped(row.name, 28))
	for i, c := range row.cells {
		x := nameRoom + wide*float64(i)
		if c.psi == nil {
			d.rect("gone", x, y, wide-1, high-1, c.title+": not measured")
			continue
		}
		title := fmt.Sprintf("%s, %s: %s", row.name, c.title, decimals(c.psi.Value))
		d.area("b "+bandOf(c.psi.Value), x, y, wide-1, high-1, title)
		middle := x + (wide-1)/2
		switch {
		case figures:
			text := fmt.Sprintf("%.2f", c.psi.Value)
			class := "m f"
			if c.beyond {
				class = "m f h"
				text = "● " + text
			}
			d.text(class, middle, y+high/2+3.5, text)
		case c.beyond:
			fmt.Fprintf(d, `<circle class="mark" cx="%s" cy="%s" r="2"/>`, at(middle), at(y+(high-1)/2))
		}
	}
}

// area is a rectangle in fewer letters: a map has thousands of them.
func (d *drawing) area(class string, x, y, w, h float64, title string) {
	if class != "" {
		class = ` class="` + class + `"`
	}
	fmt.Fprintf(d, `<path%s d="M%s %sh%sv%sh-%[4]sz"><title>%[6]s</title></path>`, class, at(x), at(y), at(w), at(h), html.EscapeString(title))
}

// clipped leaves a text its beginning and its end, by which long names differ.
func clipped(text string, most int) string {
	const tail = 7
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1-tail]) + "…" + string(runes[len(runes)-tail:])
	}
	return text
}
