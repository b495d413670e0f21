package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Split divides the rows that have a known, matured label into three disjoint parts. Every part keeps the rows' order.
//
//   - by time: the oldest train, the newest test; all rows of one day go to the same part, so that nothing of the test
//     days is known in training;
//   - by hash: SHA-256 of the seed and the entity (without one, of the row's content) decides, so that a row stays in
//     its part when rows are added and equal rows stay together.
//
// A part without rows, or a training or test part with one class only, is a fault.Refused.
func Split(spec pipeline.Spec, t Table, knownAt time.Time) (train, validation, test Table, err error) {
	y, err := Label(spec, t, knownAt)
	if err != nil {
		return train, validation, test, err
	}
	var known []int
	for i := range y {
		if !math.IsNaN(y[i]) {
			known = append(known, i)
		}
	}
	part := hashParts
	if spec.Split.By == "time" {
		part = timeParts
	}
	assigned, err := part(spec, t, known)
	if err != nil {
		return train, validation, test, err
	}
	var rows [3][]int
	var positives [3]int
	for k, row := range known {
		rows[assigned[k]] = append(rows[assigned[k]], row)
		positives[assigned[k]] += int(y[row])
	}
	for i, name := range []string{"train", "validation", "test"} {
		if n := len(rows[i]); n == 0 || positives[i] == 0 || positives[i] == n {
			return train, validation, test, fault.New(fault.Refused,
				"the %s part has %d rows with %d positive labels; both classes are needed: bring more labelled data or change the split", name, n, positives[i])
		}
	}
	return t.Select(rows[0]), t.Select(rows[1]), t.Select(rows[2]), nil
}

// timeParts returns 0, 1 or 2 per known row. The borders are the days at which the shares are reached.
func timeParts(spec pipeline.Spec, t Table, known []int) ([]int, error) {
	dates := t.Column(spec.Time)
	if dates == nil || dates.Kind != Date {
		return nil, fault.New(fault.Invalid, "the time column %q is missing or not a date", spec.Time)
	}
	days := make([]float64, len(known))
	for k, row := range known {
		days[k] = dates.Floats[row]
		if math.IsNaN(days[k]) {
			return nil, fault.New(fault.Invalid, "the time column %q is missing in a row with a label", spec.Time)
		}
	}
	sorted := slices.Sorted(slices.Values(days))
	border := func(share float64) float64 {
		if len(sorted) == 0 {
			return 0
		}
		return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
	}
	first, second := border(spec.Split.Train), border(spec.Split.Train+spec.Split.Validation)
	parts := make([]int, len(known))
	for k, day := range days {
		switch {
		case day < first:
			parts[k] = 0
		case day < second:
			parts[k] = 1
		default:
			parts[k] = 2
		}
	}
	return parts, nil
}

// hashParts returns 0, 1 or 2 per known row.
func hashParts(spec pipeline.Spec, t Table, known []int) ([]int, error) {
	columns := make([]*Column, 0, len(t.Columns))
	if spec.Entity != "" {
		entity := t.Column(spec.Entity)
		if entity == nil {
			return nil, fault.New(fault.Invalid, "the entity column %q is missing", spec.Entity)
		}
		columns = append(columns, entity)
	} else {
		for i := range t.Columns {
			if spec.Knows(t.Columns[i].Name) { // a column that is new must not move rows
				columns = append(columns, &t.Columns[i])
			}
		}
	}
	parts := make([]int, len(known))
	for k, row := range known {
		share := hashShare(spec.Split.Seed, columns, row)
		switch {
		case share < spec.Split.Train:
			parts[k] = 0
		case share < spec.Split.Train+spec.Split.Validation:
			parts[k] = 1
		default:
			parts[k] = 2
		}
	}
	return parts, nil
}

// hashShare maps the columns' values of a row to [0, 1), evenly.
func hashShare(seed uint64, columns []*Column, row int) float64 {
	h := sha256.New()
	var word [8]byte
	binary.LittleEndian.PutUint64(word[:], seed)
	h.Write(word[:])
	for _, c := range columns {
		text := c.text(row)
		binary.LittleEndian.PutUint64(word[:], uint64(len(text)))
		h.Write(word[:])
		h.Write([]byte(text))
	}
	const steps = 1 << 53
	return float64(binary.LittleEndian.Uint64(h.Sum(nil)[:8])%steps) / steps
}
