package performance

import (
	"fmt"
	"math"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
)

// Version is a model version's scores. An older version's are NaN where it would refuse the row.
type Version struct {
	Version   int
	Scores    []float64 // of the rows of the window
	Reference []float64 // of the rows of the reference; nil where it was not scored
}

// Versions is a champion and older versions on the same rows.
type Versions struct {
	Champion Version
	Older    []Version
	Labels   []float64 // of the window: 1, 0, or NaN where not matured; nil where none is known
	// ReferenceLabels are of rows that no version was trained on. They are the only judge of an estimate: rows that are the champion's own choice
	// of truth, such as labels that were wrong when it was trained, favour it.
	ReferenceLabels []float64
}

// Basis is what a comparison rests on.
type Basis string

// The bases.
const (
	OnLabels   Basis = "labels"
	OnEstimate Basis = "estimate"
	OnNothing  Basis = "none"
)

// Standing is how an older version does beside the champion.
type Standing struct {
	Version int   `json:"version"`
	Basis   Basis `json:"basis"`
	Rows    int   `json:"rows"` // that the comparison rests on
	// Differences are its metrics minus the champion's: those of evaluate.Paired on labels, auc and brier on an estimate.
	Differences map[string]evaluate.Difference `json:"differences,omitempty"`
	// P is the one-sided p of being better in neither AUC nor Brier score, of this version alone.
	P float64 `json:"p"`
	// By is the first of auc and brier that makes it better alone; empty where it is not.
	By string `json:"by,omitempty"`
	// Better: beyond noise, of this version alone, and not worse in the other metric beyond noise. Who compares several, or looks again, has P held to more.
	Better bool   `json:"better"`
	Note   string `json:"note"`
}

// maxOutside is the largest share of rows unlike the reference on which an estimate is still made.
const maxOutside = 0.1

// Compare says which older versions are better than the champion beyond noise, in their order. Where enough of the window's labels have matured
// they decide, by the paired comparison. Where too few have, an estimate does: from the reference's labels it is learned how likely a positive label is
// given BOTH versions' scores, and both are measured against that one probability. Were each measured against its own, the one that is surest of
// itself would win. Each older version is held against the champion on the rows of both, whatever the others refuse. There is no estimate where the reference has not seen the like of more than a tenth of the rows: scores that are more extreme than any,
// or versions that disagree as they never did, as after a change of unit that one of them cannot stand.
func Compare(v Versions, limits Limits) ([]Standing, error) {
	if err := v.check(); err != nil {
		return nil, err
	}
	standings := make([]Standing, len(v.Older))
	for i, older := range v.Older {
		pair, err := v.pair(older)
		if err != nil {
			return nil, err
		}
		s, err := pair.beside(pair.Older[0], limits)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "version %d", older.Version)
		}
		standings[i] = s
	}
	for i := range standings {
		s := &standings[i]
		if s.Basis == OnNothing {
			continue
		}
		worse := evaluate.PWorse(s.Differences) <= level
		s.Better = s.P <= level && !worse
		_, s.Note = evaluate.BeyondNoise(s.Differences)
		if s.Basis == OnEstimate {
			s.Note += "; estimated without labels, " + NotUnderConceptChange
		}
	}
	return standings, nil
}

func (v Versions) check() error {
	for _, version := range append([]Version{v.Champion}, v.Older...) {
		if len(version.Scores) != len(v.Champion.Scores) {
			return fault.New(fault.Invalid, "version %d has %d scores, the champion %d", version.Version, len(version.Scores), len(v.Champion.Scores))
		}
		if v.Labels != nil && len(v.Labels) != len(version.Scores) {
			return fault.New(fault.Invalid, "version %d has %d scores, there are %d labels", version.Version, len(version.Scores), len(v.Labels))
		}
		if version.Reference != nil && len(version.Reference) != len(v.ReferenceLabels) {
			return fault.New(fault.Invalid, "version %d has %d scores of the reference, which has %d rows", version.Version, len(version.Reference), len(v.ReferenceLabels))
		}
	}
	return nil
}

