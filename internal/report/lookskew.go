package report

import (
	"fmt"
	"strings"

	"github.com/loanops/loanops/internal/monitor"
)

// skewView is a row of the table of views that decisions read.
type skewView struct {
	Name, Until, Age, Promised, Entities, Changed, Differ string
	Late, Wrong                                           bool // older than promised; other values
}

func skewViews(s monitor.Skew) []skewView {
	views := make([]skewView, len(s.Views))
	for i, v := range s.Views {
		view := skewView{Name: v.View, Until: "never written", Entities: fmt.Sprint(v.Entities), Changed: fmt.Sprint(v.Changed), Differ: "none"}
		if v.Promised > 0 {
			view.Promised = Age(v.Promised)
		}
		if v.Until == nil {
			view.Wrong, view.Differ = true, "all: decisions take defaults"
			views[i] = view
			continue
		}
		view.Until, view.Age, view.Late = v.Until.UTC().Format("2006-01-02 15:04 MST"), Age(v.Age), v.Promised > 0 && v.Age > v.Promised
		if v.Writing {
			view.Differ = "not compared: it was being written"
		}
		var differ []string
		for _, f := range v.Features {
			if f.Differ > 0 {
				differ = append(differ, fmt.Sprintf("%s (%d)", f.Name, f.Differ))
			}
		}
		if view.Wrong = len(differ) > 0; view.Wrong {
			view.Differ = strings.Join(differ, ", ")
		}
		views[i] = view
	}
	return views
}
