package simulation

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/loanops/loanops/internal/parallel"
)

// Work is a part of a simulation that needs no other part: a cell of a table, or some of what is counted in one.
type Work struct {
	// Cost is about how long it takes, in a unit that all parts share.
	Cost float64
	Do   func()
}

// Run does the work on all processors, and says on standard error how far it is.
func Run(work []Work) {
	work = ordered(work)
	p := progress{began: time.Now()}
	for _, w := range work {
		p.all += w.Cost
	}
	p.said = p.began
	var mutex sync.Mutex
	parallel.Each(len(work), func(i int) error {
		work[i].Do()
		mutex.Lock()
		defer mutex.Unlock()
		if line := p.after(work[i].Cost, time.Now()); line != "" {
			fmt.Fprintln(os.Stderr, line)
		}
		return nil
	})
}

// ordered begins with what costs most, so that the processors end together.
func ordered(work []Work) []Work {
	return slices.SortedStableFunc(slices.Values(work), func(a, b Work) int { return cmp.Compare(b.Cost, a.Cost) })
}

// every is how long nothing is said after something was.
const every = 10 * time.Second

// progress is how far the work is.
type progress struct {
	began, said time.Time
	all, done   float64
}

// after says what there is to say when another part is done.
func (p *progress) after(cost float64, now time.Time) string {
	p.done += cost
	if now.Sub(p.said) < every || p.done <= 0 {
		return ""
	}
	p.said = now
	spent := now.Sub(p.began)
	left := time.Duration(float64(spent) * (p.all - p.done) / p.done)
	return fmt.Sprintf("%3.0f %% after %s, about %s left", 100*p.done/p.all, spent.Round(time.Second), left.Round(time.Second))
}
