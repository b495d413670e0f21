package dataset

import (
	"iter"
	"maps"
	"math"

	"github.com/loanops/loanops/internal/pipeline"
)

// MinNovel is in how many rows a text is at least before it can become a category. A text of fewer rows may be a person's, and teaches nothing.
const MinNovel = 5

// maxNovel is how many different new texts of a column are remembered; with more it is no domain that grows.
const maxNovel = 1000

// maxDomain is how many categories a column may grow to.
const maxDomain = 1000

// Novelty is what a column held beyond its domain or range, in rows that break no other rule.
type Novelty struct {
	Texts    map[string]int64 `json:"texts,omitempty"` // rows by new category
	Overflow bool             `json:"overflow,omitempty"`
	Numbers  int64            `json:"numbers,omitempty"` // rows out of range
	Low      *float64         `json:"low,omitempty"`     // the least number, where it is below the range
	High     *float64         `json:"high,omitempty"`    // the greatest number, where it is above the range
}

// Categories is how many rows hold a new category.
func (n Novelty) Categories() (rows int64) {
	for _, count := range n.Texts {
		rows += count
	}
	return rows
}

// Rows is how many rows hold something new.
func (n Novelty) Rows() int64 { return n.Categories() + n.Numbers }

// Within is what a column can take in: new categories, see frequent, and numbers out of range, each of no more rows than that.
func (n Novelty) Within(c pipeline.Column, rows float64) Novelty {
	n = n.frequent(c)
	if float64(n.Categories()) > rows {
		n.Texts = nil
	}
	if float64(n.Numbers) > rows {
		n.Numbers, n.Low, n.High = 0, nil, nil
	}
	return n
}

// frequent leaves out the texts of few rows, and all of them where there are more, with these, than the domain has already: then it is another
// column's values that stand here.
func (n Novelty) frequent(c pipeline.Column) Novelty {
	texts := map[string]int64{}
	for text, count := range n.Texts {
		if count >= MinNovel && !n.Overflow {
			texts[text] = count
		}
	}
	if len(texts) == 0 || len(n.Texts) > min(len(c.Domain), maxDomain-len(c.Domain)) {
		texts = nil
	}
	n.Texts = texts
	return n
}

// Settle forgets the texts that no schema can take in: what was found is kept.
func (c *Checked) Settle(columns []pipeline.Column) {
	for _, column := range columns {
		novel, found := c.Novel[column.Name]
		if novel = novel.frequent(column); novel.Rows() == 0 {
			delete(c.Novel, column.Name)
		} else if found {
			c.Novel[column.Name] = novel
		}
	}
}

// note adds what was new in a column.
func (c *Checked) note(column string, novel Novelty) {
	if c.Novel == nil {
		c.Novel = map[string]Novelty{}
	}
	c.Novel[column] = c.Novel[column].add(novel)
}

// add continues with what the next rows hold.
func (n Novelty) add(next Novelty) Novelty {
	texts := maps.Clone(n.Texts)
	if texts == nil {
		texts = map[string]int64{}
	}
	for text, count := range next.Texts {
		texts[text] += count
	}
	n.Texts, n.Overflow = texts, n.Overflow || next.Overflow
	if len(n.Texts) > maxNovel {
		n.Overflow = true
	}
	if n.Overflow {
		n.Texts = nil
	}
	n.Numbers += next.Numbers
	if next.Low != nil && (n.Low == nil || *next.Low < *n.Low) {
		n.Low = next.Low
	}
	if next.High != nil && (n.High == nil || *next.High > *n.High) {
		n.High = next.High
	}
	return n
}

// novel is what the rows that break one rule alone, the one of the column's domain or range, hold in it.
func (b *batch) novel(want *pipeline.Column, domain map[string]bool) Novelty {
	c, n := b.t.Column(want.Name), Novelty{}
	if c == nil {
		return n
	}
	switch {
	case domain != nil && c.Kind == Text:
		texts := map[string]int64{}
		for row, broken := range b.broken {
			if broken == 1 && len(texts) <= maxNovel && outsideDomain(c, domain, row) {
				texts[c.Texts[row]]++
			}
		}
		n = n.add(Novelty{Texts: texts})
	case c.Kind != Text && (want.Min != nil || want.Max != nil):
		for row := range outsideRange(c, want) {
			if b.broken[row] == 1 {
				n.beyond(want, c.Floats[row])
			}
		}
	}
	return n
}

// beyond notes a number out of range.
func (n *Novelty) beyond(want *pipeline.Column, x float64) {
	n.Numbers++
	if want.Min != nil && x < *want.Min {
		if n.Low == nil || x < *n.Low {
			n.Low = &x
		}
	} else if n.High == nil || x > *n.High {
		n.High = &x
	}
}

func outsideDomain(c *Column, domain map[string]bool, row int) bool {
	return c.Valid[row] && !domain[c.Texts[row]]
}

// outsideRange are the rows whose number is below or above the column's bounds.
func outsideRange(c *Column, want *pipeline.Column) iter.Seq[int] {
	low, high := math.Inf(-1), math.Inf(1)
	if want.Min != nil {
		low = *want.Min
	}
	if want.Max != nil {
		high = *want.Max
	}
	return func(yield func(int) bool) {
		for row, x := range c.Floats {
			if (x < low || x > high) && !yield(row) {
				return
			}
		}
	}
}
