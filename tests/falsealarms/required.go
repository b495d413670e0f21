package main

import (
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/fault"
)

const (
	// allowed is by how much false alarms may exceed what was asked for.
	allowed = 1.2
	// chance is how often a cell whose share is exactly what is allowed may be called more than that.
	chance = 0.01
)

// level is a share of false alarms that is asked for.
type level struct {
	share  float64
	number int // of the level
}

// levels are looked at of all kinds of columns together, and the first two, byKind, of each. Of the first three it is required that they hold, farther out it
// is told how far they do.
var (
	levels   = []level{{0.05, 0}, {0.01, 1}, {0.001, 2}, {0.0001, 3}}
	required = levels[:3]
	byKind   = levels[:2]
)

// String is the share for people.
func (l level) String() string { return fmt.Sprintf("%g %%", 100*l.share) }

// most is the largest count of so many windows that is not above what is allowed by more than chance.
func (l level) most(tested int) int {
	of := distuv.Binomial{N: float64(tested), P: allowed * l.share}
	count := int(of.Mean())
	for 1-of.CDF(float64(count)) > chance {
		count++
	}
	return count
}

// above says that a share is more than allowed, and beyond that it is so by more than chance.
func (l level) above(t tally) (above, beyond bool) {
	count := t.at[l.number]
	return float64(count) > allowed*l.share*float64(t.tested), t.tested > 0 && count > l.most(t.tested)
}

// together is what was seen of a statistic in all kinds of columns of a size, of each as often.
func (r result) together(name drift.Name, size int) tally {
	var sum tally
	for _, row := range r.none {
		sum = sum.plus(row[size].all[name])
	}
	return sum
}

// held goes through all shares of which something is required.
func (r result) held(each func(what string, l level, t tally)) {
	for column, s := range sizes {
		for _, name := range common {
			for _, l := range levels {
				each(fmt.Sprintf("%s, all kinds, %s", name, s), l, r.together(name, column))
			}
		}
		for _, name := range measures {
			for row, k := range kinds {
				for _, l := range byKind {
					each(fmt.Sprintf("%s, %s, %s", name, k.name, s), l, r.none[row][column].all[name])
				}
			}
		}
	}
	for column, s := range togetherSizes {
		for _, l := range byKind {
			each(fmt.Sprintf("all features together, %s", s), l, r.joint[0][column].all[separate])
		}
	}
}

// verdict says how many shares are above what is allowed and which these are; err where one of a level that is required is by more than chance.
func (r result) verdict() (said string, err error) {
	var above, farther, beyond []string
	shares := 0
	r.held(func(what string, l level, t tally) {
		if t.tested == 0 {
			return
		}
		shares++
		is, far := l.above(t)
		line := fmt.Sprintf("%s, at %s: %s", what, l, l.cell(t))
		switch {
		case far && !slices.Contains(required, l):
			farther = append(farther, line)
		case far:
			beyond = append(beyond, line)
		case is:
			above = append(above, line)
		}
	})
	all := len(above) + len(farther) + len(beyond)
	said = fmt.Sprintf("Of %d shares %d are above %g times, none of these by more than chance at 5, 1 and 0.1 %%.", shares, all, allowed)
	if beyond != nil {
		said = fmt.Sprintf("Of %d shares %d are above %g times, and %d by more than chance:\n- %s", shares, all, allowed, len(beyond), strings.Join(beyond, "\n- "))
		err = fault.New(fault.Refused, "more false alarms than %g times what is asked for:\n%s", allowed, strings.Join(beyond, "\n"))
	}
	if farther != nil {
		said += " Farther out, by more than chance:\n- " + strings.Join(farther, "\n- ")
	}
	if above != nil {
		said += " Within chance:\n- " + strings.Join(above, "\n- ")
	}
	return said, err
}
