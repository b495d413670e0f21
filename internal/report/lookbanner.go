package report

import (
	"cmp"
	"fmt"
	"time"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/monitor"
)

// bannerView is what a look came to.
type bannerView struct {
	Class, Sign, Word, Done string
	Because                 string
	Reasons, More           []string
}

// verdictView is how a verdict is shown.
type verdictView struct{ class, sign, word string }

func viewOfVerdict(v monitor.Verdict) verdictView {
	switch v {
	case monitor.Nothing:
		return verdictView{"calm", "✓", "nothing to do"}
	case monitor.Alert:
		return verdictView{"warn", "!", "alert"}
	case monitor.Retrain:
		return verdictView{"act", "↻", "retrain"}
	case monitor.RolledBack:
		return verdictView{"bad", "↩", "rolled back"}
	case monitor.Review:
		return verdictView{"ask", "?", "review"}
	default:
		return verdictView{"ask", "·", string(v)}
	}
}

// became says what became of a verdict. Whether people were told is no matter of the look: that is for the alerts, of which the same is told once.
func became(v monitor.Verdict, done monitor.Done) string {
	switch done {
	case monitor.Started:
		return "A training is started; its gates decide whether the new version is delivered."
	case monitor.Kept:
		return "A training runs; another one follows it, and its gates decide whether the new version is delivered."
	case monitor.HeldBack:
		return "What was to be done is held back. What serves is not changed."
	case monitor.WentBack:
		return "An older version serves again."
	case monitor.Delivering:
		return "An older version is being delivered; it does not serve yet."
	case monitor.Overtaken:
		return "Somebody else changes what serves; this look does not."
	case monitor.Failed:
		return "What was to be done has failed."
	}
	switch v {
	case monitor.Nothing:
		return "What serves goes on serving."
	case monitor.Alert:
		return "What serves is not changed."
	case monitor.Review:
		return "Nothing is done before a person has looked."
	case monitor.Retrain, monitor.RolledBack: // these are always done, see monitor.Done
	}
	return ""
}

// shownReasons of a look are listed; the others are unfolded.
const shownReasons = 4

func bannerOf(l Look) bannerView {
	of := viewOfVerdict(l.Verdict)
	b := bannerView{Class: of.class, Sign: of.sign, Word: of.word, Done: became(l.Verdict, l.Done)}
	if len(l.Reasons) > 0 {
		b.Because = l.Reasons[0]
		rest := l.Reasons[1:]
		shown := min(len(rest), shownReasons)
		b.Reasons, b.More = rest[:shown], rest[shown:]
	}
	return b
}

func lookTiles(l Look) []tile {
	rows := tile{"Fresh rows", thousands(int(l.Rows)), "enough to look for drift"}
	if !l.Enough {
		rows.Note = "not enough to look for drift"
	}
	tiles := []tile{windowTile(l), rows, {"Matured", thousands(int(l.Matured)), "rows with a final label"}}
	champion := tile{"Champion", "–", "there is none"}
	if l.Champion > 0 {
		champion = tile{"Champion", fmt.Sprintf("version %d", l.Champion), ""}
		if l.Performance != nil && l.Performance.Nth > 0 {
			champion.Note = fmt.Sprintf("look %d at it", l.Performance.Nth)
		}
	}
	tiles = append(tiles, champion)
	if l.Drift != nil {
		tiles = append(tiles, driftTile(l.Drift.Overall, l.Findings))
	}
	if l.Performance != nil {
		tiles = append(tiles, aucTile(*l.Performance))
	}
	return tiles
}

// windowTile says of which days the rows are: until the last one that they have, for those of the look's own day may be for the next look.
func windowTile(l Look) tile {
	last := cmp.Or(l.Until, l.AsOf) // looks of earlier releases know no other
	switch {
	case l.Data != "":
		return tile{"Window", "–", "rows of their own"}
	case l.Rows == 0:
		return tile{"Window", "–", "no fresh rows"}
	case l.After == "":
		return tile{"Window", "–", "until " + last}
	}
	return tile{"Window", windowLength(l.After, last), "after " + l.After + ", until " + last}
}

// windowLength is the days from after one until another.
func windowLength(after, last string) string {
	from, err := time.Parse(time.DateOnly, after)
	until, wrong := time.Parse(time.DateOnly, last)
	if err != nil || wrong != nil {
		return "–"
	}
	return counted(int(until.Sub(from).Hours()/24), "day", "days")
}

// driftTile counts the features that are found to drift among all rows: being beyond its limit a feature may be so by chance, of so many features and looks.
func driftTile(overall []drift.Result, findings []monitor.Finding) tile {
	features, measured := 0, 0
	for _, r := range overall {
		if r.Name == monitor.Score.Name {
			continue
		}
		features++
		if len(r.Statistics) > 0 {
			measured++
		}
	}
	found := map[string]bool{}
	for _, f := range findings {
		if f.Kind == monitor.OfData && f.Feature != "" && f.Segment == "" {
			found[f.Feature] = true
		}
	}
	if measured == 0 {
		return tile{"Features that drift", "–", "not enough data"}
	}
	return tile{"Features that drift", thousands(len(found)), fmt.Sprintf("of %d, beyond chance and limit", features)}
}

func aucTile(p monitor.Performance) tile {
	if auc, measured := p.Realised.Overall.Metrics["auc"]; measured {
		return tile{"AUC on outcomes", fmt.Sprintf("%.3f", auc.Estimate), between(auc, decimals)}
	}
	if auc, measured := p.Estimated.Metrics["auc"]; measured {
		return tile{"AUC, estimated", fmt.Sprintf("%.3f", auc.Estimate), between(auc, decimals)}
	}
	return tile{"AUC", "–", "not enough data"}
}
