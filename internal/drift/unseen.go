package drift

import (
	"math"

	"github.com/loanops/loanops/internal/fault"
)

// Unseen is the rows of a window with values of a category that the reference does not have.
type Unseen struct {
	Feature   string `json:"feature"`
	Reference int64  `json:"reference_rows"` // with a value
	Window    int64  `json:"rows"`           // with a value
	// Unseen are the window's rows with a value that the reference does not have, Values how many such values there are. Where a category has more than a
	// million rare values both, and Window, are of some of the values, drawn by their hashes.
	Unseen int64 `json:"unseen"`
	Values int64 `json:"values"`
	// Share is Unseen of Window; Expected is the share that chance brings, for a reference of few rows has not seen every rare value.
	Share    float64 `json:"share"`
	Expected float64 `json:"expected"`
	// P is an upper bound of how often so many come about without any drift; 1 where it was not tested.
	P float64 `json:"p"`
	// Lower is a 95 % lower confidence bound of the share that all rows would have.
	Lower float64 `json:"lower"`
	// Limit is the largest share that does not matter: what chance brings and 0.01. Beyond says that the lower bound is above it.
	Limit  float64   `json:"limit"`
	Beyond bool      `json:"beyond"`
	Short  *Shortage `json:"short,omitempty"`
}

// FindUnseen holds the values of every category of the window against those of the reference, in the order of the features. Without drift all ways to share
// the rows of both between the two are equally likely, so that a value of t rows among N of which the window has m is in the window alone with a probability of
//
//	q(t) = m (m-1) ... (m-t+1) / (N (N-1) ... (N-t+1)),
//
// and unseen rows are the sum of t over the values of which that is so. Of a window that is small beside the reference their expected share is that of Good & Turing,
// the values of one row among the reference's rows (Good 1953, doi 10.1093/biomet/40.3-4.237). The p-value is Chernoff's bound of that sum, which holds for any
// number of rare values: that the rows of one value are in the window makes it less likely for another (negative association: Joag-Dev & Proschan 1983, doi
// 10.1214/aos/1176346079). It is above the probability itself by a factor of up to ten. Faults are those of Compare.
func FindUnseen(b Bins, reference, window Counts) ([]Unseen, error) {
	bins := emptyCounts(b)
	if !reference.fit(bins) || !window.fit(bins) {
		return nil, fault.New(fault.Invalid, "the counts are of other bins than the reference's: count the rows anew")
	}
	found := []Unseen{}
	for i, f := range b.Features {
		if f.Category {
			found = append(found, unseen(f, reference.of(i), window.of(i)))
		}
	}
	return found, nil
}

// listed are the rows of a category: of its levels, and of others.
type listed struct {
	levels []int64
	others Others
}

func (c Counts) of(feature int) listed {
	counts := c.Features[feature]
	l := listed{levels: counts[:len(counts)-rests-1]}
	if feature < len(c.Others) {
		l.others = c.Others[feature]
	}
	return l
}

// shared are how many values have t rows in both samples, and what of these the window has.
type shared struct {
	values       map[int64]int64 // by t
	all          int64           // rows, the window's among them
	window       int64
	unseen, kept int64 // rows and values that the window alone has
}

func (s *shared) add(reference, window int64) {
	if reference+window == 0 {
		return
	}
	s.values[reference+window]++
	s.all += reference + window
	s.window += window
	if reference == 0 {
		s.unseen += window
		s.kept++
	}
}

func unseen(f FeatureBins, reference, window listed) Unseen {
	s := shared{values: map[int64]int64{}}
	bits := max(reference.others.Bits, window.others.Bits)
	before, now := reference.others.thinned(bits), window.others.thinned(bits)
	for level, text := range f.Levels {
		if before.has(hashOf(text)) {
			s.add(reference.levels[level], window.levels[level])
		}
	}
	for hash, rows := range before.Rows {
		s.add(rows, now.Rows[hash])
	}
	for hash, rows := range now.Rows {
		if _, seen := before.Rows[hash]; !seen {
			s.add(0, rows)
		}
	}
	u := Unseen{Feature: f.Name, Reference: s.all - s.window, Window: s.window, Unseen: s.unseen, Values: s.kept, P: 1}
	if u.Short = shortage("rows with a value", u.Reference, u.Window, MinRows); u.Short != nil {
		return u
	}
	urn := s.urn()
	m := float64(u.Window)
	u.Share, u.Expected = float64(u.Unseen)/m, urn.mean(0)/m
	u.P = urn.above(float64(u.Unseen))
	u.Lower = wilsonLower(u.Share, m)
	u.Limit = u.Expected + mostUnseen
	u.Beyond = u.Lower > u.Limit
	return u
}

// wilsonLower is the lower end of Wilson's one-sided interval, doi 10.1080/01621459.1927.10502953.
func wilsonLower(share, n float64) float64 {
	if share == 0 {
		return 0
	}
	const z = normal95
	centre := share + z*z/(2*n)
	margin := z * math.Sqrt(float64(share*(1-share))/n+float64(z*z)/(4*n*n))
	return math.Max(0, (centre-margin)/(1+z*z/n))
}
