package swapset

import (
	"cmp"
	"slices"

	"github.com/loanops/loanops/internal/decision"
)

// Segment is the comparison by the values of one column.
type Segment struct {
	Column string `json:"column"`
	// Values by falling number of rows, equal ones by name; the merged ones last.
	Values []SegmentValue `json:"values"`
}

// SegmentValue is the rows of one value of a column, or of all values that are not named.
type SegmentValue struct {
	Value string `json:"value"` // empty: missing, or merged
	// Merged is how many values these rows have together: those of fewer than MinCell rows, those after the first MaxValues, and where that
	// would leave fewer than MinCell rows, the rarest of the others, so that the remainder to the total is no small cell either. 0: one value.
	Merged     int   `json:"merged"`
	Rows       int   `json:"rows"`
	Champion   Rate  `json:"champion_approved"`
	Challenger Rate  `json:"challenger_approved"`
	SwappedIn  Group `json:"swapped_in"`
	SwappedOut Group `json:"swapped_out"`
}

// compareBy compares the sides by the column's values.
func (r Rows) compareBy(column Column, champion, challenger []decision.Decision) Segment {
	tables := map[string]*table{}
	for i, value := range column.Values {
		if tables[value] == nil {
			tables[value] = &table{}
		}
		tables[value].add(champion[i].Verdict, challenger[i].Verdict, r.outcome(i))
	}
	values := make([]string, 0, len(tables))
	for value := range tables {
		values = append(values, value)
	}
	slices.SortFunc(values, func(a, b string) int {
		return cmp.Or(cmp.Compare(tables[b].rows, tables[a].rows), cmp.Compare(a, b))
	})
	named := nameable(values, tables)
	segment := Segment{Column: column.Name, Values: []SegmentValue{}}
	for _, value := range values[:named] {
		segment.Values = append(segment.Values, tables[value].segmentValue(value, 0))
	}
	if named < len(values) {
		var rest table
		for _, value := range values[named:] {
			rest.merge(tables[value])
		}
		segment.Values = append(segment.Values, rest.segmentValue("", len(values)-named))
	}
	return segment
}

// nameable is how many of the values, in order of falling rows, may be named.
func nameable(values []string, tables map[string]*table) int {
	named := 0
	for named < min(len(values), MaxValues) && tables[values[named]].rows >= MinCell {
		named++
	}
	rest := 0
	for _, value := range values[named:] {
		rest += tables[value].rows
	}
	if named > 0 && rest > 0 && rest < MinCell {
		named--
	}
	return named
}

func (t *table) merge(other *table) {
	t.rows += other.rows
	for _, pair := range []struct{ to, from *tally }{
		{&t.bothApprove, &other.bothApprove}, {&t.swappedIn, &other.swappedIn},
		{&t.swappedOut, &other.swappedOut}, {&t.bothDecline, &other.bothDecline},
	} {
		pair.to.rows += pair.from.rows
		pair.to.known += pair.from.known
		pair.to.bad += pair.from.bad
	}
}

func (t *table) segmentValue(value string, merged int) SegmentValue {
	return SegmentValue{
		Value: value, Merged: merged, Rows: t.rows,
		Champion: t.side(t.bothApprove, t.swappedOut).Approved, Challenger: t.side(t.bothApprove, t.swappedIn).Approved,
		SwappedIn: t.group(t.swappedIn), SwappedOut: t.group(t.swappedOut),
	}
}
