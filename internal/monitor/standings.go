package monitor

import (
	"fmt"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/statistics"
)

// standings hold the older versions against the champion, each on labels where enough have matured, else on an estimate for the fresh rows.
func standings(of Observed) ([]performance.Standing, error) {
	on, left := contest(of, of.Outcomes)
	found, err := performance.Compare(on, performance.Limits{})
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(found, func(s performance.Standing) bool { return s.Basis != performance.OnLabels }) {
		of.Fresh.Labels = nil
		on, _ = contest(of, of.Fresh)
		estimated, err := performance.Compare(on, performance.Limits{})
		if err != nil {
			return nil, err
		}
		for i := range found {
			if found[i].Basis != performance.OnLabels {
				found[i] = estimated[i]
			}
		}
	}
	servable(of, found)
	return append(found, left...), nil
}

// recentStandings hold the older versions against the champion on the vintages since which it decayed.
func recentStandings(of Observed, since performance.Recent) ([]performance.Standing, error) {
	on := of.Outcomes
	on.Labels = slices.Clone(on.Labels)
	for row, day := range on.Days {
		if !since.Holds(day) {
			on.Labels[row] = math.NaN()
		}
	}
	v, left := contest(of, on)
	found, err := performance.Compare(v, performance.Limits{})
	found = slices.DeleteFunc(found, func(s performance.Standing) bool { return s.Basis != performance.OnLabels })
	servable(of, found)
	return append(found, left...), err
}

// contest is the versions on rows: each older one on those that it takes. Those that are not held against the champion are told.
func contest(of Observed, on Scored) (v performance.Versions, left []performance.Standing) {
	for i := range on.Scores {
		scored := performance.Version{Version: of.Versions[i].Version, Scores: on.Scores[i], Reference: of.Reference.Scores[i]}
		switch apart := of.Versions[i].Apart; {
		case i == 0:
			v.Champion = scored
		case apart != "":
			left = append(left, performance.Standing{Version: scored.Version, Basis: performance.OnNothing, P: 1, Note: apart})
		default:
			v.Older = append(v.Older, scored)
		}
	}
	v.Labels, v.ReferenceLabels = on.Labels, of.Reference.Labels
	return v, left
}

// refuses counts the rows that the champion takes and a version would refuse.
func refuses(on Scored, version int) (refused int) {
	for _, p := range on.Scores[version] {
		if math.IsNaN(p) {
			refused++
		}
	}
	return refused
}

// slips says whether so many refused rows are no more than that: as many come about by chance where slipShare of all rows are refused.
func slips(refused, of int) bool {
	return !statistics.BeyondChance(int64(refused), int64(of), slipShare)
}

// servable has none of the versions be better that would refuse what the champion takes, be it of the fresh rows or of all since the champion was judged: those
// clients would be turned away. Few fresh rows without more than slips do not say that a version takes what clients send, and outcomes of months do not say
// what they send today, so that either is enough.
func servable(of Observed, standings []performance.Standing) {
	for i := range standings {
		s := &standings[i]
		at := slices.IndexFunc(of.Versions, func(v Version) bool { return v.Version == s.Version })
		for _, on := range [2]Scored{of.Fresh, of.Outcomes} {
			if on.rows() == 0 {
				continue
			}
			if refused := refuses(on, at); !slips(refused, on.rows()) {
				s.Better = false
				s.Note += fmt.Sprintf("; it would refuse %d of %d rows that the champion takes, so that it cannot serve in its place", refused, on.rows())
				break
			}
		}
	}
}

// settle says which versions are better than the champion by more than what matters, in AUC or in Brier score, over all versions (Bonferroni) and looks.
// share is by how much a p-value is multiplied for its rows' share of the level, see performance.Change: which of the newest vintages are looked at the
// champion's decay has chosen, so that all of them count.
func (p Performance) settle(standings []performance.Standing, share float64, m pipeline.Monitor) {
	const bases = 2 // labels and estimates have half of the level each
	for i := range standings {
		s := &standings[i]
		if s.Basis == performance.OnNothing {
			continue
		}
		nth := p.NthMeasured
		if s.Basis == performance.OnEstimate {
			nth = p.Nth
		}
		times := bases * 2 * share * float64(len(p.Standings)) * looks(nth)
		auc, brier := times*s.Differences["auc"].Above(m.MaxAUCDrop), times*s.Differences["brier"].Below(-maxBrier)
		s.P, s.By = math.Min(1, math.Min(auc, brier)), ""
		s.Better = s.Better && s.P <= level
		switch {
		case !s.Better:
		case auc <= level:
			s.By = "auc"
		default:
			s.By = "brier"
		}
	}
}

// best is the best of the older versions that are better than the champion: on all rows, or else, where the champion decayed, on those since then; nil where
// none is. Without decay a version that is better in some months is no better one.
func (p Performance) best() (best *performance.Standing, since string) {
	for _, of := range []struct {
		standings []performance.Standing
		since     string
	}{{p.Standings, ""}, {p.Recent, p.Change.Since}} {
		for i, s := range of.standings {
			if s.Better && (best == nil || s.P < best.P || s.P == best.P && s.Differences["auc"].Estimate > best.Differences["auc"].Estimate) {
				best, since = &of.standings[i], of.since
			}
		}
		if best != nil {
			break
		}
	}
	return best, since
}

// Better is the version to go back to; nil where none is better.
func (p Performance) Better() *Better {
	best, since := p.best()
	if best == nil {
		return nil
	}
	if since != "" {
		since = " since " + since
	}
	for _, v := range p.Versions {
		if v.Version == best.Version {
			return &Better{
				Track: v.Track, Basis: string(best.Basis),
				Message: fmt.Sprintf("version %d is better than the champion, version %d, on %d rows%s (%s): %s", v.Version, p.Versions[0].Version, best.Rows, since, best.Basis, best.Note),
			}
		}
	}
	return nil
}
