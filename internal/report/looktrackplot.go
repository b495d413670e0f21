package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
)

// trackPlot is a metric over time: the verdicts above, the metric in the middle, and the rows below.
type trackPlot struct {
	*drawing
	*track
	key, name string
	low, high float64
}

const (
	trackWidth, trackHeight = 1080.0, 362.0
	trackLeft, trackRight   = 62.0, 104.0
	trackSigns, trackNames  = 14.0, 38.0   // of the verdicts, and of the versions
	trackTop, trackBottom   = 48.0, 280.0  // of the metric
	trackRows, trackFoot    = 294.0, 334.0 // of the rows
)

// drawTrack is empty where nothing is measured.
func drawTrack(t *track, key, name, says string) template.HTML {
	shown := t.shown(key)
	if len(shown) == 0 {
		return ""
	}
	p := trackPlot{drawing: newDescribedDrawing("plot wide", name+" over time, with the verdicts of the looks", says, trackWidth, trackHeight), track: t, key: key, name: name, low: math.Inf(1), high: math.Inf(-1)}
	// One interval of few rows must not press all others flat.
	const furthest = 0.15
	for _, m := range shown {
		p.low, p.high = min(p.low, max(m.Lower, m.Estimate-furthest)), max(p.high, min(m.Upper, m.Estimate+furthest))
	}
	room := max(0.06*(p.high-p.low), 0.005)
	p.low, p.high = max(0, p.low-room), min(1, p.high+room)
	p.axes()
	p.judged()
	p.estimates()
	p.measured()
	p.rows()
	p.champions()
	p.verdicts()
	p.hits()
	return p.done()
}

func (p trackPlot) x(day float64) float64 {
	return trackLeft + (trackWidth-trackLeft-trackRight)*(day-p.from)/max(p.to-p.from, 1)
}

func (p trackPlot) y(value float64) float64 {
	return trackTop + (trackBottom-trackTop)*(p.high-min(max(value, p.low), p.high))/(p.high-p.low)
}

func (p trackPlot) axes() {
	p.text("e ink h", trackLeft-8, trackTop-8, p.name)
	for _, value := range spaced(ticks(p.low, p.high), 6) {
		p.line("grid", trackLeft, p.y(value), trackWidth-trackRight, p.y(value))
		p.text("e", trackLeft-8, p.y(value)+4, decimals(value))
	}
	for _, day := range monthsBetween(p.from, p.to, 12) {
		p.line("grid", p.x(day), trackTop, p.x(day), trackFoot)
		p.text("s", p.x(day)+2, trackHeight-10, dataset.DayOf(day).Format("2006-01"))
	}
}

// monthsBetween are the first days of months: of every one, of every second one, or of fewer, so that they are at most so many.
func monthsBetween(from, to float64, most int) (days []float64) {
	first := dataset.DayOf(math.Floor(from))
	month := time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, time.UTC)
	for _, step := range []int{1, 2, 3, 6, 12, 24, 60, 120} {
		days = nil
		for at := month.AddDate(0, -(int(month.Month())-1)%step, 0); ; at = at.AddDate(0, step, 0) {
			day, _ := dayOf(at.Format(time.DateOnly))
			if day > to {
				break
			}
			if day >= from {
				days = append(days, day)
			}
		}
		if len(days) <= most {
			break
		}
	}
	return days
}

// judged are what each champion was judged to be, from its first rows on: with its interval for the present one.
func (p trackPlot) judged() {
	for i, r := range p.reigns {
		m, known := r.judged.Metrics[p.key]
		if !known {
			continue
		}
		from, to := r.from, r.to
		for _, v := range p.vintages {
			if v.version == r.version {
				from = min(from, v.from)
			}
		}
		if i+1 < len(p.reigns) {
			p.line("judged old", p.x(from), p.y(m.Estimate), p.x(to), p.y(m.Estimate))
			continue
		}
		p.rect("band", p.x(from), p.y(m.Upper), p.x(p.to)-p.x(from), p.y(m.Lower)-p.y(m.Upper), "")
		p.line("judged", p.x(from), p.y(m.Estimate), p.x(p.to), p.y(m.Estimate))
		p.text("s", trackWidth-trackRight+6, p.y(m.Estimate)-2, "when judged")
		p.text("s ink h", trackWidth-trackRight+6, p.y(m.Estimate)+11, decimals(m.Estimate))
	}
}

// estimates cover the days of the rows that they were made for.
func (p trackPlot) estimates() {
	const least = 6.0
	for _, o := range p.outlooks {
		m, known := o.estimated.Metrics[p.key]
		if !known {
			continue
		}
		from, to := p.x(o.from), p.x(o.until)
		if to-from < least {
			from = to - least
		}
		p.rect("outlook", from+0.5, p.y(m.Upper), to-from-1, p.y(m.Lower)-p.y(m.Upper), "")
		p.line("outlook-line", from+0.5, p.y(m.Estimate), to-0.5, p.y(m.Estimate))
	}
}

