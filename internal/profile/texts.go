package profile

import (
	"cmp"
	"slices"

	"github.com/loanops/loanops/internal/dataset"
)

// maxTexts is how many different texts of a column are counted; of a column with more no frequencies are shown.
const maxTexts = 1000

// texts counts those of a column by class and by period.
type texts struct {
	index    map[string]int
	names    []string
	tallies  []tally
	inPeriod []uint32 // of text i in period p at i*periods+p
	periods  int
	recent   [256]int32 // places of texts that were seen lately, by a few of their bytes; wrong ones do no harm
}

func newTexts(periods int) *texts { return &texts{index: map[string]int{}, periods: periods} }

// at is the place of a text.
func (s *texts) at(name string) int {
	slot := uint8(0)
	if n := len(name); n > 0 {
		slot = uint8(n)*67 + name[0]*7 + name[n-1]*29
	}
	if at := int(s.recent[slot]); at < len(s.names) && s.names[at] == name {
		return at
	}
	at := s.place(name)
	s.recent[slot] = int32(at)
	return at
}

func (s *texts) place(name string) int {
	at, known := s.index[name]
	if !known {
		at = len(s.names)
		s.index[name] = at
		s.names = append(s.names, name)
		s.tallies = append(s.tallies, tally{})
		s.inPeriod = append(s.inPeriod, make([]uint32, s.periods)...)
	}
	return at
}

func (s *texts) move(places []int, periods int) {
	var inPeriod []uint32
	for i := range s.names {
		inPeriod = append(inPeriod, moved(s.inPeriod[i*s.periods:(i+1)*s.periods], places, periods)...)
	}
	s.inPeriod, s.periods = inPeriod, periods
}

func (s *texts) merge(next *texts) {
	for i, name := range next.names {
		at := s.at(name)
		s.tallies[at].add(next.tallies[i])
		for p := range s.periods {
			s.inPeriod[at*s.periods+p] += next.inPeriod[i*s.periods+p]
		}
	}
}

// ranked are the places of the texts, the most frequent first, equally frequent ones in their own order.
func (s *texts) ranked() []int {
	order := make([]int, len(s.names))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(s.tallies[b].rows(), s.tallies[a].rows()), cmp.Compare(s.names[a], s.names[b]))
	})
	return order
}

func (s *column) addTexts(c *dataset.Column, b *batch) {
	for i, text := range c.Texts {
		class, period := b.class[i], b.period[i]
		switch {
		case !c.Valid[i]:
			s.missing[class]++
			s.missingIn[period]++
		case s.texts == nil:
			s.distinct.InsertHash(hashed(text))
		default:
			at := s.texts.at(text)
			s.texts.tallies[at][class]++
			s.texts.inPeriod[at*b.periods+int(period)]++
			if len(s.texts.names) > maxTexts {
				s.forget()
			}
		}
	}
	if s.texts != nil {
		for _, text := range s.texts.names {
			s.distinct.InsertHash(hashed(text))
		}
	}
}

// forget gives the frequencies up.
func (s *column) forget() {
	for _, text := range s.texts.names {
		s.distinct.InsertHash(hashed(text))
	}
	s.texts = nil
}
