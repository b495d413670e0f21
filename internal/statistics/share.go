package statistics

import "gonum.org/v1/gonum/mathext"

// byChance is how often a share at its limit is taken for one above it, see BeyondChance.
const byChance = 0.001

// Exceeds says whether so many rows of some are more than a share of them, 0 to 1: Above or BeyondChance.
type Exceeds func(count, of int64, share float64) bool

// Above says whether so many rows of some are more than a share of them.
func Above(count, of int64, share float64) bool { return float64(count) > share*float64(of) }

// BeyondChance says whether so many rows of some are more than come about by chance where a share of all rows has what they have (one-sided binomial test):
//
//	P(X >= count) = I_share(count, of - count + 1) < 0.001 where X ~ Binomial(of, share).
//
// Of a share of 0 any row is more. The test is exact, so that it holds for a handful of rows, of which the approximations for many find one to be enough.
// I is the regularised incomplete beta function, https://dlmf.nist.gov/8.17.
func BeyondChance(count, of int64, share float64) bool {
	return count > 0 && mathext.RegIncBeta(float64(count), float64(of-count+1), share) < byChance
}
