package simulate

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// person is somebody who applies, maybe more than once and for more than one product.
type person struct {
	gender, ageBand, employment string
	income, history             float64 // as they are first said

	// Neither is observed. hardship ties utilisation, delinquencies and defaults together; frailty is what else makes a person likely to default: an
	// application says nothing of it, a credit bureau and a history of payments do.
	hardship, frailty float64
}

// The purposes of generators: each of a number's draws has one of its own, so that none moves another's.
const (
	_ = iota
	forDrill
	forOutcome
	forFrailty
	forAgain
	forCard
	forBureau
	forReport
	forPayments
	forPayment
)

// chance is a generator of a number's own for a purpose, apart from the one that draws an application for a loan.
func chance(seed, purpose, number uint64) *rand.Rand {
	if purpose <= forOutcome {
		return rand.New(rand.NewPCG(seed, purpose<<62|number))
	}
	return rand.New(rand.NewPCG(seed, purpose<<56|number))
}

// frailtyWeight is the correlation of a person's frailty with the luck of the person's loan.
const frailtyWeight = 0.42

// frailty is that of the person of an application for a loan: normal, and the lower the worse the luck, of which it says a part. So it is a cause of
// the default that was there before, where the loans were drawn before there was one: given frailty and what is known, the rest is chance.
func frailty(seed uint64, number int, luck float64) float64 {
	unlucky := math.Sqrt2 * math.Erfinv(1-2*min(max(luck, 1e-12), 1-1e-12))
	return frailtyWeight*unlucky + math.Sqrt(1-frailtyWeight*frailtyWeight)*chance(seed, forFrailty, uint64(number)).NormFloat64()
}

const (
	againShare   = 0.15 // of applications for loans are by a person who may have applied before: fewer are, as nobody is like that at first
	againDays    = 60   // at least between two of them
	againCounted = 32   // so many persons of a kind are held
)

// lineup tells by whom applications for loans are, in their order. A loan is not drawn for a person: a person is who applied before and is alike.
type lineup struct {
	seed  uint64
	alike map[kind]*standing
}

// kind is what one person's applications have in common.
type kind struct {
	gender, ageBand   string
	hardship, frailty int8 // to a half
}

// standing are persons of a kind: a sample where there are many.
type standing struct {
	seen   int
	people []applied
}

// applied is a person with the day of the last application.
type applied struct {
	key  int
	last float64
	person
}

func newLineup(seed uint64) *lineup { return &lineup{seed, map[kind]*standing{}} }

// loan is whose an application for a loan is: the person's key and, as of the first application, what the person is.
func (l *lineup) loan(number int, day float64, a applicant) (key int, who person) {
	who = a.who
	who.frailty = frailty(l.seed, number, a.luck)
	of := kind{who.gender, who.ageBand, int8(math.Round(2 * who.hardship)), int8(math.Round(2 * who.frailty))}
	like := l.alike[of]
	if like == nil {
		like = &standing{}
		l.alike[of] = like
	}
	r := chance(l.seed, forAgain, uint64(number))
	if r.Float64() < againShare {
		if before := like.nearest(day, &who); before != nil {
			before.last = day
			return before.key, before.person
		}
	}
	one := applied{loanKey(number), day, who}
	like.seen++
	if len(like.people) < againCounted {
		like.people = append(like.people, one)
	} else if place := r.IntN(like.seen); place < againCounted {
		like.people[place] = one
	}
	return one.key, who
}

// nearest is who is most alike of those who applied long enough ago; nil where nobody did.
func (s *standing) nearest(day float64, who *person) (best *applied) {
	least := math.Inf(1)
	for i := range s.people {
		p := &s.people[i]
		distance := math.Abs(math.Log(p.income/who.income)) + math.Abs(p.history-who.history)/5
		if p.employment != who.employment {
			distance++
		}
		if p.last+againDays <= day && distance < least {
			best, least = p, distance
		}
	}
	return best
}

// Persons have the number of their first application, for a loan or for a card.
func loanKey(number int) int { return 2 * number }
func cardKey(number int) int { return 2*number + 1 }

// applicantID is how a person is called.
func applicantID(key int) string { return fmt.Sprintf("P%08d", key+1) }
