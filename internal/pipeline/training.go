package pipeline

import (
	"slices"
	"time"
)

// Training says which rows a training takes, what its model must be beside the champion, and whether a changed spec starts one.
type Training struct {
	// WindowDays is how many days before the run's day applications may be old: the window slides. Defaults to 0: it expands, and all rows count.
	WindowDays int `yaml:"window_days" json:"window_days,omitempty"`
	// AgainstChampion is what a model must be on the rows that both take. Defaults to not_worse.
	AgainstChampion Against `yaml:"against_champion" json:"against_champion"`
	// OnChange is what comes of registering a spec that trains otherwise than the one before it, see Retrains: retrain or nothing. Defaults to retrain.
	OnChange Reaction `yaml:"on_change" json:"on_change"`
}

// Against is how a model stands beside another one, by paired differences on the same rows.
type Against string

// What a spec can ask for.
const (
	NotWorse Against = "not_worse" // not worse beyond the noise
	IsBetter Against = "better"    // better beyond the noise
	AnyOf    Against = "any"       // whatever it is: it is measured and told
)

func (c *checker) training(s *Spec) {
	t := s.Training
	if t.WindowDays < 0 || t.WindowDays > 36500 {
		c.wrongAt("training.window_days", "training.window_days is %d; 0 to 36500 is wanted", t.WindowDays)
	}
	if t.WindowDays > 0 && s.Time == "" {
		c.wrongAt("training.window_days", "training.window_days needs a time column")
	}
	if t.WindowDays > 0 && t.WindowDays <= s.Label.MaturesAfterDays {
		c.wrongAt("training.window_days", "training.window_days is %d, but labels mature after %d days: no row would have one", t.WindowDays, s.Label.MaturesAfterDays)
	}
	if !slices.Contains([]Against{NotWorse, IsBetter, AnyOf}, t.AgainstChampion) {
		c.wrongAt("training.against_champion", "training.against_champion is %q; not_worse, better or any is wanted", clip(string(t.AgainstChampion)))
	}
	if t.OnChange != ReactRetrain && t.OnChange != ReactNothing {
		c.wrongAt("training.on_change", "training.on_change is %q; retrain or nothing is wanted", clip(string(t.OnChange)))
	}
}

// After is the last day, as 2006-01-02, whose rows are too old for a training of what was known on a day; empty where none is.
func (t Training) After(known string) string {
	day, err := time.Parse(DateLayout, known)
	if t.WindowDays == 0 || err != nil {
		return ""
	}
	return day.AddDate(0, 0, -t.WindowDays).Format(DateLayout)
}
