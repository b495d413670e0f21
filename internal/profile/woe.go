package profile

import "math"

// ByLabel is how a column goes with the label, in bins of its values.
//
// With n_i and p_i the negative and positive rows of bin i of k, N and P those of all bins:
//
//	WOE_i = ln(((n_i + ½) / (N + k/2)) / ((p_i + ½) / (P + k/2)))
//	IV    = Σ ((n_i + ½) / (N + k/2) - (p_i + ½) / (P + k/2)) · WOE_i
//
// as in N. Siddiqi, Credit Risk Scorecards, Wiley 2006, chapter 6, with half a row of either class added to every bin so that none is empty; where
// a positive label is a default, its good is our negative. IV is the symmetrised divergence of Kullback and Leibler, doi 10.1214/aoms/1177729694.
type ByLabel struct {
	// IV is the information value, from 0. The usual rule of thumb: below 0.02 the column says nothing, from 0.1 something, above 0.5 too much to
	// believe before its origin is known.
	IV float64 `json:"iv"`
	// Chance is the IV that a column without any relation to the label has on average, for its rows are finite: (k - 1) · (1/N + 1/P).
	Chance float64 `json:"iv_by_chance"`
	Bins   []Bin   `json:"bins"`
}

// Bin is the rows with some values of a column.
type Bin struct {
	Kind     BinKind  `json:"kind"`
	From     *float64 `json:"from,omitempty"` // of a range, the smallest and the largest number in it
	To       *float64 `json:"to,omitempty"`
	Text     string   `json:"text,omitempty"`
	Rows     int      `json:"rows"`
	Labelled int      `json:"labelled"`
	Positive int      `json:"positive"`
	Rate     *float64 `json:"rate"` // positive of labelled, 0 to 1; null without labelled rows
	// WOE is the weight of evidence: above 0 positive labels are rarer than in all rows.
	WOE float64 `json:"woe"`
	IV  float64 `json:"iv"` // the bin's part of the column's
}

// byLabel is nil when the labelled rows are not of both classes.
func byLabel(bins []bin) *ByLabel {
	all := tally{}
	for _, b := range bins {
		all.add(b.tally)
	}
	if all[negative] == 0 || all[positive] == 0 {
		return nil
	}
	n, p, half := float64(all[negative]), float64(all[positive]), float64(len(bins))/2
	out := &ByLabel{Chance: float64(len(bins)-1) * (1/n + 1/p)}
	for _, b := range bins {
		negatives := (float64(b.tally[negative]) + 0.5) / (n + half)
		positives := (float64(b.tally[positive]) + 0.5) / (p + half)
		shown := Bin{Kind: b.kind, Text: b.text, Rows: b.tally.rows(), Labelled: b.tally[negative] + b.tally[positive], Positive: b.tally[positive]}
		if b.kind == BinRange {
			shown.From, shown.To = &b.low, &b.high
		}
		if shown.Labelled > 0 {
			rate := float64(shown.Positive) / float64(shown.Labelled)
			shown.Rate = &rate
		}
		shown.WOE = math.Log(negatives / positives)
		shown.IV = float64((negatives - positives) * shown.WOE)
		out.IV += shown.IV
		out.Bins = append(out.Bins, shown)
	}
	return out
}
