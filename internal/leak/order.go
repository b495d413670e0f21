package leak

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/dataset"
)

// view is one way to look at an order, and how well it predicts.
type view struct {
	name string
	area area
}

// strongest is the view with the largest AUC of those beyond the bound.
func strongest(views []view, bound float64) (view, bool) {
	best := view{}
	for _, v := range views {
		if v.area.beyond(bound) && v.area.auc > best.area.auc {
			best = v
		}
	}
	return best, best.name != ""
}

// alongs are the two views of a number: its order, and its bins out of sample, which see blocks as well.
func alongs(name string, l levels) []view {
	return []view{{name, either(l.values)}, {"blocks of " + name, crossFitted(l.bins())}}
}

// identifier vetoes a column of identifiers that predict the label: by the number in them, by their order as texts, or by their form, which is
// the text with every digit alike. Identifiers are given in the order of time as a rule, so a drift of the default rate is in them; the bound leaves room for it.
func identifier(c *dataset.Column, s sample, bound float64) []Veto {
	var views []view
	if c.Kind == dataset.Text {
		views = alongs("the number in it", numbers(s, func(k int) float64 { return number(c, s.rows[k]) }))
		ranks := lexical(c, s)
		views = append(views, alongs("its order as text", numbers(s, func(k int) float64 { return ranks[k] }))...)
		forms := categories(s, func(row int32) (string, bool) { return form(c.Texts[row]), c.Valid[row] })
		views = append(views, view{"its form", crossFitted(forms.bins())})
	} else {
		views = alongs("its number", levelsOf(c, s))
	}
	best, found := strongest(views, bound)
	if !found {
		return nil
	}
	return []Veto{{
		Column: c.Name, Rule: Identifier, Effect: best.area.auc, Bound: bound, Count: best.area.positives + best.area.negatives,
		Message: fmt.Sprintf("the identifier %q predicts the label (%s: AUC %.3f, %.2f is accepted): find out how identifiers are given, and never train on them",
			c.Name, best.name, best.area.auc, bound),
	}}
}

// number is the digits of a text as one number, NaN without any.
func number(c *dataset.Column, row int32) float64 {
	if !c.Valid[row] {
		return math.NaN()
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, c.Texts[row])
	value, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return math.NaN()
	}
	return value
}

// form is a text with every digit alike.
func form(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '0'
		}
		return r
	}, text)
}

// lexical ranks the sample's rows by their text, equal texts alike. What is missing is NaN.
func lexical(c *dataset.Column, s sample) []float64 {
	order := make([]int, len(s.rows))
	for k := range order {
		order[k] = k
	}
	text := func(k int) string { return c.Texts[s.rows[k]] }
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(text(a), text(b)) })
	ranks := make([]float64, len(order))
	rank := 0.
	for i, k := range order {
		if i > 0 && text(k) != text(order[i-1]) {
			rank++
		}
		ranks[k] = rank
		if !c.Valid[s.rows[k]] {
			ranks[k] = math.NaN()
		}
	}
	return ranks
}

// rowOrder vetoes rows whose position tells their label: sorted by it, put together from files of one label each, or in runs of equal labels.
// Labels that follow one another more often than chance has it are honest where time or a branch orders the rows.
func rowOrder(s sample, bound float64) []Veto {
	views := alongs("the position", numbers(s, func(k int) float64 { return float64(k) }))
	views = append(views, view{"the labels of the rows beside it", besides(s)})
	best, found := strongest(views, bound)
	if !found {
		return nil
	}
	return []Veto{{
		Rule: RowOrder, Effect: best.area.auc, Bound: bound, Count: len(s.rows),
		Message: fmt.Sprintf("the order of the rows predicts the label (%s: AUC %.3f, %.2f is accepted): find out how the rows were put together, and bring them in the order of their applications",
			best.name, best.area.auc, bound),
	}}
}

// besides is the AUC of how many of the five rows before and the five after a row are positive, itself not counted. The first and the last row
// are neighbours, so that every row has ten.
func besides(s sample) area {
	const reach = 5
	n := len(s.rows)
	if n <= 2*reach {
		return area{auc: 0.5}
	}
	around := 0
	at := func(k int) int {
		if s.positive[(k+n)%n] {
			return 1
		}
		return 0
	}
	for k := -reach; k <= reach; k++ {
		around += at(k)
	}
	counts := make([]tally, 2*reach+1)
	for k := range n {
		counts[around-at(k)].add(s.fold[k], s.positive[k])
		around += at(k+reach+1) - at(k-reach)
	}
	return either(counts)
}
