package report

import (
	"fmt"

	"github.com/loanops/loanops/internal/monitor"
)

// skewView is a row of the table of views that decisions read.
type skewView struct {
	Name, Until, Age, Promised, Entities, Changed, Differ string
	Late                                                  bool     // older than promised
	Wrong                                                 []string // what has other values
}

func skewViews(s monitor.Skew) []skewView {
	views := make([]skewView, len(s.Views))
	for i, v := range s.Views {
		view := skewView{Name: v.View, Until: "never written", Entities: fmt.Sprint(v.Entities), Changed: fmt.Sprint(v.Changed), Differ: "none"}
		if v.Promised > 0 {
			view.Promised = Age(v.Promised)
		}
		if v.Until == nil {
			view.Wrong = []string{"all: decisions take defaults"}
			views[i] = view
			continue
		}
		view.Until, view.Age, view.Late = v.Until.UTC().Format("2006-01-02 15:04 MST"), Age(v.Age), v.Promised > 0 && v.Age > v.Promised
		if v.Writing {
			view.Differ = "not compared: it was being written"
		}
		for _, f := range v.Features {
			if f.Differ > 0 {
				view.Wrong = append(view.Wrong, fmt.Sprintf("%s (%d)", f.Name, f.Differ))
			}
		}
		views[i] = view
	}
	return views
}
