package report

import (
	"fmt"

	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/registry"
)

// Look is a look at production with all that was measured, and the looks before it.
type Look struct {
	registry.Look
	Drift       *monitor.Drift       `json:"drift,omitempty"`       // nil: not measured
	Performance *monitor.Performance `json:"performance,omitempty"` // nil: not measured
	Skew        *monitor.Skew        `json:"skew,omitempty"`        // nil: not compared
	Earlier     []EarlierLook        `json:"-"`                     // oldest first
}

// EarlierLook is a look before.
type EarlierLook struct {
	registry.Look
	Drift       *monitor.Drift       // nil: not measured, or not kept
	Performance *monitor.Performance // likewise
}

// LookHTML renders a look. The same look gives the same bytes. No row is in it, nor the name of a group of fewer than dataset.LeastNamed rows.
func LookHTML(l Look) ([]byte, error) {
	looks := pastAndPresent(l)
	v := lookView{Look: l, Banner: bannerOf(l), Tiles: lookTiles(l)}
	if l.Drift != nil {
		v.Drift = driftViewOf(*l.Drift, looks)
		v.Segments = segmentMap(*l.Drift, looks)
	}
	if l.Skew != nil {
		v.Features = skewViews(*l.Skew)
	}
	v.History = historyMap(looks, l.Drift)
	v.Track = trackViewOf(trackOf(looks))
	if l.Performance != nil {
		v.Performance = performanceViewOf(*l.Performance, looks)
		v.Approvals = approvalsViewOf(l.Performance.Approvals)
		v.Impact = impactViews(l.Performance.Impact)
	}
	v.Found = v.findings(l.Findings)
	return render("look.html", fmt.Sprintf("%s as of %s: %s", l.Pipeline, l.AsOf, v.Banner.Word), v)
}

// lookView is a look with its plots and texts. What was not measured is nil.
type lookView struct {
	Look
	Banner      bannerView
	Tiles       []tile
	Found       []findingView
	Drift       *driftView
	Features    []skewView
	History     *mapView
	Segments    *segmentsView
	Track       *trackView
	Performance *lookPerformanceView
	Approvals   *approvalsView
	Impact      []impactView
}

// Recorded is when the look was made.
func (v lookView) Recorded() string {
	if v.At.IsZero() {
		return ""
	}
	return v.At.UTC().Format("2006-01-02 15:04 MST")
}
