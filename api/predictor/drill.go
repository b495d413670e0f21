package predictor

import (
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/loanops/loanops/internal/drill"
)

// injector makes the predictor misbehave as the drill says.
type injector struct {
	delay     time.Duration
	remaining *atomic.Int64 // decisions until the process ends; nil: it does not
}

func newInjector(text string) (injector, error) {
	asked, err := drill.Parse(text)
	if err != nil || text == "" {
		return injector{}, err
	}
	slog.Warn("DRILL: this predictor misbehaves on purpose", "drill", text)
	i := injector{delay: asked.Delay}
	if asked.CrashAfter > 0 {
		i.remaining = &atomic.Int64{}
		i.remaining.Store(int64(asked.CrashAfter))
	}
	return i, nil
}

func (i injector) before() {
	if i.delay > 0 {
		time.Sleep(i.delay)
	}
}

func (i injector) after() {
	if i.remaining != nil && i.remaining.Add(-1) == 0 {
		slog.Error("DRILL: crashing")
		os.Exit(3)
	}
}