// pair is the champion and an older version on the rows of both.
func (v Versions) pair(older Version) (p Versions, err error) {
	p.Champion, p.Older = v.Champion, []Version{older}
	rows := scoredRows(older.Scores)
	p.Champion.Scores, p.Older[0].Scores, p.Labels = pickKnown(v.Champion.Scores, rows), pickKnown(older.Scores, rows), pickKnown(v.Labels, rows)
	if older.Reference != nil {
		rows = scoredRows(older.Reference)
		p.Champion.Reference, p.Older[0].Reference, p.ReferenceLabels = pickKnown(v.Champion.Reference, rows), pickKnown(older.Reference, rows), pickKnown(v.ReferenceLabels, rows)
	}
	for _, version := range []Version{p.Champion, p.Older[0]} {
		if err := check(p.Labels, version.Scores); err != nil {
			return p, fault.Wrap(fault.Invalid, err, "version %d", version.Version)
		}
		if version.Reference == nil {
			continue
		}
		if err := check(p.ReferenceLabels, version.Reference); err != nil {
			return p, fault.Wrap(fault.Invalid, err, "version %d, reference", version.Version)
		}
	}
	return p, nil
}

// scoredRows are those with a score.
func scoredRows(scores []float64) (rows []int) {
	for i, p := range scores {
		if !math.IsNaN(p) {
			rows = append(rows, i)
		}
	}
	return rows
}

// pickKnown are the values of some rows; nil stays nil.
func pickKnown(values []float64, rows []int) []float64 {
	if values == nil {
		return nil
	}
	return pickRows(values, rows)
}

// beside compares one older version with the champion.
func (v Versions) beside(older Version, limits Limits) (Standing, error) {
	s := Standing{Version: older.Version, Basis: OnNothing, P: 1}
	y, champion := known(v.Labels, v.Champion.Scores)
	_, scores := known(v.Labels, older.Scores)
	lacking := limits.wanting(len(y), positives(y))
	if lacking == "" {
		differences, err := evaluate.Paired(y, champion, scores)
		if err != nil {
			return s, err
		}
		s.Basis, s.Rows, s.Differences, s.P = OnLabels, len(y), differences, evaluate.PBetter(differences)
		return s, nil
	}
	if s.Note = v.estimate(&s, older, limits); s.Note != "" {
		s.Note = lacking + "; no estimate: " + s.Note
	}
	return s, nil
}

// estimate compares by expected labels, or says why it does not.
func (v Versions) estimate(s *Standing, older Version, limits Limits) (why string) {
	if v.Champion.Reference == nil || older.Reference == nil {
		return "the reference was not scored by both versions"
	}
	y, champion := known(v.ReferenceLabels, v.Champion.Reference)
	_, scores := known(v.ReferenceLabels, older.Reference)
	if lacking := limits.wanting(len(y), positives(y)); lacking != "" {
		return "reference: " + lacking
	}
	if least := limits.orDefault().Rows; len(older.Scores) < least {
		return fmt.Sprintf("%d rows, at least %d are needed", len(older.Scores), least)
	}
	together, ok := fitMap(y, champion, scores)
	if !ok {
		return "the scores of the reference tell nothing that could be carried over"
	}
	if outside := together.outside(v.Champion.Scores, older.Scores); outside > maxOutside {
		return fmt.Sprintf("of %.0f %% of the rows the reference has not seen the like, at most %.0f %% are allowed", 100*outside, 100*maxOutside)
	}
	rows := together.of(v.Champion.Scores, older.Scores)
	auc := expectedAUC(rows.probability, older.Scores).minus(expectedAUC(rows.probability, v.Champion.Scores))
	brier := expectedBrier(rows.probability, older.Scores).minus(expectedBrier(rows.probability, v.Champion.Scores))
	s.Basis, s.Rows = OnEstimate, len(older.Scores)
	s.Differences = map[string]evaluate.Difference{"auc": rows.difference(auc), "brier": rows.difference(brier)}
	s.P = evaluate.PBetter(s.Differences)
	return ""
}

// difference has the variance that one on labels would have, of the rows and of their labels, and that of the map's weights beside it.
func (f fresh) difference(e expected) evaluate.Difference {
	labels, weights := f.spread(e.slope)
	var rows float64
	for _, r := range e.row {
		rows += float64(r * r)
	}
	return evaluate.NewDifference(e.estimate, labels+weights+rows)
}
