package report

import (
	"fmt"
	"html/template"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/monitor"
)

// segmentsView is a map of the features by the values of a segment.
type segmentsView struct {
	Column, Hidden string
	Moved, Still   template.HTML
	StillCount     int
	Short          []string
	Beyond         []beyondView // the largest PSI first
	More           int          // that are not shown
}

// beyondView is a feature that drifts among the rows of a value.
type beyondView struct {
	Value, Feature, PSI, Lower, Band, Since, Looks string
	At                                             int
	psi                                            float64
}

// shownBeyond of them are shown.
const shownBeyond = 12

// nameable says that a value has rows enough to be named.
func nameable(r drift.Result) bool {
	return r.Reference.Rows >= dataset.LeastNamed && r.Window.Rows >= dataset.LeastNamed
}

// segmentMap is nil where no segment is looked at.
func segmentMap(d monitor.Drift, looks past) *segmentsView {
	if d.Segment == "" {
		return nil
	}
	v := &segmentsView{Column: d.Segment}
	columns := []monitor.SegmentDrift{{Value: "all rows", Results: d.Overall}}
	hidden := 0
	for _, s := range d.Segments {
		switch {
		case len(s.Results) == 0 || !nameable(s.Results[0]):
			hidden++
		case len(s.Results[0].Statistics) == 0:
			v.Short = append(v.Short, fmt.Sprintf("%s: %s", groupName(s.Value, 0), s.Results[0].Short))
		default:
			columns = append(columns, s)
		}
	}
	v.Hidden = notNamed(hidden, "value", "values")
	rows := make([]mapRow, len(d.Overall))
	for i, of := range d.Overall {
		rows[i].name, rows[i].first = featureName(of.Name), of.Name == monitor.Score.Name
		for _, column := range columns {
			rows[i].cells = append(rows[i].cells, segmentCellOf(column, i))
		}
	}
	if len(columns) == 1 {
		return v
	}
	v.beyond(columns[1:], looks)
	up, still := moved(rows)
	v.Moved = drawSegments(columns, up)
	if v.StillCount = len(still); len(still) > 0 {
		v.Still = drawSegments(columns, still)
	}
	return v
}

// beyond lists what drifts where, and since when.
func (v *segmentsView) beyond(columns []monitor.SegmentDrift, looks past) {
	for _, column := range columns {
		for i, r := range column.Results {
			psi, measured := r.Statistic(drift.PSI)
			if !measured || !r.Beyond() {
				continue
			}
			asOf, n := looks.since(func(s seen) (bool, bool) { return standing(s.segments[column.Value][r.Name]) })
			v.Beyond = append(v.Beyond, beyondView{
				Value: groupName(column.Value, 0), Feature: featureName(r.Name), PSI: decimals(psi.Value), Lower: decimals(psi.Lower), Band: bandOf(psi.Value),
				Since: asOf, Looks: thousands(n), At: i, psi: psi.Value,
			})
		}
	}
	v.Beyond = sortedBy(v.Beyond, func(b beyondView) float64 { return b.psi })
	v.More = max(0, len(v.Beyond)-shownBeyond)
	v.Beyond = v.Beyond[:len(v.Beyond)-v.More]
}

func segmentCellOf(column monitor.SegmentDrift, feature int) cell {
	r := column.Results[feature]
	c := cell{beyond: r.Beyond(), title: groupName(column.Value, 0)}
	if psi, measured := r.Statistic(drift.PSI); measured {
		c.psi = &psi
	}
	return c
}

func drawSegments(columns []monitor.SegmentDrift, rows []mapRow) template.HTML {
	const step, top = 20.0, 92.0
	wide := min(64, 860/float64(len(columns)))
	d := newDrawing("psimap", fmt.Sprintf("PSI of %d features in %d groups of rows", len(rows), len(columns)), nameRoom+wide*float64(len(columns))+70, top+step*float64(len(rows)))
	for k, column := range columns {
		x := nameRoom + wide*(float64(k)+0.5)
		fmt.Fprintf(d, `<g transform="translate(%s %s) rotate(-35)">`, at(x), at(top-20))
		d.text("s ink", 0, 0, clipped(groupName(column.Value, 0), 20))
		d.WriteString("</g>")
		d.text("m", x, top-5, brief(float64(column.Results[0].Window.Rows)))
	}
	d.text("e", nameRoom-8, top-5, "fresh rows")
	for i, row := range rows {
		d.psiRow(row, top+step*float64(i), wide, step)
	}
	return d.done()
}
