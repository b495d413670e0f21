package profile

import (
	"math"
)

// Stability is how a column changes over the periods of the profile. A period's population stability index says how far its rows are from all
// rows. With q_i and r_i the shares of bin i in the period and in all rows, half a row added to every bin as for WOE:
//
//	PSI = Σ (q_i - r_i) · ln(q_i / r_i)
//
// as in N. Siddiqi, Credit Risk Scorecards, Wiley 2006, chapter 10; the bins hold about a tenth of all rows each. Without any change it is about
// (bins - 1) / (rows of the period). By the usual rule of thumb nothing has changed below 0.1, and much above 0.25.
type Stability struct {
	// PSI is the largest of the periods with at least MinPeriodRows rows, and Worst that period. Nil and empty without one.
	PSI     *float64 `json:"psi"`
	Worst   string   `json:"worst,omitempty"`
	Levels  []string `json:"levels,omitempty"` // of a column of texts: the most frequent ones
	Periods []Change `json:"periods"`          // as those of the profile
}

// Change is a column in a period. Shares are of the period's rows, 0 to 1.
type Change struct {
	Missing float64   `json:"missing"`
	Mean    *float64  `json:"mean,omitempty"`   // of numbers; null when there are none
	Shares  []float64 `json:"shares,omitempty"` // of the levels
	PSI     float64   `json:"psi"`
}

// By the rule of thumb, a column is as it was up to CalmPSI, and holds other values above UnstablePSI.
const (
	CalmPSI     = 0.1
	UnstablePSI = 0.25
)

// MinPeriodRows is how many rows a period must have for its PSI to be more than chance.
const MinPeriodRows = 200

// shownLevels is how many texts are followed over time.
const shownLevels = 4

// stability is nil where there are no frequencies.
func (a *Accumulator) stability(s *column) *Stability {
	out := &Stability{}
	var bins [][]float64 // rows by bin and period
	switch {
	case s.numbers.sums != nil:
		bins = s.numbers.coarse(len(a.calendar.periods))
	case s.texts != nil:
		bins = s.texts.coarse()
		for _, at := range s.texts.ranked()[:min(len(s.texts.names), shownLevels)] {
			if s.texts.tallies[at].rows() >= MinRows {
				out.Levels = append(out.Levels, s.texts.names[at])
			}
		}
	default:
		return nil
	}
	if s.missing.rows() > 0 {
		missing := make([]float64, len(s.missingIn))
		for i, count := range s.missingIn {
			missing[i] = float64(count)
		}
		bins = append(bins, missing)
	}
	indices := psi(bins, len(a.calendar.periods))
	for i, period := range a.calendar.periods {
		if period.key == undated {
			continue
		}
		rows := float64(period.tally.rows())
		change := Change{Missing: float64(s.missingIn[i]) / rows, PSI: indices[i]}
		if present := period.tally.rows() - s.missingIn[i]; s.texts == nil && present > 0 {
			mean := s.numbers.sums[i] / float64(present)
			change.Mean = &mean
		}
		for _, level := range out.Levels {
			change.Shares = append(change.Shares, float64(s.texts.inPeriod[s.texts.index[level]*s.texts.periods+i])/rows)
		}
		if period.tally.rows() >= MinPeriodRows && (out.PSI == nil || change.PSI > *out.PSI) {
			out.PSI, out.Worst = &indices[i], a.calendar.name(period.key)
		}
		out.Periods = append(out.Periods, change)
	}
	return out
}

// psi is the index of every period against all.
func psi(bins [][]float64, periods int) []float64 {
	out, rows := make([]float64, periods), make([]float64, periods)
	of, total := make([]float64, len(bins)), 0.0
	for b, counts := range bins {
		for i, count := range counts {
			rows[i] += count
			of[b] += count
			total += count
		}
	}
	half := float64(len(bins)) / 2
	for i := range out {
		for b, counts := range bins {
			q, r := (counts[i]+0.5)/(rows[i]+half), (of[b]+0.5)/(total+half)
			out[i] += float64((q - r) * math.Log(q/r))
		}
	}
	return out
}

// coarse are bins of about a tenth of all rows, made of the cells that are counted by period.
func (s *numbers) coarse(periods int) (bins [][]float64) {
	open, left := maxBins, float64(s.n)
	rows := 0.0 // of the last bin
	for _, p := range s.pages {
		if p == nil {
			continue
		}
		for at := range 1 << coarseBits {
			count := 0.0
			for i := range p.periods {
				count += float64(p.periods[i][at])
			}
			if count == 0 {
				continue
			}
			short := left/float64(open) - rows
			if len(bins) == 0 || open > 1 && count-short > short {
				if len(bins) > 0 {
					left, open = left-rows, open-1
				}
				bins, rows = append(bins, make([]float64, periods)), 0
			}
			rows += count
			for i := range p.periods {
				bins[len(bins)-1][i] += float64(p.periods[i][at])
			}
		}
	}
	return bins
}

// coarse are the most frequent texts, and all others together.
func (s *texts) coarse() (bins [][]float64) {
	for rank, at := range s.ranked() {
		if rank <= maxBins {
			bins = append(bins, make([]float64, s.periods))
		}
		last := bins[len(bins)-1]
		for i := range s.periods {
			last[i] += float64(s.inPeriod[at*s.periods+i])
		}
	}
	return bins
}
