package profile

import (
	"hash/fnv"

	"github.com/axiomhq/hyperloglog"

	"github.com/loanops/loanops/internal/dataset"
)

// column is what one column has shown.
type column struct {
	name      string
	kind      dataset.Kind
	role      Role
	missing   tally
	missingIn []int // by period
	distinct  *hyperloglog.Sketch
	numbers   numbers
	texts     *texts // nil for a column of numbers, and for one of too many texts
}

func newColumn(c *dataset.Column, role Role, b *batch) column {
	s := column{name: c.Name, kind: c.Kind, role: role, missingIn: make([]int, b.periods), distinct: hyperloglog.NewNoSparse()}
	if c.Kind == dataset.Text {
		s.texts = newTexts(b.periods)
		s.addTexts(c, b)
	} else {
		s.numbers.sums = make([]float64, b.periods)
		s.addNumbers(c, b)
	}
	return s
}

// move puts what is kept by period into the places of another calendar.
func (s *column) move(places []int, periods int) {
	same := len(places) == periods
	for i, at := range places {
		same = same && i == at
	}
	if same {
		return
	}
	s.missingIn = moved(s.missingIn, places, periods)
	s.numbers.move(places, periods)
	if s.texts != nil {
		s.texts.move(places, periods)
	}
}

// merge adds what the column has shown in the next rows, whose periods are the same.
func (s *column) merge(next *column) error {
	s.missing.add(next.missing)
	for i, count := range next.missingIn {
		s.missingIn[i] += count
	}
	if err := s.distinct.Merge(next.distinct); err != nil {
		return err
	}
	s.numbers.merge(&next.numbers)
	if s.texts == nil || next.texts == nil {
		s.texts = nil
		return nil
	}
	s.texts.merge(next.texts)
	if len(s.texts.names) > maxTexts {
		s.texts = nil
	}
	return nil
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
