package leak

import (
	"fmt"
	"math"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/statistics"
)

const (
	// maxDuplicates is the largest share of a part's applications that may be in an earlier part as well. Less moves no metric.
	maxDuplicates = 0.01
	// rareShare is the largest share of the contents that hold the rarest value of a content that tells applicants apart, and the largest that its
	// other values have together.
	rareShare = 0.01
	// maxChance is how many contents may be equal to a twin by chance, at most, for it to count.
	maxChance = 0.01
)

// content is what the features of a row say: the sum of the digests of its values. Equal rows have equal contents; that any two others of a
// million rows have is less than one chance in 10 million.
type content uint64

// origin is where a content comes first, and how many rows of each part hold it.
type origin struct {
	part, row int
	rows      [3]int
}

// crosses reports whether a part after the first holds the content as well.
func (o origin) crosses() bool {
	for i := o.part + 1; i < len(o.rows); i++ {
		if o.rows[i] > 0 {
			return true
		}
	}
	return false
}

// duplicates vetoes a part that holds applications of an earlier one. An application is a content, however often it comes: a row of defaults
// that comes 500 times is one. With few coarse features equal rows are different applicants, so a twin, a content on both sides, counts only where
// it tells applicants apart and chance does not explain it. It tells them apart where one of its values is held by at most one content in a hundred,
// and the others, were they independent, by at most one in a hundred as well: an amount alone, or a category in columns of 0 and 1, does not. How
// many contents would be equal to it by chance is told by its near misses, the contents that differ from it in one column j only:
//
//	E = max over j of m(j) f(j) / (1 - f(j))
//
// where m(j) is how many of them there are and f(j) the share of the other contents that hold its value of column j; were the values of j drawn
// anew, f(j) of those that agree in all else would be twins. A twin with E of 1/100 or more does not count, so of the contents at most about 1 % are twins that
// count by chance. The lower end of the 95 % interval of the share of those that count must be beyond 1 %.
func duplicates(spec pipeline.Spec, parts []part) []Veto {
	columns := make([][]*dataset.Column, len(parts))
	for i := range parts {
		columns[i] = featuresOf(spec, &parts[i].table)
	}
	contents, order := contentsOf(parts, columns)
	counted := telling(contents, order, columns)
	if len(counted) == 0 {
		return nil
	}
	var vetoes []Veto
	for i := 1; i < len(parts); i++ {
		held, again, rows := 0, 0, 0
		for _, c := range order {
			o := contents[c]
			if o.rows[i] == 0 {
				continue
			}
			held++
			if o.part < i && counted[c] {
				again++
				rows += o.rows[i]
			}
		}
		if again == 0 {
			continue
		}
		if lower, _ := statistics.Wilson(again, held); lower > maxDuplicates {
			vetoes = append(vetoes, Veto{
				Rule: Duplicates, Effect: float64(again) / float64(held), Bound: maxDuplicates, Count: rows,
				Message: fmt.Sprintf("%d of %d different applications of the %s part, %d rows, are in an earlier part as well, equal in all %d features, and coarse values do not explain it: "+
					"%.1f %% are accepted; keep one row of each, or split by who applied", again, held, parts[i].name, rows, len(spec.Columns), 100*maxDuplicates),
			})
		}
	}
	return vetoes
}

// contentsOf finds the different contents of all parts, in the order in which they come.
func contentsOf(parts []part, columns [][]*dataset.Column) (contents map[content]origin, order []content) {
	contents = map[content]origin{}
	for i := range parts {
		for row := range parts[i].table.Rows() {
			c := contentOf(columns[i], row)
			o, seen := contents[c]
			if !seen {
				o = origin{part: i, row: row}
				order = append(order, c)
			}
			o.rows[i]++
			contents[c] = o
		}
	}
	return contents, order
}

func contentOf(columns []*dataset.Column, row int) content {
	var sum content
	for j, column := range columns {
		sum += valueOf(column, j, row)
	}
	return sum
}

// valueOf is what column j adds to the content of a row. Missing values are equal.
func valueOf(column *dataset.Column, j, row int) content {
	if column == nil || column.Missing(row) {
		return content(mix(uint64(j)))
	}
	return content(mix(digest(column, row) + mix(uint64(j))))
}

// telling keeps the twins that tell applicants apart and that chance does not explain.
func telling(contents map[content]origin, order []content, columns [][]*dataset.Column) map[content]bool {
	var twins []content
	for _, c := range order {
		if contents[c].crosses() {
			twins = append(twins, c)
		}
	}
	if len(twins) == 0 {
		return nil
	}
	each := func(c content, do func(value, without content)) {
		o := contents[c]
		for j, column := range columns[o.part] {
			value := valueOf(column, j, o.row)
			do(value, content(mix(uint64(c-value)+uint64(j))))
		}
	}
	// How many contents hold each value of a twin, and how many hold all of its values but one.
	held, agree := map[content]int{}, map[content]int{}
	for _, c := range twins {
		each(c, func(value, without content) { held[value], agree[without] = 0, 0 })
	}
	for _, c := range order {
		each(c, func(value, without content) {
			if n, of := held[value]; of {
				held[value] = n + 1
			}
			if n, of := agree[without]; of {
				agree[without] = n + 1
			}
		})
	}
	others := float64(len(order) - 1)
	counted := map[content]bool{}
	for _, c := range twins {
		rarest, together, chance := 1., 1., 0.
		each(c, func(value, without content) {
			share := float64(held[value]) / float64(len(order))
			rarest, together = math.Min(rarest, share), together*share
			if near := float64(agree[without] - 1); near > 0 { // so that others differ in the column, and share is below 1
				share := float64(held[value]-1) / others
				chance = math.Max(chance, near*share/(1-share))
			}
		})
		if rarest <= rareShare && together/rarest <= rareShare && chance < maxChance {
			counted[c] = true
		}
	}
	return counted
}

// digest is a value in 64 bits: FNV-1a of a text (https://www.rfc-editor.org/rfc/rfc9923), the bits of a number.
func digest(c *dataset.Column, row int) uint64 {
	if c.Kind != dataset.Text {
		return math.Float64bits(c.Floats[row] + 0) // -0 + 0 is 0
	}
	hash := uint64(0xcbf29ce484222325)
	for i := range len(c.Texts[row]) {
		hash = (hash ^ uint64(c.Texts[row][i])) * 0x100000001b3
	}
	return hash
}
