package predictor

import (
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/loanops/loanops/internal/fault"
)

// drill is a fault that an operator asked for, to see on a game day that the canary finds it.
type drill struct {
	delay     time.Duration
	remaining *atomic.Int64 // decisions until the process ends; nil: it does not
}

// parseDrill reads "", "delay=200ms" or "crash_after=20".
func parseDrill(text string) (drill, error) {
	if text == "" {
		return drill{}, nil
	}
	slog.Warn("DRILL: this predictor misbehaves on purpose", "drill", text)
	name, value, _ := strings.Cut(text, "=")
	switch name {
	case "delay":
		if delay, err := time.ParseDuration(value); err == nil && delay > 0 {
			return drill{delay: delay}, nil
		}
	case "crash_after":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && n > 0 {
			remaining := &atomic.Int64{}
			remaining.Store(n)
			return drill{remaining: remaining}, nil
		}
	}
	return drill{}, fault.New(fault.Invalid, "LOANOPS_DRILL is %q; delay=200ms or crash_after=20 is wanted", text)
}

func (d drill) before() {
	if d.delay > 0 {
		time.Sleep(d.delay)
	}
}

func (d drill) after() {
	if d.remaining != nil && d.remaining.Add(-1) == 0 {
		slog.Error("DRILL: crashing")
		os.Exit(3)
	}
}
