package report

import (
	"fmt"
	"html/template"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/lineage"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// Remembered is all that is kept of a model.
type Remembered struct {
	Model    string
	RankedBy string // the metric by which Versions are ranked, best first; empty: newest first
	Of       int    // how many versions there are; Versions may be the best of them
	Versions []RememberedVersion
	History  []serving.Record // of production, oldest first, verified
}

// RememberedVersion is one version.
type RememberedVersion struct {
	lineage.Document
	Aliases []string
	Asked   *registry.Look // that found the reason for its training; nil where none did
}

// RememberedHTML renders what is remembered of a model. The same memory gives the same bytes. No row is on the page.
func RememberedHTML(r Remembered) ([]byte, error) {
	v := rememberedView{Remembered: r, Tabs: rankTabs(r), Deeds: deeds(r.History), Lanes: lanes(r), Rows: testRows(r.Versions)}
	v.Banner = r.banner()
	v.Tiles = r.tiles(v.Tabs)
	if n := len(r.History); n > 0 {
		v.Head = r.History[n-1].Hash
	}
	for i := range r.Versions {
		v.Each = append(v.Each, r.versionView(i))
	}
	return render("remembered.html", "Versions of "+r.Model, v)
}

type rememberedView struct {
	Remembered
	Banner bannerView
	Tiles  []tile
	Tabs   []rankTab
	Rows   testedView
	Lanes  template.HTML
	Deeds  []deed // newest first
	Each   []versionView
	Head   string // hash of the newest record
}

// shownDeeds are listed; the others are unfolded.
const shownDeeds = 10

// Recent are the newest deeds.
func (v rememberedView) Recent() []deed { return v.Deeds[:min(len(v.Deeds), shownDeeds)] }

// Earlier are those before.
func (v rememberedView) Earlier() []deed { return v.Deeds[min(len(v.Deeds), shownDeeds):] }

// Order says which versions are on the page, and how they are ordered.
func (v rememberedView) Order() string {
	n, which := len(v.Versions), "newest first"
	if v.RankedBy != "" {
		which = "best first by " + metricTitle(v.RankedBy)
	}
	switch {
	case v.Of > n:
		return fmt.Sprintf("The best %d of %s by %s.", n, counted(v.Of, "version", "versions"), metricTitle(v.RankedBy))
	case n == 1:
		return "The only version."
	}
	return fmt.Sprintf("All %s versions, %s.", thousands(n), which)
}

func metricTitle(key string) string {
	if metric, known := evaluate.MetricOf(key); known {
		return metric.Title
	}
	return key
}

// since is the newest record, and the one by which its champion became that; both zero where there was none.
func (r Remembered) since() (now, since serving.Record) {
	if len(r.History) == 0 {
		return now, since
	}
	return serving.At(r.History, r.History[len(r.History)-1].At)
}

func (r Remembered) banner() bannerView {
	now, since := r.since()
	b := bannerView{Class: "ask", Sign: "?"}
	switch {
	case r.Of == 0:
		b.Word, b.Done = "no version yet", "Nothing was registered under this name."
	case now.Champion != nil:
		b = bannerView{Class: "calm", Sign: "✓", Word: fmt.Sprintf("version %d is champion", now.Champion.Version),
			Done: fmt.Sprintf("Since %s UTC, %s by %s: %s", moment(since.At), changeWord(since.Change), since.Actor, since.Reason)}
	case r.everChampion():
		b.Word, b.Done = "no champion now", "One was, and none is now."
	default:
		b.Word, b.Done = "no champion", "None of its versions was ever champion."
	}
	if c := now.Challenger; c != nil {
		b.Because = fmt.Sprintf("Version %d is its challenger now, with %d %% of the traffic.", c.Version, now.Weight)
		if now.Champion == nil {
			b.Because = fmt.Sprintf("Version %d is brought up, without traffic.", c.Version)
		}
	}
	return b
}

func (r Remembered) everChampion() bool {
	return slices.ContainsFunc(r.History, func(of serving.Record) bool { return of.Champion != nil })
}

func (r Remembered) tiles(tabs []rankTab) []tile {
	count := tile{"Versions", thousands(r.Of), "registered"}
	if n := len(r.Versions); n > 0 {
		newest := r.Versions[0].CreatedAt
		for _, v := range r.Versions {
			if v.CreatedAt.After(newest) {
				newest = v.CreatedAt
			}
		}
		count.Note = "the newest shown of " + newest.UTC().Format(time.DateOnly)
	}
	tiles := []tile{count}
	if len(tabs) > 0 {
		tiles = append(tiles, tabs[0].best())
		if champion, shown := tabs[0].champion(); shown {
			tiles = append(tiles, champion)
		}
	}
	reigns, back := heldBy(r.History, championOf), 0
	for i, of := range r.History {
		if of.Change == serving.RolledBack && !renews(r.History, i) {
			back++
		}
	}
	return append(tiles, tile{"Champions so far", thousands(len(reigns)), "each time one became it"}, tile{"Rollbacks", thousands(back), "in production"})
}
