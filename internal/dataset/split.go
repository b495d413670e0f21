package dataset

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Subset is what a row is for.
type Subset uint8

// The subsets.
const (
	Train Subset = iota
	Validation
	Test
	LeftOut // without a known, matured label, or in an embargo
)

// Subsets are those that hold rows.
var Subsets = []Subset{Train, Validation, Test}

func (s Subset) String() string { return [...]string{"train", "validation", "test", "left out"}[s] }

// Splitter divides the rows that have a known, matured label into three disjoint subsets:
//
//   - by time: the oldest train, the newest test. A border is the day at which a share of the rows is reached, and all rows of one day go to
//     the same subset. With an embargo of N days, rows dated on one of the N days before a border are in no subset: what became of those that
//     are left was known N days after their date, before the first day of the next subset. López de Prado 2018 (Advances in Financial
//     Machine Learning, 7.4) calls that purging, and an embargo what follows a test; nothing follows the test here;
//   - by hash: SHA-256 of the seed and the entity (without one, of the row's content) decides, so that a row stays in its subset when rows
//     are added and equal rows stay together;
//   - stratified: the rows of each class in the order of that hash, cut at the shares. Every subset has the same share of positive labels, within a
//     row of each class, but rows that are added move others. Rows of one hash stay together, are of the class of the first of them, and go
//     where the middle of them is: then a share is missed by at most half of them;
//   - grouped: as by hash, of the group in place of the entity; a row without a group is decided by hash.
//
// It looks at the rows in two steps. Mark takes of each batch the little that decides, and Divide decides.
type Splitter struct {
	spec    pipeline.Spec
	knownAt time.Time
}

// NewSplitter makes the splitter of spec.Split. Labels that have not matured on the day on which the data were known do not count, see Label.
func NewSplitter(spec pipeline.Spec, knownAt time.Time) *Splitter {
	return &Splitter{spec: spec, knownAt: knownAt}
}

// Marks are what decides where the rows of a batch go.
type Marks struct {
	labels []int8   // 1, 0, and unknown
	days   []int32  // by time: days since 1970-01-01
	keys   []uint64 // else: rows of one key stay together
}

const unknown int8 = -1

// Columns are those that Mark looks at, of the fields of the rows.
func (s *Splitter) Columns(fields []Field) []string {
	wanted := []string{s.spec.Label.Column, s.spec.Time}
	switch {
	case s.spec.Split.By == pipeline.ByTime:
	case s.spec.Split.By != pipeline.Grouped && s.spec.Entity != "":
		wanted = append(wanted, s.spec.Entity)
	default:
		return known(s.spec, fields)
	}
	return wanted
}

// Mark notes what decides of rows. Batches may be marked side by side.
func (s *Splitter) Mark(t Table) (Marks, error) {
	y, err := Label(s.spec, t, s.knownAt)
	if err != nil {
		return Marks{}, err
	}
	m := Marks{labels: make([]int8, len(y))}
	for i := range y {
		m.labels[i] = unknown
		if !math.IsNaN(y[i]) {
			m.labels[i] = int8(y[i])
		}
	}
	if s.spec.Split.By == pipeline.ByTime {
		m.days, err = days(s.spec, t, m.labels)
	} else {
		m.keys, err = keys(s.spec, t, m.labels)
	}
	return m, err
}

// days are the days of the rows with a label.
func days(spec pipeline.Spec, t Table, labels []int8) ([]int32, error) {
	dates := t.Column(spec.Time)
	if dates == nil || dates.Kind != Date && dates.Kind != Timestamp {
		return nil, fault.New(fault.Invalid, "the time column %q is missing or not a date", spec.Time)
	}
	days := make([]int32, len(labels))
	for i := range labels {
		if labels[i] == unknown {
			continue
		}
		if dates.Missing(i) {
			return nil, fault.New(fault.Invalid, "the time column %q is missing in a row with a label", spec.Time)
		}
		days[i] = int32(dates.Day(i))
	}
	return days, nil
}

// Division says of every row what it is for.
type Division struct {
	of []Subset // in the order of the rows
	// Rows counts those of each subset.
	Rows [3]int
	// Embargoed is how many rows with a known label an embargo leaves out.
	Embargoed int
}

// Deal shares a batch, whose first row is that number of all rows, in the order of the rows.
func (d Division) Deal(t Table, first int) [3]Table {
	var rows [3][]int
	for i, subset := range d.of[first : first+t.Rows()] {
		if subset != LeftOut {
			rows[subset] = append(rows[subset], i)
		}
	}
	return [3]Table{t.Select(rows[Train]), t.Select(rows[Validation]), t.Select(rows[Test])}
}

