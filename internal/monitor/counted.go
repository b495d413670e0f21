package monitor

import (
	"cmp"
	"slices"
	"sync"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
)

const (
	// maxValues is how many values a segment may have to be looked at, and shown how many of them are.
	maxValues, shown = 1000, 20
)

// Counted is how rows lie in bins: all of them, and those of each value of a segment, of which no Others are kept.
type Counted struct {
	All      drift.Counts            `json:"all"`
	Segments map[string]drift.Counts `json:"segments"` // none where there are more than a thousand values
}

// Counter counts rows. It is safe for concurrent use; the order in which parts are added does not matter.
type Counter struct {
	bins     drift.Bins
	all      *drift.Counter
	mutex    sync.Mutex
	segments map[string]*drift.Counter
}

// NewCounter returns a counter of nothing.
func NewCounter(bins drift.Bins) *Counter {
	return &Counter{bins: bins, all: drift.NewCounter(bins), segments: map[string]*drift.Counter{}}
}

// Add counts the rows of a table. segment is a column of text of it, or nil.
func (c *Counter) Add(t dataset.Table, segment *dataset.Column) error {
	if err := c.all.Add(t); err != nil {
		return err
	}
	if segment == nil || segment.Kind != dataset.Text {
		return nil
	}
	rows := map[string][]int{}
	for row, value := range segment.Texts {
		if segment.Valid[row] {
			rows[value] = append(rows[value], row)
		}
	}
	for value, of := range rows {
		counter := c.of(value)
		if counter == nil {
			return nil
		}
		if err := counter.Add(t.Select(of)); err != nil {
			return err
		}
	}
	return nil
}

// of is the counter of a value; nil where there are too many of them.
func (c *Counter) of(value string) *drift.Counter {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if _, counted := c.segments[value]; !counted && len(c.segments) <= maxValues {
		c.segments[value] = drift.NewBinCounter(c.bins)
	}
	if len(c.segments) > maxValues {
		return nil
	}
	return c.segments[value]
}

// Counted is what was counted so far.
func (c *Counter) Counted() Counted {
	out := Counted{All: c.all.Counts(), Segments: map[string]drift.Counts{}}
	if len(c.segments) <= maxValues {
		for value, counter := range c.segments {
			out.Segments[value] = counter.Counts()
		}
	}
	return out
}

// values are those of a segment that are looked at: the most frequent of the fresh rows, equal ones by name.
func (c Counted) values() []string {
	values := make([]string, 0, len(c.Segments))
	for value := range c.Segments {
		values = append(values, value)
	}
	slices.SortFunc(values, func(a, b string) int {
		return cmp.Or(cmp.Compare(c.Segments[b].Rows, c.Segments[a].Rows), cmp.Compare(a, b))
	})
	return values[:min(len(values), shown)]
}
