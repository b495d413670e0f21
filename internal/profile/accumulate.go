package profile

import (
	"github.com/loanops/loanops/internal/dataset"
)

// Role is what a column is to a pipeline.
type Role string

// The roles of columns that are described.
const (
	Feature   Role = "feature"
	Protected Role = "protected" // never trains
	Label     Role = "label"
)

// About is what is known of a batch beside its values.
type About struct {
	// Role is a column's; empty for one that is not described, such as one that identifies a person.
	Role func(name string) Role
	// Label is 1, 0 or NaN for every row, see dataset.Label; nil when no label is known.
	Label []float64
	// Time names the column with the day of each row; empty without one.
	Time string
}

// Accumulator describes rows batch by batch. Accumulators of consecutive batches are merged in the order of the rows, and give the same
// profile however many worked at once.
type Accumulator struct {
	rows     int
	calendar calendar
	columns  []column
	sample   sample
}

// Of describes the rows of a batch, in the columns that are described.
func Of(t dataset.Table, about About) *Accumulator {
	rows := t.Rows()
	a := &Accumulator{rows: rows}
	b := &batch{class: classes(about.Label, rows)}
	a.calendar, b.period = newCalendar(t.Column(about.Time), rows)
	a.calendar.count(b)
	b.periods = len(a.calendar.periods)
	var chosen []int
	a.sample, chosen = newSample(t)
	for i := range t.Columns {
		c := &t.Columns[i]
		role := about.Role(c.Name)
		if role == "" {
			continue
		}
		a.columns = append(a.columns, newColumn(c, role, b))
		a.sample.take(c, chosen)
	}
	return a
}

// batch is what is known of each row of a batch.
type batch struct {
	class   []uint8 // negative, positive or unlabelled
	period  []uint8 // index into the calendar
	periods int
}

// The classes of rows.
const (
	negative = iota
	positive
	unlabelled
	classesOfRows
)

// tally counts rows by class.
type tally [classesOfRows]int

func (t *tally) add(n tally) {
	for class := range t {
		t[class] += n[class]
	}
}

func (t tally) rows() int { return t[negative] + t[positive] + t[unlabelled] }

func classes(label []float64, rows int) []uint8 {
	class := make([]uint8, rows)
	for i := range class {
		class[i] = unlabelled
		if label == nil {
			continue
		}
		switch label[i] {
		case 0:
			class[i] = negative
		case 1:
			class[i] = positive
		}
	}
	return class
}

// Add merges what the next rows have shown.
func (a *Accumulator) Add(next *Accumulator) error {
	if a.columns == nil {
		*a = *next
		return nil
	}
	a.rows += next.rows
	mine, theirs := a.calendar.merge(&next.calendar)
	for i := range a.columns {
		a.columns[i].move(mine, len(a.calendar.periods))
		next.columns[i].move(theirs, len(a.calendar.periods))
		if err := a.columns[i].merge(&next.columns[i]); err != nil {
			return err
		}
	}
	a.sample.merge(&next.sample)
	return nil
}