// Divide decides about rows by their marks, given in the order of the rows. A subset without rows, or with one class only, is a fault.Refused.
func (s *Splitter) Divide(marks []Marks) (Division, error) {
	var all Marks
	for _, m := range marks {
		all.labels, all.days, all.keys = append(all.labels, m.labels...), append(all.days, m.days...), append(all.keys, m.keys...)
	}
	var d Division
	switch s.spec.Split.By {
	case pipeline.ByTime:
		d.of, d.Embargoed = byTime(s.spec.Split, all)
	case pipeline.Stratified:
		d.of = stratified(s.spec.Split, all)
	case pipeline.ByHash, pipeline.Grouped:
		d.of = byHash(s.spec.Split, all)
	default:
		return d, fault.New(fault.Invalid, "split.by is %q, which nothing splits by", s.spec.Split.By)
	}
	var positives [3]int
	for i, subset := range d.of {
		if subset != LeftOut {
			d.Rows[subset]++
			positives[subset] += int(all.labels[i])
		}
	}
	for _, subset := range Subsets {
		if n := d.Rows[subset]; n == 0 || positives[subset] == 0 || positives[subset] == n {
			embargo := ""
			if d.Embargoed > 0 {
				embargo = fmt.Sprintf(" (the embargo leaves out %d rows)", d.Embargoed)
			}
			return d, fault.New(fault.Refused,
				"the %s part has %d rows with %d positive labels%s; both classes are needed: bring more labelled data or change the split", subset, n, positives[subset], embargo)
		}
	}
	return d, nil
}

// byTime cuts at days.
func byTime(split pipeline.Split, m Marks) (of []Subset, embargoed int) {
	labelled := 0
	count := map[int32]int{}
	for i, label := range m.labels {
		if label != unknown {
			labelled++
			count[m.days[i]]++
		}
	}
	sorted := slices.Sorted(maps.Keys(count))
	// The border is the day of the row at a share of all, in the order of time.
	border := func(share float64) int32 {
		rank, before := min(int(share*float64(labelled)), labelled-1), 0
		for _, day := range sorted {
			if before += count[day]; before > rank {
				return day
			}
		}
		return 0
	}
	first, second := border(split.Train), border(split.Train+split.Validation)
	embargo := int32(split.EmbargoDays)
	of = make([]Subset, len(m.labels))
	for i, label := range m.labels {
		day := m.days[i]
		switch {
		case label == unknown:
			of[i] = LeftOut
		case day < first && day >= first-embargo, day >= first && day < second && day >= second-embargo:
			of[i] = LeftOut
			embargoed++
		case day < first:
			of[i] = Train
		case day < second:
			of[i] = Validation
		default:
			of[i] = Test
		}
	}
	return of, embargoed
}

// byHash lets the key of each row decide alone.
func byHash(split pipeline.Split, m Marks) []Subset {
	of := make([]Subset, len(m.labels))
	for i, label := range m.labels {
		of[i] = LeftOut
		if label != unknown {
			of[i] = subsetAt(split, share(m.keys[i]))
		}
	}
	return of
}

// stratified orders the rows of each class by their keys.
func stratified(split pipeline.Split, m Marks) []Subset {
	of := make([]Subset, len(m.labels))
	order := make([]int32, 0, len(m.labels))
	for i, label := range m.labels {
		of[i] = LeftOut
		if label != unknown {
			order = append(order, int32(i))
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		switch {
		case m.keys[a] < m.keys[b]:
			return -1
		case m.keys[a] > m.keys[b]:
			return 1
		default:
			return 0
		}
	})
	// Rows of one key, in the order of the source.
	together := func(do func(class int8, rows []int32)) {
		for from := 0; from < len(order); {
			to := from + 1
			for to < len(order) && m.keys[order[to]] == m.keys[order[from]] {
				to++
			}
			do(m.labels[order[from]], order[from:to])
			from = to
		}
	}
	var total, before [2]int
	together(func(class int8, rows []int32) { total[class] += len(rows) })
	together(func(class int8, rows []int32) {
		subset := subsetAt(split, float64(2*before[class]+len(rows))/float64(2*total[class]))
		for _, row := range rows {
			of[row] = subset
		}
		before[class] += len(rows)
	})
	return of
}

// subsetAt is the subset at a place from 0 to 1.
func subsetAt(split pipeline.Split, place float64) Subset {
	switch {
	case place < split.Train:
		return Train
	case place < split.Train+split.Validation:
		return Validation
	default:
		return Test
	}
}
