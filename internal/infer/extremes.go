package infer

import (
	"slices"
	"sort"

	"github.com/loanops/loanops/internal/profile"
)

// kept is how many of the least and of the greatest different numbers of a column are counted: all codes at an end, and the next one.
const kept = profile.MaxCodes + 1

// extremes are the least and the greatest of some numbers with the rows that have them, from the ends inwards.
type extremes struct {
	least, greatest []profile.Code
	rows            int
}

// add takes a number that stands in so many rows. What is among the least of all numbers is among the least of any part of them: its count is whole.
func (e *extremes) add(x float64, rows int) {
	x += 0 // -0 is 0
	e.rows += rows
	e.least = put(e.least, profile.Code{Value: x, Rows: rows}, 1)
	e.greatest = put(e.greatest, profile.Code{Value: x, Rows: rows}, -1)
}

// put adds a number to a list that ascends (way 1) or descends (-1), and keeps its beginning.
func put(list []profile.Code, c profile.Code, way float64) []profile.Code {
	if n := len(list); n == kept && (c.Value-list[n-1].Value)*way > 0 {
		return list
	}
	at := sort.Search(len(list), func(i int) bool { return list[i].Value*way >= c.Value*way })
	if at < len(list) && list[at].Value == c.Value {
		list[at].Rows += c.Rows
		return list
	}
	list = slices.Insert(list, at, c)
	return list[:min(len(list), kept)]
}

// merge takes the numbers of further rows.
func (e *extremes) merge(next *extremes) {
	e.rows += next.rows
	for _, c := range next.least {
		e.least = put(e.least, c, 1)
	}
	for _, c := range next.greatest {
		e.greatest = put(e.greatest, c, -1)
	}
}

// ends are the least and the greatest; none of no numbers.
func (e *extremes) ends() []profile.Code {
	if len(e.least) == 0 {
		return nil
	}
	return []profile.Code{e.least[0], e.greatest[0]}
}

// codes are the numbers that stand for something else, and ends the least and the greatest of the others.
func (e *extremes) codes(whole bool) (codes, ends []profile.Code) {
	codes = profile.FindCodes(e.least, e.greatest, e.rows, whole)
	others := func(c profile.Code) bool { return !slices.Contains(codes, c) }
	if low := slices.IndexFunc(e.least, others); low >= 0 {
		ends = []profile.Code{e.least[low], e.greatest[slices.IndexFunc(e.greatest, others)]}
	}
	return codes, ends
}
