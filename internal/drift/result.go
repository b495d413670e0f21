package drift

import "fmt"

// Name is a statistic's.
type Name string

// The statistics. All are 0 where reference and window have the same shares.
const (
	PSI           Name = "psi"            // population stability index, missing values a bin of their own
	ChiSquared    Name = "chi_squared"    // of the same bins, those of few rows together
	JensenShannon Name = "jensen_shannon" // of the same bins as the PSI, in nats
	KS            Name = "ks"             // Kolmogorov-Smirnov, of numbers that are there
	Wasserstein   Name = "wasserstein"    // of numbers that are there, in standard deviations of the reference
	Missingness   Name = "missingness"    // difference of the shares of missing values
)

// Statistic is one measure of one feature.
type Statistic struct {
	Name  Name    `json:"name"`
	Value float64 `json:"value"`
	// P is how often a value as large, or larger, comes about without any drift.
	P float64 `json:"p"`
	// Lower is a 95 % lower confidence bound of the value that all rows, not only these, would have; 0 for chi-squared, which measures evidence, not
	// size.
	Lower float64 `json:"lower"`
	// Limit is the largest value that does not matter, 0 for none.
	Limit float64 `json:"limit,omitempty"`
	// Beyond says that the drift matters: its lower bound is above the limit.
	Beyond bool `json:"beyond"`
}

// Side is what there is of a feature in one of the two samples.
type Side struct {
	Rows    int64 `json:"rows"`
	Missing int64 `json:"missing"`
	// Unlisted are the rows with a value of a category that has no bin of its own. Where the reference has none of them, they are values that it never saw.
	Unlisted int64 `json:"unlisted,omitempty"`
}

// MissingShare is the share of missing values, 0 without rows.
func (s Side) MissingShare() float64 {
	if s.Rows == 0 {
		return 0
	}
	return float64(s.Missing) / float64(s.Rows)
}

// Result is what was found of one feature.
type Result struct {
	Feature
	Reference Side `json:"reference"`
	Window    Side `json:"window"`
	// Statistics are those that the rows are enough for, in the order of their names above.
	Statistics []Statistic `json:"statistics"`
	// P is the one p-value with which the feature enters Looks.Next: the smallest of those of chi-squared, Kolmogorov-Smirnov and missingness, as far as there
	// are any, times their number (Bonferroni). 1 where nothing was tested.
	P float64 `json:"p"`
	// Distance is the Wasserstein distance in the feature's own unit.
	Distance float64 `json:"distance,omitempty"`
	// Short says what there is too little of.
	Short *Shortage `json:"short,omitempty"`
}

// Statistic returns the one of a name; false where the rows were not enough for it.
func (r Result) Statistic(name Name) (Statistic, bool) {
	for _, s := range r.Statistics {
		if s.Name == name {
			return s, true
		}
	}
	return Statistic{}, false
}

// Beyond says that a statistic is beyond its limit.
func (r Result) Beyond() bool {
	for _, s := range r.Statistics {
		if s.Beyond {
			return true
		}
	}
	return false
}

// Shortage is that there are too few rows.
type Shortage struct {
	Of     string `json:"of"` // what is counted, such as "rows of the window"
	Rows   int64  `json:"rows"`
	Needed int64  `json:"needed"`
}

// String is for people.
func (s Shortage) String() string {
	return fmt.Sprintf("not enough data: %d %s, %d are needed", s.Rows, s.Of, s.Needed)
}

// shortage is the first of the two samples that is too small, or nil.
func shortage(of string, reference, window int64, needed int64) *Shortage {
	if reference < needed {
		return &Shortage{Of: of + " of the reference", Rows: reference, Needed: needed}
	}
	if window < needed {
		return &Shortage{Of: of + " of the window", Rows: window, Needed: needed}
	}
	return nil
}
