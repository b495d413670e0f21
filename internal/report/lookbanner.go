package report

import (
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
type verdictView struct{ class, sign, word, done string }

func viewOfVerdict(v monitor.Verdict) verdictView {
	switch v {
	case monitor.Nothing:
		return verdictView{"calm", "✓", "nothing to do", "What serves goes on serving."}
	case monitor.Alert:
		return verdictView{"warn", "!", "alert", "People are told. What serves is not changed."}
	case monitor.Retrain:
		return verdictView{"act", "↻", "retrain", "A training is started; its gates decide whether the new version is delivered."}
	case monitor.RolledBack:
		return verdictView{"bad", "↩", "rolled back", "An older version serves again, or is on its way to."}
	case monitor.Review:
		return verdictView{"ask", "?", "review", "Nothing is done before a person has looked."}
	default:
		return verdictView{"ask", "·", string(v), ""}
	}
}

// shownReasons of a look are listed; the others are unfolded.
const shownReasons = 4

func bannerOf(l Look) bannerView {
	of := viewOfVerdict(l.Verdict)
	b := bannerView{Class: of.class, Sign: of.sign, Word: of.word, Done: of.done}
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
	tiles := []tile{{"Window", windowLength(l.After, l.AsOf), windowEnds(l.After, l.AsOf)}, rows, {"Matured", thousands(int(l.Matured)), "rows with a final label"}}
	champion := tile{"Champion", "–", "there is none"}
	if l.Champion > 0 {
		champion = tile{"Champion", fmt.Sprintf("version %d", l.Champion), ""}
		if l.Performance != nil && l.Performance.Nth > 0 {
			champion.Note = fmt.Sprintf("look %d at it", l.Performance.Nth)
		}
	}
	tiles = append(tiles, champion)
	if l.Drift != nil {
		tiles = append(tiles, driftTile(l.Drift.Overall))
	}
	if l.Performance != nil {
		tiles = append(tiles, aucTile(*l.Performance))
	}
	return tiles
}

// windowLength is the days from after one until another.
func windowLength(after, asOf string) string {
	from, err := time.Parse(time.DateOnly, after)
	until, wrong := time.Parse(time.DateOnly, asOf)
	if err != nil || wrong != nil {
		return "–"
	}
	return counted(int(until.Sub(from).Hours()/24), "day", "days")
}

func windowEnds(after, asOf string) string {
	switch {
	case asOf == "":
		return "rows of their own"
	case after == "":
		return "until " + asOf
	}
	return "after " + after + ", until " + asOf
}

func driftTile(overall []drift.Result) tile {
	features, measured, beyond := 0, 0, 0
	for _, r := range overall {
		if r.Name == monitor.Score.Name {
			continue
		}
		features++
		if len(r.Statistics) > 0 {
			measured++
		}
		if r.Beyond() {
			beyond++
		}
	}
	if measured == 0 {
		return tile{"Features that drift", "–", "not enough data"}
	}
	return tile{"Features that drift", thousands(beyond), fmt.Sprintf("of %d, beyond chance and limit", features)}
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
