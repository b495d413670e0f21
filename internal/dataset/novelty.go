package dataset

import (
	"iter"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/pipeline"
)

// MinNovel is in how many rows a text is at least before it can become a category, and its name a part of the schema. Fewer rows teach nothing either.
const MinNovel = LeastNamed

// maxNovel is how many different new texts of a column are remembered; with more it is no domain that grows.
const maxNovel = 1000

// maxDomain is how many categories a column may grow to.
const maxDomain = 1000

// maxTogether is how many columns of a row may hold something new: a new branch brings its region and its channel, a shifted row more.
const maxTogether = 3

// maxSets is how many sets of columns that are new together are counted.
const maxSets = 10_000

// Novelty is what a column held beyond its domain or range, in rows that break no rule but those of domains and ranges.
type Novelty struct {
	Texts   map[string]int64 `json:"texts,omitempty"`   // rows by new category
	Numbers int64            `json:"numbers,omitempty"` // rows out of range
	Low     *float64         `json:"low,omitempty"`     // the least number, where it is below the range
	High    *float64         `json:"high,omitempty"`    // the greatest number, where it is above the range
	// Alone and NumbersAlone are those of these rows in which nothing else is new.
	Alone        map[string]int64 `json:"alone,omitempty"`
	NumbersAlone int64            `json:"numbers_alone,omitempty"`
	// Partial says that more was new than is remembered here.
	Partial bool `json:"partial,omitempty"`
}

// Categories is how many rows hold a new category.
func (n Novelty) Categories() int64 { return sum(n.Texts) }

// Rows is how many rows hold something new, and RowsAlone those of them that hold nothing else that is.
func (n Novelty) Rows() int64 { return n.Categories() + n.Numbers }

// RowsAlone, see Rows.
func (n Novelty) RowsAlone() int64 { return sum(n.Alone) + n.NumbersAlone }

func sum(counts map[string]int64) (all int64) {
	for _, count := range counts {
		all += count
	}
	return all
}

// Within is what a column can take in: new categories, see frequent, and numbers out of range, each unless they are in too many rows.
func (n Novelty) Within(c pipeline.Column, tooMany func(rows int64) bool) Novelty {
	n = n.frequent(c)
	if tooMany(n.Categories()) {
		n.Texts, n.Alone, n.Partial = nil, nil, true
	}
	if tooMany(n.Numbers) || n.far(c) {
		n.Numbers, n.NumbersAlone, n.Low, n.High, n.Partial = 0, 0, nil, nil, true
	}
	return n
}

// far reports whether numbers lie more than ten widths of the range beyond it: that is a mistake of writing, or another unit, and no wider range.
func (n Novelty) far(c pipeline.Column) bool {
	if c.Min == nil || c.Max == nil {
		return false
	}
	most := 10 * (*c.Max - *c.Min)
	return n.Low != nil && *c.Min-*n.Low > most || n.High != nil && *n.High-*c.Max > most
}

// frequent leaves out the texts of few rows, and all of them where there are more, with these, than the domain has already: then it is another
// column's values that stand here.
func (n Novelty) frequent(c pipeline.Column) Novelty {
	texts, alone := map[string]int64{}, map[string]int64{}
	for text, count := range n.Texts {
		if count >= MinNovel {
			texts[text] = count
			if n.Alone[text] > 0 {
				alone[text] = n.Alone[text]
			}
		}
	}
	n.Partial = n.Partial || len(texts) < len(n.Texts)
	if len(n.Texts) > min(len(c.Domain), maxDomain-len(c.Domain)) {
		texts, alone, n.Partial = nil, nil, true
	}
	n.Texts, n.Alone = texts, alone
	return n
}

// Settle forgets the texts that no schema can take in: what was found is kept.
func (c *Checked) Settle(columns []pipeline.Column) {
	for _, column := range columns {
		if novel, found := c.Novel[column.Name]; found {
			c.Novel[column.Name] = novel.frequent(column)
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
	n.Texts, n.Alone = added(n.Texts, next.Texts), added(n.Alone, next.Alone)
	n.Partial = n.Partial || next.Partial
	if len(n.Texts) > maxNovel {
		n.Partial = true
	}
	if n.Partial { // before rows are settled this means too many
		n.Texts, n.Alone = nil, nil
	}
	n.Numbers += next.Numbers
	n.NumbersAlone += next.NumbersAlone
	if next.Low != nil && (n.Low == nil || *next.Low < *n.Low) {
		n.Low = next.Low
	}
	if next.High != nil && (n.High == nil || *next.High > *n.High) {
		n.High = next.High
	}
	return n
}

func added(counts, next map[string]int64) map[string]int64 {
	all := maps.Clone(counts)
	if all == nil {
		all = map[string]int64{}
	}
	for name, count := range next {
		all[name] += count
	}
	return all
}

// soft reports whether a row breaks rules, and none but a few of domains and ranges.
func (b *batch) soft(row int) bool {
	return b.failing[row] && !b.hard[row] && b.broken[row] <= maxTogether
}

// novel is what soft rows hold in a column.
func (b *batch) novel(want *pipeline.Column, domain map[string]bool) Novelty {
	c, n := b.t.Column(want.Name), Novelty{}
	if c == nil {
		return n
	}
	switch {
	case domain != nil && c.Kind == Text:
		texts, alone := map[string]int64{}, map[string]int64{}
		for row := range b.failing {
			if !b.soft(row) || len(texts) > maxNovel || !outsideDomain(c, domain, row) {
				continue
			}
			texts[c.Texts[row]]++
			if b.note(row, want.Name); b.broken[row] == 1 {
				alone[c.Texts[row]]++
			}
		}
		n = n.add(Novelty{Texts: texts, Alone: alone})
	case c.Kind != Text && (want.Min != nil || want.Max != nil):
		for row := range outsideRange(c, want) {
			if !b.soft(row) {
				continue
			}
			n.beyond(want, c.Floats[row])
			if b.note(row, want.Name); b.broken[row] == 1 {
				n.NumbersAlone++
			}
		}
	}
	return n
}

// note adds a column to those that are new together in a row.
func (b *batch) note(row int, column string) {
	if b.broken[row] > 1 {
		b.together[row] = append(b.together[row], column)
	}
}

// sets counts the rows in which several columns are new together.
func (b *batch) sets() {
	for _, row := range slices.Sorted(maps.Keys(b.together)) {
		b.found.together(strings.Join(b.together[row], setSeparator), 1)
	}
}

// setSeparator is in no name of a column: it is a control character.
const setSeparator = "\x1f"

func (c *Checked) together(set string, rows int64) {
	if c.Together == nil {
		c.Together = map[string]int64{}
	}
	if _, known := c.Together[set]; known || len(c.Together) < maxSets {
		c.Together[set] += rows
	}
}

// Sets are the sets of columns that are new together, with their rows.
func (c *Checked) Sets() iter.Seq2[[]string, int64] {
	return func(yield func([]string, int64) bool) {
		for set, rows := range c.Together {
			if !yield(strings.Split(set, setSeparator), rows) {
				return
			}
		}
	}
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
