package report

import (
	"fmt"
	"html/template"
	"math"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/monitor"
)

// driftView is the section of the drift.
type driftView struct {
	Before, Now string // rows
	Together    string // what a classifier of all features tells
	Score       *featureView
	Features    []featureView // the strongest effect on the score first, then by PSI
	places      map[string]int
}

// featureView is a row of the table of drift and what unfolds below it.
type featureView struct {
	At                            int
	First                         bool // of the table: the score
	Name, Kind, Class             string
	Since, Short, Unit, Unseen    string
	PSI, Lower, Band, P           string
	KS, JS, Wasserstein, Distance string
	Missing, Effect, EffectClass  string
	Sort                          map[string]string
	Small, Large, Spark, Course   template.HTML
	Statistics                    []statisticView
	Segments                      []segmentCell
}

type statisticView struct {
	Name, Value, Lower, Limit, P string
	Beyond                       bool
}

type segmentCell struct{ Value, PSI, Band string }

// togetherWords say how well all features together tell the two sides apart.
func togetherWords(s drift.Separation) string {
	if s.Short != nil {
		return s.Short.String()
	}
	text := fmt.Sprintf("a classifier of all features tells fresh rows from the reference with an AUC of %.3f on rows that it has not seen (lower bound %.3f; up to %.3f does not matter; p %s)", s.AUC, s.Lower, s.Limit, probability(s.P))
	if !s.Beyond || len(s.Features) == 0 {
		return text
	}
	return text + ", mostly by " + featureName(s.Features[0].Feature)
}

func driftViewOf(d monitor.Drift, looks past) *driftView {
	v := &driftView{Before: thousands(int(d.Reference)), Now: thousands(int(d.Fresh)), places: map[string]int{}}
	v.Together = togetherWords(d.Together)
	effects := map[string]float64{}
	for _, e := range d.Effects {
		effects[e.Feature] = e.Change
	}
	units := map[string]float64{}
	for _, u := range d.Units {
		units[u.Feature] = u.Factor
	}
	unseen := map[string]monitor.Unseen{}
	for _, u := range d.Unseen {
		unseen[u.Feature] = u
	}
	distributions := map[string]monitor.Distribution{}
	for _, shares := range d.Distributions {
		distributions[shares.Feature] = shares
	}
	for i, r := range d.Overall {
		v.places[r.Name] = i
		f := featureViewOf(r, looks, distributions[r.Name])
		f.At, f.Segments = i, segmentCells(d, r.Name)
		if len(r.Statistics) > 0 {
			f.effect(effects, r.Name)
		}
		if factor, found := units[r.Name]; found {
			f.Unit = fmt.Sprintf("The values look as if they were told in another unit: they are %s times those of the reference.", number(factor))
		}
		f.unseen(unseen[r.Name])
		if r.Name == monitor.Score.Name {
			f.Name, f.First = scoreName, true
			if len(r.Statistics) > 0 {
				f.total(d.Effects)
			}
			v.Score = &f
			continue
		}
		v.Features = append(v.Features, f)
	}
	psi := func(f featureView) float64 { return valueOfStatistic(d.Overall[f.At], drift.PSI) }
	v.Features = sortedBy(sortedBy(v.Features, psi), func(f featureView) float64 { return math.Abs(effects[f.Name]) })
	return v
}

// valueOfStatistic is -1 where the rows were not enough.
func valueOfStatistic(r drift.Result, name drift.Name) float64 {
	if s, measured := r.Statistic(name); measured {
		return s.Value
	}
	return -1
}

func featureViewOf(r drift.Result, looks past, shares monitor.Distribution) featureView {
	v := featureView{
		Name: r.Name, Kind: "number", PSI: "–", P: "–", KS: "–", JS: "–", Wasserstein: "–", Effect: "–", Band: "none",
		Missing: missingOf(r), Small: smallShares(r, shares), Large: largeShares(r, shares), Sort: map[string]string{},
	}
	if r.Category {
		v.Kind = "category"
	}
	if r.Short != nil {
		v.Short = r.Short.String()
	}
	for _, s := range r.Statistics {
		v.statistic(s)
	}
	if len(r.Statistics) > 0 {
		v.P = probability(r.P)
	}
	if r.Distance > 0 {
		v.Distance = short(r.Distance)
	}
	if r.Beyond() {
		v.Class = "beyond"
		v.Since = looks.sinceWords(ofFeature(r.Name))
	}
	for _, name := range []drift.Name{drift.PSI, drift.KS, drift.JensenShannon, drift.Wasserstein} {
		v.Sort[string(name)] = sortable(valueOfStatistic(r, name))
	}
	v.Sort["effect"] = "0"
	v.Sort["p"] = sortable(r.P)
	v.Sort["missing"] = sortable(math.Abs(r.Window.MissingShare() - r.Reference.MissingShare()))
	history := looks.psi(r.Name)
	v.Spark, v.Course = sparkOfPSI(history), courseOfPSI(r.Name, history, looks)
	return v
}

