package leak

import (
	"fmt"
	"math"

	"github.com/loanops/loanops/internal/statistics"
)

// missingness vetoes a column in which whether a value is there tells the label: by the difference of the classes' shares of missing values, or
// because the rows with a value, or those without, come always with one label (see pure), as a date of charge-off does.
//
//	J = P(missing | positive) - P(missing | negative)
//
// is Youden's index of the missing value as a test (doi 10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3); its AUC is (1+|J|)/2. The
// lower end of its interval must be beyond the bound. That some applicants leave out an income, and are riskier, is honest.
func missingness(column string, l levels, bound float64) []Veto {
	missing, _ := l.missing.total()
	present, _ := l.present.total()
	if missing == 0 || present == 0 {
		return nil
	}
	positives, negatives := l.all().classes()
	missingPositives, missingNegatives := l.missing.classes()
	if positives > 0 && negatives > 0 {
		j, lower := difference(missingPositives, positives, missingNegatives, negatives)
		if lower > bound {
			return []Veto{{
				Column: column, Rule: Missingness, Effect: j, Bound: bound, Count: missing,
				Message: fmt.Sprintf("column %q is missing in %d of %d positive and in %d of %d negative rows: the shares differ by %.2f, %.2f is accepted; find out who fills it in, and when",
					column, missingPositives, positives, missingNegatives, negatives, j, bound),
			}}
		}
	}
	found, leaks := pure([]tally{l.missing, l.present}, false, l.all())
	if !leaks {
		return nil
	}
	return []Veto{{
		Column: column, Rule: Missingness, Effect: found.share, Bound: found.accepted, Count: missing,
		Message: fmt.Sprintf("column %q is missing in %d of %d positive and in %d of %d negative rows: being there or not comes always, or as good as always, with one label; "+
			"find out who fills it in, and when", column, missingPositives, positives, missingNegatives, negatives),
	}}
}

// difference is |a/m - b/n| and the lower end of its 95 % interval: method 10 of Newcombe 1998,
// doi 10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, which joins the Wilson intervals l, u of p = a/m and q = b/n
//
//	lower = p - q - sqrt((p - l(p))² + (u(q) - q)²)  for p > q
func difference(a, m, b, n int) (estimate, lower float64) {
	p, q := float64(a)/float64(m), float64(b)/float64(n)
	lowP, highP := statistics.Wilson(a, m)
	lowQ, highQ := statistics.Wilson(b, n)
	if p < q {
		return q - p, q - p - math.Hypot(q-lowQ, highP-p)
	}
	return p - q, p - q - math.Hypot(p-lowP, highQ-q)
}
