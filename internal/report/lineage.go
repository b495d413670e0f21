package report

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/lineage"
)

// LineageHTML renders where a version comes from and where it went. The same document gives the same bytes.
func LineageHTML(d lineage.Document) ([]byte, error) {
	view := lineageView{Document: d, Settings: lineage.Settings(d.Hyperparameters), Chain: chain(d)}
	for _, name := range slices.Sorted(maps.Keys(d.Metrics)) {
		m := d.Metrics[name]
		view.Figures = append(view.Figures, []string{name, figure(m.Estimate), figure(m.Lower), figure(m.Upper)})
	}
	return render("lineage.html", fmt.Sprintf("Lineage of %s version %d", d.Model, d.Version), view)
}

type lineageView struct {
	lineage.Document
	Settings string
	Figures  [][]string
	Chain    []station
}

// station is one on the way.
type station struct{ Title, Main, Detail string }

func chain(d lineage.Document) []station {
	files, bytes := 0, int64(0)
	raw := station{"raw data", "not kept", d.Source}
	if d.Sources != nil {
		for _, r := range d.Sources.Relations {
			for _, f := range r.Files {
				files, bytes = files+1, bytes+f.Bytes
			}
		}
		raw = station{"raw data", many(files, "file"), fmt.Sprintf("%d bytes", bytes)}
		switch {
		case d.Sources.Simulate != nil:
			raw = station{"raw data", "simulated", d.Source}
		case files == 0:
			raw = station{"raw data", "a database", d.Source}
		}
	}
	boxes := []station{raw}
	if len(d.Views) > 0 {
		boxes = append(boxes, station{"joined", many(len(d.Views), "feature view"), d.ViewNames()})
	}
	boxes = append(boxes, station{"dataset", fmt.Sprintf("%d rows", d.Dataset.Rows), fmt.Sprintf("%.12s", d.Dataset.Manifest.SHA256)})
	var parts []string
	for _, p := range d.Parts {
		if p.Rows > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", p.Role, p.Rows))
		}
	}
	boxes = append(boxes, station{"split", fmt.Sprintf("schema version %d", d.Schema.Version), strings.Join(parts, ", ")},
		station{"trained", d.Algorithm, d.Code.String()}, station{"bundle", fmt.Sprintf("version %d", d.Version), fmt.Sprintf("%.12s", d.Digest)})
	served := station{"served", "never", "no serving record names it"}
	if n := len(d.Records); n > 0 {
		last := d.Records[n-1]
		served = station{"served", strings.Join(last.As, ", "), fmt.Sprintf("the last of %s: %s generation %d", many(n, "record"), last.Environment, last.Generation)}
	}
	return append(boxes, station{"delivered", many(len(d.Deliveries), "time"), ""}, served)
}

func moment(at time.Time) string {
	if at.IsZero() {
		return "–"
	}
	return at.UTC().Format("2006-01-02 15:04:05")
}

func took(d time.Duration) string { return d.Round(time.Millisecond).String() }

// place is the name of a file where it was read. An upload has no other name than its digest, which stands beside it.
func place(f lineage.File) string {
	if name := path.Base(f.URI); !strings.HasPrefix(name, f.SHA256) {
		return name
	}
	return "uploaded"
}

func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