func sortable(x float64) string { return fmt.Sprintf("%.6g", x) }

// statistic fills the place of one.
func (v *featureView) statistic(s drift.Statistic) {
	text := decimals(s.Value)
	shown := statisticView{Name: statisticName(monitor.Statistic(s.Name)), Value: text, Lower: decimals(s.Lower), Limit: "–", P: probability(s.P), Beyond: s.Beyond}
	if s.Limit > 0 {
		shown.Limit = decimals(s.Limit)
	}
	switch s.Name {
	case drift.PSI:
		v.PSI, v.Lower, v.Band = text, shown.Lower, bandOf(s.Value)
	case drift.KS:
		v.KS = text
	case drift.JensenShannon:
		v.JS = text
	case drift.Wasserstein:
		v.Wasserstein = text
	case drift.ChiSquared:
		shown.Lower = "–"
	case drift.Missingness:
		shown.Name = "missing, difference"
	}
	v.Statistics = append(v.Statistics, shown)
}

// unseen are the values that no row of the reference has; where there are none there is nothing to say.
func (v *featureView) unseen(u monitor.Unseen) {
	if u.Short != nil || u.Unseen.Unseen == 0 {
		return
	}
	share := func(x float64) string { return fmt.Sprintf("%.2g %%", 100*x) }
	v.Statistics = append(v.Statistics, statisticView{Name: "rows of unseen values", Value: share(u.Share), Lower: share(u.Lower), Limit: share(u.Limit), P: probability(u.P), Beyond: u.Beyond})
	v.Unseen = fmt.Sprintf("%s that no row of the reference has, in %s of %s fresh rows; chance brings %s.",
		counted(int(u.Values), "value", "values"), thousands(int(u.Unseen.Unseen)), thousands(int(u.Window)), share(u.Expected))
	if u.Beyond {
		v.Class = "beyond"
	}
}

// effect is what the drift does to the score; features that the champion does not read have none.
func (v *featureView) effect(effects map[string]float64, name string) {
	logOdds, reads := effects[name]
	if !reads {
		return
	}
	v.moves(logOdds)
}

// total is what the drift of all features does to the score together.
func (v *featureView) total(effects []drift.Effect) {
	sum := 0.0
	for _, e := range effects {
		sum += e.Change
	}
	if len(effects) > 0 {
		v.moves(sum)
	}
}

func (v *featureView) moves(logOdds float64) {
	v.Effect, v.Sort["effect"] = signed(logOdds), sortable(math.Abs(logOdds))
	switch {
	case logOdds >= 0.0005:
		v.EffectClass = "up"
	case logOdds <= -0.0005:
		v.EffectClass = "down"
	}
}

func missingOf(r drift.Result) string {
	before, now := r.Reference.MissingShare(), r.Window.MissingShare()
	if before == 0 && now == 0 {
		return "none"
	}
	return fmt.Sprintf("%.1f → %.1f %%", 100*before, 100*now)
}

// bandOf is the band of a PSI that people know, and below half of the first one nothing to see.
func bandOf(psi float64) string {
	switch {
	case psi >= drift.Major:
		return "major"
	case psi >= drift.Moderate:
		return "moderate"
	case psi >= drift.Moderate/2:
		return "slight"
	default:
		return "still"
	}
}

// segmentCells are the values among whose rows a feature's PSI is largest.
func segmentCells(d monitor.Drift, feature string) []segmentCell {
	const most = 5
	type found struct {
		value string
		psi   float64
	}
	var all []found
	for _, s := range d.Segments {
		r := byName(s.Results)[feature]
		if psi, measured := r.Statistic(drift.PSI); measured && nameable(r) {
			all = append(all, found{s.Value, psi.Value})
		}
	}
	all = sortedBy(all, func(f found) float64 { return f.psi })
	cells := make([]segmentCell, 0, most)
	for _, f := range all[:min(len(all), most)] {
		cells = append(cells, segmentCell{groupName(f.value, 0), decimals(f.psi), bandOf(f.psi)})
	}
	return cells
}
