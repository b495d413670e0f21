package profile

import (
	"cmp"
	"hash/fnv"
	"maps"
	"math"
	"slices"

	"github.com/axiomhq/hyperloglog"

	"github.com/loanops/loanops/internal/dataset"
)

// Accumulator describes rows batch by batch. Accumulators of consecutive batches are merged in the order of the rows, and give the same
// profile however many worked at once.
type Accumulator struct {
	rows    int
	columns []column
}

// column is what one column has shown.
type column struct {
	name     string
	kind     dataset.Kind
	missing  int
	distinct *hyperloglog.Sketch
	numbers  numbers
	texts    map[string]int // up to maxTexts
}

// maxTexts is how many different texts of a column are counted; of a column with more no frequencies are shown.
const maxTexts = 1000

// Of describes the rows of a batch, in the columns that are described.
func Of(t dataset.Table, described func(name string) bool) *Accumulator {
	a := &Accumulator{rows: t.Rows()}
	for i := range t.Columns {
		c := &t.Columns[i]
		if !described(c.Name) {
			continue
		}
		seen := column{name: c.Name, kind: c.Kind, distinct: hyperloglog.NewNoSparse()}
		if c.Kind == dataset.Text {
			seen.addTexts(c)
		} else {
			seen.addNumbers(c)
		}
		a.columns = append(a.columns, seen)
	}
	return a
}

func (s *column) addTexts(c *dataset.Column) {
	s.texts = map[string]int{}
	for i, text := range c.Texts {
		switch {
		case !c.Valid[i]:
			s.missing++
		case s.texts == nil:
			s.distinct.InsertHash(hashed(text))
		default:
			s.texts[text]++
			if len(s.texts) > maxTexts {
				s.forget()
			}
		}
	}
	for text := range s.texts {
		s.distinct.InsertHash(hashed(text))
	}
}

// forget gives the frequencies up.
func (s *column) forget() {
	for text := range s.texts {
		s.distinct.InsertHash(hashed(text))
	}
	s.texts = nil
}

func (s *column) addNumbers(c *dataset.Column) {
	for _, x := range c.Floats {
		if math.IsNaN(x) {
			s.missing++
			continue
		}
		x += 0 // -0 is 0
		s.distinct.InsertHash(mixed(math.Float64bits(x)))
		s.numbers.add(x)
	}
}

// Add merges what the next rows have shown.
func (a *Accumulator) Add(next *Accumulator) error {
	a.rows += next.rows
	if a.columns == nil {
		a.columns = next.columns
		return nil
	}
	for i := range a.columns {
		s, n := &a.columns[i], &next.columns[i]
		s.missing += n.missing
		if err := s.distinct.Merge(n.distinct); err != nil {
			return err
		}
		s.numbers.merge(&n.numbers)
		if s.texts == nil || n.texts == nil {
			s.texts = nil
			continue
		}
		for text, count := range n.texts {
			s.texts[text] += count
		}
		if len(s.texts) > maxTexts {
			s.texts = nil
		}
	}
	return nil
}

// Profile is the description of all rows.
func (a *Accumulator) Profile(name string) Profile {
	p := Profile{Name: name, Rows: a.rows, Columns: []Column{}}
	for i := range a.columns {
		s := &a.columns[i]
		c := Column{Name: s.name, Numeric: s.kind != dataset.Text, Missing: s.missing, Distinct: int(s.distinct.Estimate())}
		switch {
		case !c.Numeric:
			c.Top = top(s.texts)
			if s.texts != nil {
				c.Distinct = len(s.texts)
			}
		case s.numbers.n > 0:
			c.Numbers = s.numbers.describe()
		}
		p.Columns = append(p.Columns, c)
	}
	return p
}

// shownTexts is how many texts a profile shows of a column.
const shownTexts = 12

// top are the most frequent texts, equally frequent ones in their own order.
func top(texts map[string]int) []Value {
	var values []Value
	for _, text := range slices.Sorted(maps.Keys(texts)) {
		values = append(values, Value{Text: text, Count: texts[text]})
	}
	slices.SortStableFunc(values, func(a, b Value) int { return cmp.Compare(b.Count, a.Count) })
	return values[:min(len(values), shownTexts)]
}

func hashed(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return mixed(h.Sum64())
}

// mixed spreads the bits of a word (the finaliser of MurmurHash3).
func mixed(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
