package predictor

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loanops/loanops/internal/drill"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/problem"
)

// injector makes the predictor misbehave as the drill says. It counts requests for decisions alone, never those that ask how it is.
type injector struct {
	drill    drill.Drill
	requests atomic.Uint64
	exit     func(code int)

	mu   sync.Mutex
	kept [][]byte // of Leak
}

func newInjector(text string) (*injector, error) {
	asked, err := drill.Parse(text)
	if err != nil {
		return nil, err
	}
	if text != "" {
		slog.Warn("DRILL: this predictor misbehaves on purpose", "drill", text)
	}
	return &injector{drill: asked, exit: os.Exit}, nil
}

// request is called once for every request whose body was read; an error is its answer. Only then does the server notice that the
// caller went away, which is what ends ctx and a request that hangs.
func (i *injector) request(ctx context.Context) error {
	if !i.drill.Hits(i.requests.Add(1)) {
		return nil
	}
	switch i.drill.Kind {
	case drill.Delay:
		time.Sleep(i.drill.Delay)
	case drill.CrashAfter:
		slog.Error("DRILL: crashing")
		i.exit(3)
	case drill.Errors:
		return fault.New(fault.Internal, "DRILL: failed on purpose")
	case drill.Reject:
		return problem.New(http.StatusUnprocessableEntity, "DRILL: refused on purpose")
	case drill.Leak:
		i.leak()
	case drill.Hang:
		<-ctx.Done()
		panic(http.ErrAbortHandler) // the connection closes without an answer
	}
	return nil
}

// leak keeps memory of one more request. A page counts once it is written to.
func (i *injector) leak() {
	memory := make([]byte, i.drill.Size)
	for at := 0; at < len(memory); at += os.Getpagesize() {
		memory[at] = 1
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.kept = append(i.kept, memory)
}

// probability is what the decision is made of in place of p.
func (i *injector) probability(p float64) float64 {
	if i.drill.Kind == drill.Swap {
		return 1 - p
	}
	return p
}
