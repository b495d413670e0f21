package report

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/performance"
)

// track is how the champions have done, as far as the looks know. Days are since 1970-01-01.
type track struct {
	from, to float64
	champion int       // of the last look
	previous int       // the newest version before it that it is held against; 0 is none
	looks    []dated   // oldest first
	reigns   []reign   // oldest first
	vintages []vintage // by month, those of one month by version
	outlooks []outlook // oldest first
}

// dated is a look with its day.
type dated struct {
	day float64
	seen
}

// reign is the looks at one champion, with none at another between them.
type reign struct {
	version  int
	from, to float64 // half way to the looks at the champions before and after
	judged   performance.Group
}

// vintage is a month of a version's applicants, as the newest look knows it.
type vintage struct {
	version  int
	from, to float64
	performance.Group
}

// outlook is what a look estimated of rows whose labels it did not know.
type outlook struct {
	version     int
	from, until float64
	asOf        string
	estimated   performance.Estimated
}

// trackOf is nil where no look measured performance. Looks at rows of their own say nothing about what came one after the other: such a look stands
// alone.
func trackOf(looks past) *track {
	last := len(looks) - 1
	if looks[last].Data != "" {
		looks = looks[last:]
	}
	t := &track{from: math.Inf(1), to: math.Inf(-1), champion: looks[len(looks)-1].Champion}
	months := map[monthOf]vintage{}
	for _, look := range looks {
		day, known := dayOf(look.AsOf)
		if look.Data != "" && len(looks) > 1 || !known {
			continue
		}
		t.look(dated{day, look})
		t.include(day, day)
		if look.performance == nil {
			continue
		}
		t.outlook(day, look)
		t.keep(months, look.Champion, look.performance.Realised.Vintages)
		if before := look.performance.Previous; before != nil {
			t.keep(months, before.Version, before.Vintages)
			if look.Champion == t.champion {
				t.previous = before.Version
			}
		}
	}
	if len(months)+len(t.outlooks) == 0 {
		return nil
	}
	t.vintages = slices.SortedFunc(maps.Values(months), func(a, b vintage) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.version, b.version)) })
	for i := 1; i < len(t.reigns); i++ {
		middle := (t.reigns[i-1].to + t.reigns[i].from) / 2
		t.reigns[i-1].to, t.reigns[i].from = middle, middle
	}
	return t
}

func dayOf(date string) (day float64, known bool) {
	parsed, err := time.Parse(time.DateOnly, date)
	return float64(parsed.Unix()) / (24 * 60 * 60), err == nil
}

func (t *track) include(from, to float64) { t.from, t.to = min(t.from, from), max(t.to, to) }

// look adds a look to the reign of its champion.
func (t *track) look(l dated) {
	t.looks = append(t.looks, l)
	if l.Champion == 0 {
		return
	}
	if n := len(t.reigns); n == 0 || t.reigns[n-1].version != l.Champion {
		t.reigns = append(t.reigns, reign{version: l.Champion, from: l.day})
	}
	current := &t.reigns[len(t.reigns)-1]
	current.to = l.day
	if l.performance != nil {
		current.judged = l.performance.Judged
	}
}

func (t *track) outlook(day float64, l seen) {
	if len(l.performance.Estimated.Metrics) == 0 {
		return
	}
	from, known := dayOf(l.After)
	if !known {
		from = day
	}
	t.include(from, day)
	t.outlooks = append(t.outlooks, outlook{version: l.Champion, from: from, until: day, asOf: l.AsOf, estimated: l.performance.Estimated})
}

// monthOf names a vintage of a version.
type monthOf struct {
	version int
	name    string
}

// keep takes what a look knows of a version's vintages in place of what the looks before did: since then further labels have matured. What is not
// measured takes the place of nothing that is, and rows without a day have none.
func (t *track) keep(months map[monthOf]vintage, version int, groups []performance.Group) {
	for _, g := range groups {
		first, err := time.Parse("2006-01", g.Name)
		key := monthOf{version, g.Name}
		if err != nil || g.Metrics == nil && months[key].Metrics != nil {
			continue
		}
		from, _ := dayOf(first.Format(time.DateOnly))
		to, _ := dayOf(first.AddDate(0, 1, 0).Format(time.DateOnly))
		months[key] = vintage{version: version, from: from, to: to, Group: g}
		t.include(from, to)
	}
}

// shown are all the intervals of a metric.
func (t *track) shown(key string) (all []evaluate.Metric) {
	add := func(of map[string]evaluate.Metric) {
		if m, measured := of[key]; measured {
			all = append(all, m)
		}
	}
	for _, v := range t.vintages {
		add(v.Metrics)
	}
	for _, o := range t.outlooks {
		add(o.estimated.Metrics)
	}
	for _, r := range t.reigns {
		add(r.judged.Metrics)
	}
	return all
}

// months are the vintages of each month together.
func (t *track) months() (all [][]vintage) {
	for i, v := range t.vintages {
		if i == 0 || v.from != t.vintages[i-1].from {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], v)
	}
	return all
}

// counted is the vintage of a month that tells how many rows there are: the champion's, else the newest version's.
func (t *track) counted(month []vintage) vintage {
	for _, v := range month {
		if v.version == t.champion {
			return v
		}
	}
	return month[len(month)-1]
}

// role is the class of a version in plots.
func (t *track) role(version int) string {
	switch version {
	case t.champion:
		return "calm"
	case t.previous:
		return "seen"
	default:
		return "older"
	}
}
