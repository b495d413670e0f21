package profile

import (
	"cmp"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/dataset"
)

// sampled is how many rows are kept for what looks at columns beside each other.
const sampled = 5_000

// sample is the rows whose ordinals have the smallest hashes (bottom-k sampling, doi 10.1145/1281100.1281133): which they are depends on the
// rows alone. Up to four times as many are held on the way, so that few are moved twice. Texts are held as numbers that stand for them.
type sample struct {
	hashes  []uint64
	limit   uint64 // no row with a larger hash is among them any more; 0 while none is too many
	columns [][]float64
}

// newSample chooses rows of a batch: those that may be among the smallest of all, whatever the other batches hold.
func newSample(t dataset.Table) (s sample, chosen []int) {
	rows, ordinals := t.Rows(), t.Column(dataset.RowColumn)
	hashes := make([]uint64, rows)
	for i := range hashes {
		ordinal := uint64(i)
		if ordinals != nil {
			ordinal = uint64(ordinals.Floats[i])
		}
		hashes[i] = mixed(ordinal)
	}
	limit := uint64(math.MaxUint64)
	if share := 1.1 * sampled / float64(rows); share < 1 { // a tenth more than needed, lest they are too few
		limit = uint64(float64(limit) * share)
	}
	for {
		for i, hash := range hashes {
			if hash <= limit {
				s.hashes, chosen = append(s.hashes, hash), append(chosen, i)
			}
		}
		if len(chosen) >= min(sampled, rows) {
			return s, chosen
		}
		limit, s.hashes, chosen = math.MaxUint64, nil, nil
	}
}

// take adds a column's values in the chosen rows.
func (s *sample) take(c *dataset.Column, chosen []int) {
	values := make([]float64, len(chosen))
	for i, row := range chosen {
		switch {
		case c.Kind != dataset.Text:
			values[i] = c.Floats[row] + 0
		case c.Valid[row]:
			values[i] = float64(hashed(c.Texts[row]) >> 11) // 53 bits, which a float64 holds
		default:
			values[i] = math.NaN()
		}
	}
	s.columns = append(s.columns, values)
}

// merge adds the sample of the next rows.
func (s *sample) merge(next *sample) {
	for i, hash := range next.hashes {
		if s.limit > 0 && hash > s.limit {
			continue
		}
		s.hashes = append(s.hashes, hash)
		for c := range s.columns {
			s.columns[c] = append(s.columns[c], next.columns[c][i])
		}
	}
	if len(s.hashes) > 4*sampled {
		s.cut()
	}
}

// cut keeps the rows with the smallest hashes, in the order of these.
func (s *sample) cut() {
	order := make([]int, len(s.hashes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.hashes[a], s.hashes[b]) })
	if len(order) >= sampled {
		order = order[:sampled]
		s.limit = s.hashes[order[sampled-1]]
	}
	s.hashes = gathered(s.hashes, order)
	for c := range s.columns {
		s.columns[c] = gathered(s.columns[c], order)
	}
}

func gathered[T any](values []T, order []int) []T {
	out := make([]T, len(order))
	for i, at := range order {
		out[i] = values[at]
	}
	return out
}
