package parallel

import (
	"runtime"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// Caught, deferred, makes a fault.Internal of a panic. One in a goroutine of its own ends the program, and with it everything else that a worker does; the next
// worker takes the same up again. The fault tells where it was, and what only of the runtime's own: another's text may hold a value of the data.
func Caught(err *error) {
	value := recover()
	if value == nil {
		return
	}
	what := "a panic"
	if defect, ok := value.(runtime.Error); ok {
		what = defect.Error()
	}
	*err = fault.New(fault.Internal, "%s at %s", what, panicked())
}

// panicked is the function in which the panic was that is being recovered from.
func panicked() string {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)]) // from Caught's caller on, which is the runtime
	for {
		frame, more := frames.Next()
		if !more || !strings.HasPrefix(frame.Function, "runtime.") {
			return frame.Function
		}
	}
}
