package simulate

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// population is who applies for loans and for cards: lists of applications that grow as they are asked for. What is asked of it, and when, changes none.
type population struct {
	seed uint64
	// first is the day on which it begins, rate how many applications of a product come in a day.
	first, rate float64
	// day is the one of an application of either product, and loan draws one for a loan.
	day  func(number int) float64
	loan func(number int, day float64) applicant

	lineup *lineup
	people map[int]person // by key
	loans  []filed
	cards  []filed
}

// filed is an application, whose it is, and the day of its default; a day that never comes where there is none.
type filed struct {
	key      int
	day, bad float64
}

func newPopulation(seed uint64, first, rate float64, day func(int) float64, loan func(int, float64) applicant) *population {
	return &population{seed: seed, first: first, rate: rate, day: day, loan: loan, lineup: newLineup(seed), people: map[int]person{}}
}

func newFiled(key int, day float64, end ending) filed {
	if end.approved && end.defaulted {
		return filed{key, day, day + float64(end.daysToDefault)}
	}
	return filed{key, day, math.Inf(1)}
}

// loanOf is an application for a loan.
func (p *population) loanOf(number int) filed {
	for next := len(p.loans); next <= number; next++ {
		day := p.day(next)
		a := p.loan(next, day)
		key, who := p.lineup.loan(next, day, a)
		p.people[key] = who
		p.loans = append(p.loans, newFiled(key, day, a.ending))
	}
	return p.loans[number]
}

const (
	sharedShare    = 0.6 // of applications for cards are by persons who apply for a loan,
	sharedDays     = 300 // so many days before or after it,
	cardAgainShare = 0.1 // and of persons who have applied for a card
)

// nextCard is the next application for a card.
func (p *population) nextCard() (card, filed) {
	number := len(p.cards)
	day, r := p.day(number), chance(p.seed, forCard, uint64(number))
	key, who := p.holder(number, day, r)
	c := drawCard(r, &who, (day-p.first)/365)
	p.cards = append(p.cards, newFiled(key, day, c.ending))
	return c, p.cards[number]
}

// holder is whose an application for a card is.
func (p *population) holder(number int, day float64, r *rand.Rand) (key int, who person) {
	switch u := r.Float64(); {
	case u < sharedShare:
		if loan := number + int((2*r.Float64()-1)*sharedDays*p.rate); loan >= 0 {
			key = p.loanOf(loan).key
			return key, p.people[key]
		}
	case u < sharedShare+cardAgainShare:
		if before := number - 1 - int((againDays+r.Float64()*sharedDays)*p.rate); before >= 0 {
			key = p.cards[before].key
			return key, p.people[key]
		}
	}
	key = cardKey(number)
	who = describe(r, (day-p.first)/365, usual).who
	who.frailty = r.NormFloat64()
	p.people[key] = who
	return key, who
}

// history is what a person applied for.
type history struct {
	key int
	person
	days []float64 // of applications
	bad  []float64 // of defaults
}

// histories are those of everybody who applies until a day, in the order of their keys.
func (p *population) histories(until float64) []history {
	var all []filed
	for number := 0; p.day(number) <= until; number++ {
		if number == len(p.cards) {
			p.nextCard()
		}
		all = append(all, p.loanOf(number), p.cards[number])
	}
	slices.SortStableFunc(all, func(a, b filed) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.day, b.day)) })
	var out []history
	for _, of := range all {
		if len(out) == 0 || out[len(out)-1].key != of.key {
			out = append(out, history{key: of.key, person: p.people[of.key]})
		}
		h := &out[len(out)-1]
		h.days = append(h.days, of.day)
		if !math.IsInf(of.bad, 1) {
			h.bad = append(h.bad, of.bad)
		}
	}
	return out
}

// near says whether the person applies within so many days after a day, or did so within so many days before it.
func (h *history) near(day, ahead, behind float64) bool {
	return slices.ContainsFunc(h.days, func(applied float64) bool { return applied-ahead <= day && day <= applied+behind })
}

// defaults are how many there were by a day.
func (h *history) defaults(by float64) (n float64) {
	for _, day := range h.bad {
		if day <= by {
			n++
		}
	}
	return n
}
