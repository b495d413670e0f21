package report

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/serving"
)

const (
	lanesWidth, laneHeight = 1080.0, 30.0
	lanesLeft, lanesRight  = 92.0, 110.0
	lanesTop, lanesFoot    = 8.0, 24.0
	shownLanes             = 14 // the newest
)

// lanes draws who served when: a row for each version that production knew, newest first. Empty where it knew none.
func lanes(r Remembered) template.HTML {
	if len(r.History) == 0 {
		return ""
	}
	champions, challengers := heldBy(r.History, championOf), heldBy(r.History, challengerOf)
	of := map[int]bool{}
	for _, h := range append(slices.Clone(champions), challengers...) {
		of[h.version] = true
	}
	versions := slices.SortedFunc(maps.Keys(of), func(a, b int) int { return cmp.Compare(b, a) })
	versions = versions[:min(len(versions), shownLanes)]
	rows := map[int]float64{}
	for i, version := range versions {
		rows[version] = lanesTop + laneHeight*float64(i)
	}
	from, to := r.History[0].At, r.History[len(r.History)-1].At
	if !to.After(from) {
		to = from.Add(time.Minute)
	}
	bottom := lanesTop + laneHeight*float64(len(versions))
	d := newDrawing("plot wide lanes", fmt.Sprintf("who served when, %s to %s", moment(from), moment(to)), lanesWidth, bottom+lanesFoot)
	end := lanesWidth - lanesRight
	x := func(at time.Time) float64 {
		return lanesLeft + (end-lanesLeft)*at.Sub(from).Seconds()/to.Sub(from).Seconds()
	}
	step, layout := timeStep(to.Sub(from))
	if layout != time.DateOnly {
		d.text("e", lanesLeft-8, bottom+15, from.UTC().Format(time.DateOnly))
	}
	for at := from.Truncate(step).Add(step); !at.After(to); at = at.Add(step) {
		d.line("grid", x(at), lanesTop, x(at), bottom)
		d.text("m", x(at), bottom+15, at.UTC().Format(layout))
	}
	for _, version := range versions {
		d.line("grid", lanesLeft, rows[version]+laneHeight, end, rows[version]+laneHeight)
		name := fmt.Sprintf("version %d", version) // on both sides: a narrow screen shows one
		d.text("e ink", lanesLeft-8, rows[version]+laneHeight/2+4, name)
		d.text("s ink", end+32, rows[version]+laneHeight/2+4, name)
	}
	for _, role := range []struct {
		times       []held
		class, name string
		inset       float64
	}{{challengers, "trial", serving.ChallengerAlias, 10}, {champions, "reign", serving.ChampionAlias, 5}} {
		for _, h := range role.times {
			top, shown := rows[h.version]
			if !shown {
				continue
			}
			left, right, until := x(h.from), end+18, "now"
			if !h.to.IsZero() {
				right, until = max(x(h.to), left+3), moment(h.to)
			}
			title := fmt.Sprintf("version %d, %s from %s until %s: %s by %s, %s", h.version, role.name, moment(h.from), until, h.began.Change, h.began.Actor, h.began.Reason)
			d.rect(role.class, left, top+role.inset, right-left, laneHeight-2*role.inset, title)
			if h.to.IsZero() {
				d.path(role.class, fmt.Sprintf("M%s %sl8 %sl-8 %sz", at(right), at(top+role.inset), at(laneHeight/2-role.inset), at(laneHeight/2-role.inset)))
			}
		}
	}
	return d.done()
}

// timeStep parts a length of time into at most a dozen, with how the borders are written.
func timeStep(length time.Duration) (step time.Duration, layout string) {
	const day = 24 * time.Hour
	for _, step := range []time.Duration{time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, day, 2 * day, 7 * day, 14 * day, 28 * day, 91 * day, 364 * day} {
		if length/step > 11 {
			continue
		}
		switch {
		case step < time.Minute:
			return step, time.TimeOnly
		case step < day:
			return step, "01-02 15:04"
		}
		return step, time.DateOnly
	}
	return 3640 * day, time.DateOnly
}
