package ci

import (
	"fmt"
	"strings"
)

// tell makes an application that breaks a property as ordinary as it can be, and notes it.
func (p *predictions) tell(a application, wrong broken) {
	for again := true; again; {
		again = false
		for i := range a {
			if a[i] == p.ordinary[i] {
				continue
			}
			simpler := p.with(a, i, p.ordinary[i])
			if _, _, still := p.holds(simpler); still.property == wrong.property {
				a, wrong, again = simpler, still, true
			}
		}
	}
	p.note(a, wrong)
}

// note tells what an application breaks, by the fields in which it is out of the ordinary. The same of the same fields is told once.
func (p *predictions) note(a application, wrong broken) {
	var names, values []string
	for i := range a {
		if a[i] != p.ordinary[i] {
			names = append(names, p.fields[i].Name)
			values = append(values, p.fields[i].Name+" "+a[i].words())
		}
	}
	key := wrong.property + ": " + strings.Join(names, ", ")
	if p.told[key] {
		return
	}
	p.told[key] = true
	which := "an ordinary application"
	if len(values) > 0 {
		which = "an application that is ordinary but for " + some(values)
	}
	p.reasons = append(p.reasons, fmt.Sprintf("%s %s: %s", which, wrong.property, wrong.how))
	p.log = append(p.log, fmt.Sprintf("%s: %s", wrong.property, p.sent(a, inOrder(len(a)))))
}

// inOrder are the places 0 to n-1.
func inOrder(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}
