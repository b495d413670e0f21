// Package drill is the fault that an operator asks for on a game day, to see that a canary finds it.
package drill

import (
	"strconv"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/fault"
)

// maxDelay bounds a drill's delay.
const maxDelay = time.Minute

// Drill is a fault that a predictor injects; the zero value injects none.
type Drill struct {
	Delay      time.Duration // before every decision
	CrashAfter int           // the process ends with this decision; 0: it does not
}

// Parse reads "" (none), "delay=200ms" (at most a minute) or "crash_after=20". Anything else is a fault.Invalid.
func Parse(text string) (Drill, error) {
	name, value, _ := strings.Cut(text, "=")
	switch name {
	case "":
		if text == "" {
			return Drill{}, nil
		}
	case "delay":
		if delay, err := time.ParseDuration(value); err == nil && delay > 0 && delay <= maxDelay {
			return Drill{Delay: delay}, nil
		}
	case "crash_after":
		if count, err := strconv.Atoi(value); err == nil && count > 0 {
			return Drill{CrashAfter: count}, nil
		}
	}
	return Drill{}, fault.New(fault.Invalid, "drill %q: want empty, delay=200ms (at most %s) or crash_after=20", text, maxDelay)
}
