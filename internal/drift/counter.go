package drift

import (
	"sync"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
)

// Counter counts rows by bin. Several goroutines may add to one, parts in any order: the counts are whole numbers.
type Counter struct {
	finders []finder
	mutex   sync.Mutex
	counts  Counts
}

// Counts are what a Counter has counted, of JSON's kinds: those of the reference can be kept beside its bins.
type Counts struct {
	Rows int64 `json:"rows"`
	// Features are the rows in each bin of each feature: of a number those below the reference's range, within and above it, of a category its levels
	// and the rests; then those without a value.
	Features [][]int64 `json:"features"`
	// Others are by feature the rows of values of a category without a bin of their own; of a number nothing. Of a NewBinCounter there are none.
	Others []Others `json:"others"`
}

// finder finds the bins of one feature.
type finder struct {
	feature Feature
	numbers *placer
	levels  map[string]int32
	bins    int  // the last one is for missing values
	others  bool // are kept
}

// NewCounter returns a counter of nothing.
func NewCounter(b Bins) *Counter {
	c := NewBinCounter(b)
	for i := range c.finders {
		c.finders[i].others = true
	}
	c.counts.Others = make([]Others, len(b.Features))
	return c
}

// NewBinCounter returns a counter of nothing that keeps no values: its Counts have no Others, for FindUnseen they are of no use. It needs no more room
// than the bins do.
func NewBinCounter(b Bins) *Counter {
	c := &Counter{finders: make([]finder, len(b.Features))}
	for i, f := range b.Features {
		at := &c.finders[i]
		at.feature = f.Feature
		if f.Numbers != nil {
			at.numbers = newPlacer(f.Numbers)
		} else {
			at.levels = make(map[string]int32, len(f.Levels))
			for level, text := range f.Levels {
				at.levels[text] = int32(level)
			}
		}
		at.bins = f.bins()
	}
	c.counts.Features = emptyCounts(b)
	return c
}

// bins is how many a feature has.
func (f *FeatureBins) bins() int {
	if f.Numbers != nil {
		return 2*doublings + len(f.Numbers.Cuts) + 2
	}
	return len(f.Levels) + rests + 1
}

func emptyCounts(b Bins) [][]int64 {
	counts := make([][]int64, len(b.Features))
	for i := range counts {
		counts[i] = make([]int64, b.Features[i].bins())
	}
	return counts
}

// Add counts the rows of a table. A column that is absent or of the wrong kind is a fault.Invalid, of which nothing is counted.
func (c *Counter) Add(t dataset.Table) error {
	counts, others := make([][]int64, len(c.finders)), make([]Others, len(c.finders))
	for i := range c.finders {
		column, err := columnOf(c.finders[i].feature, t)
		if err != nil {
			return err
		}
		if column.Len() != t.Rows() {
			return fault.New(fault.Invalid, "column %q has %d rows, the table has %d", column.Name, column.Len(), t.Rows())
		}
		counts[i], others[i] = c.finders[i].count(column)
	}
	c.merge(Counts{Rows: int64(t.Rows()), Features: counts, Others: others})
	return nil
}

// merge adds what was counted of a table.
func (c *Counter) merge(other Counts) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.counts.Rows += other.Rows
	for i, counts := range other.Features {
		for bin, n := range counts {
			c.counts.Features[i][bin] += n
		}
	}
	c.counts.mergeOthers(other.Others)
}

// mergeOthers adds to the others that are kept, if they are.
func (c *Counts) mergeOthers(others []Others) {
	for i := range c.Others {
		c.Others[i].merge(others[i])
	}
}

// Counts returns a copy of what was counted so far.
func (c *Counter) Counts() Counts {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	all := Counts{Rows: c.counts.Rows, Features: make([][]int64, len(c.counts.Features)), Others: make([]Others, len(c.counts.Others))}
	for i, counts := range c.counts.Features {
		all.Features[i] = append([]int64{}, counts...)
	}
	all.mergeOthers(c.counts.Others)
	return all
}

// fit says that there are as many bins, and that every row is in one bin of each feature.
func (c Counts) fit(bins [][]int64) bool {
	if len(c.Features) != len(bins) {
		return false
	}
	for i, counts := range c.Features {
		if len(counts) != len(bins[i]) || sum(counts) != c.Rows {
			return false
		}
		for _, n := range counts {
			if n < 0 {
				return false
			}
		}
	}
	return true
}

func sum(counts []int64) int64 {
	s := int64(0)
	for _, n := range counts {
		s += n
	}
	return s
}

// count counts the rows of a column by bin, and those of values without one of their own by value.
func (f *finder) count(c *dataset.Column) (counts []int64, others Others) {
	counts = make([]int64, f.bins)
	missing := f.bins - 1
	if f.numbers != nil {
		for _, x := range c.Floats {
			if x != x {
				counts[missing]++
			} else {
				counts[f.numbers.bin(x)]++
			}
		}
		return counts, others
	}
	var seen recent
	rare := map[string]*int64{}
	for i, text := range c.Texts {
		if !c.Valid[i] {
			counts[missing]++
			continue
		}
		slot := seen.slot(text)
		if slot.text != text || !slot.used {
			*slot = place{text: text, used: true}
			var known bool
			if slot.bin, known = f.levels[text]; !known {
				slot.bin = int32(len(f.levels) + restOf(text))
				if slot.rare = rare[text]; slot.rare == nil && f.others {
					slot.rare = new(int64)
					rare[text] = slot.rare
				}
			}
		}
		counts[slot.bin]++
		if slot.rare != nil {
			*slot.rare++
		}
	}
	for text, rows := range rare {
		others.add(hashOf(text), *rows)
	}
	return counts, others
}

// recent remembers the bins of texts that came before: most come again, and to look one up takes longer.
type recent [256]place

type place struct {
	text string
	bin  int32
	used bool
	rare *int64 // the rows of a value without a bin of its own
}

func (r *recent) slot(text string) *place {
	if text == "" {
		return &r[0]
	}
	return &r[(31*len(text)+7*int(text[0])+int(text[len(text)-1]))%len(r)]
}