// measured are the vintages with their intervals. Of one month, the versions stand side by side; a line joins those of the earlier one.
func (p trackPlot) measured() {
	var joined strings.Builder
	for _, month := range p.months() {
		for i, v := range month {
			x := p.x((v.from+v.to)/2) + 7*(float64(i)-float64(len(month)-1)/2)
			m, measured := v.Metrics[p.key]
			if !measured {
				if v.version == p.counted(month).version {
					fmt.Fprintf(p, `<path class="few" d="M%s %sl6 6m0 -6l-6 6"/>`, at(x-3), at(trackBottom-9))
				}
				continue
			}
			if v.version == p.previous {
				command := "L"
				if joined.Len() == 0 {
					command = "M"
				}
				fmt.Fprintf(&joined, "%s%s %s", command, at(x), at(p.y(m.Estimate)))
			}
			p.interval(p.role(v.version), x, m)
		}
	}
	p.path("previous-line", joined.String())
}

// interval is a point with its interval. The champion's is a disc, others are squares.
func (p trackPlot) interval(class string, x float64, m evaluate.Metric) {
	y := p.y(m.Estimate)
	fmt.Fprintf(p, `<path class="ci %s" d="M%s %sV%s"/>`, class, at(x), at(p.y(m.Lower)), at(p.y(m.Upper)))
	if class == "calm" {
		fmt.Fprintf(p, `<circle class="dot %s" cx="%s" cy="%s" r="4"/>`, class, at(x), at(y))
		return
	}
	fmt.Fprintf(p, `<rect class="dot %s" x="%s" y="%s" width="6" height="6"/>`, class, at(x-3), at(y-3))
}

// rows are how many each month has, with a final label and without.
func (p trackPlot) rows() {
	most := 1
	for _, month := range p.months() {
		v := p.counted(month)
		most = max(most, v.Rows+v.Immature)
	}
	var matured, waiting strings.Builder
	for _, month := range p.months() {
		v := p.counted(month)
		left, width := p.x(v.from)+1, max(p.x(v.to)-p.x(v.from)-2, 1)
		high, all := (trackFoot-trackRows)*float64(v.Rows)/float64(most), (trackFoot-trackRows)*float64(v.Rows+v.Immature)/float64(most)
		box(&waiting, left, trackFoot-all, width, all-high)
		box(&matured, left, trackFoot-high, width, high)
	}
	p.path("waiting", waiting.String())
	p.path("matured", matured.String())
	p.text("e", trackLeft-8, trackRows+8, brief(float64(most)))
	p.text("e", trackLeft-8, trackFoot, "rows")
}

// champions are lines where one followed another, with the versions' names.
func (p trackPlot) champions() {
	free := 0.0 // from where on there is room for a name
	for i, r := range p.reigns {
		x := p.x(r.from)
		if i > 0 {
			title := fmt.Sprintf("version %d is champion instead of version %d", r.version, p.reigns[i-1].version)
			fmt.Fprintf(p, `<path class="change" d="M%s %sV%s"><title>%s</title></path>`, at(x), at(trackNames-8), at(trackFoot), title)
		}
		if x >= free {
			name := fmt.Sprintf("version %d", r.version)
			p.text("s ink", x+3, trackNames, name)
			free = x + 8*float64(len(name))
		}
	}
}

// verdicts are discs at the days of the looks, where something was done above the others.
func (p trackPlot) verdicts() {
	p.text("e ink", trackLeft-8, trackSigns+4, "verdict")
	radius := 9.0
	for i := 1; i < len(p.looks); i++ {
		radius = min(radius, max(0.5*(p.x(p.looks[i].day)-p.x(p.looks[i-1].day))-0.5, 3.5))
	}
	for _, calm := range []bool{true, false} {
		for _, look := range p.looks {
			if (viewOfVerdict(look.Verdict).class == "calm") == calm {
				p.verdict(p.x(look.day), trackSigns, radius, look.seen)
			}
		}
	}
}

// hits say what is known of a month, and of an estimate, wherever one points at it.
func (p trackPlot) hits() {
	for _, month := range p.months() {
		from := p.x(month[0].from)
		p.rect("hit", from, trackTop, p.x(month[0].to)-from, trackFoot-trackTop, p.monthWords(month))
	}
	for _, o := range p.outlooks {
		m, known := o.estimated.Metrics[p.key]
		if !known {
			continue
		}
		title := fmt.Sprintf("look of %s, version %d: %s estimated at %s (%s) for %s, without labels", o.asOf, o.version, p.name, decimals(m.Estimate), between(m, decimals), counted(o.estimated.Rows, "row", "rows"))
		fmt.Fprintf(p, `<path class="outlook-hit" d="M%s %sH%s"><title>%s</title></path>`, at(p.x(o.from)), at(p.y(m.Estimate)), at(max(p.x(o.until), p.x(o.from)+6)), html.EscapeString(title))
	}
}

// monthWords are all that is known of a month.
func (p trackPlot) monthWords(month []vintage) string {
	count := p.counted(month)
	text := fmt.Sprintf("%s: %s with a label, %s without", count.Name, thousands(count.Rows), thousands(count.Immature))
	if count.Note != "" {
		text += "; " + count.Note
	}
	for _, v := range month {
		m, measured := v.Metrics[p.key]
		if !measured {
			continue
		}
		text += fmt.Sprintf("; version %d: %s %s (%s)", v.version, p.name, decimals(m.Estimate), between(m, decimals))
	}
	return text
}
