// Package drill is the fault that an operator asks for on a game day, to see that a canary finds it.
package drill

import (
	"strconv"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/fault"
)

// Kind is what goes wrong; the zero value is nothing.
type Kind string

// The kinds. All but Swap befall a request, whether of one application or a batch.
const (
	Delay      Kind = "delay"       // the answer is late
	CrashAfter Kind = "crash_after" // the process ends
	Errors     Kind = "errors"      // the answer is 500
	Reject     Kind = "reject"      // the answer is 422
	Hang       Kind = "hang"        // there is no answer
	Leak       Kind = "leak"        // memory is kept that nobody needs
	Swap       Kind = "swap"        // every decision is made of 1 - p in place of the probability p, as if the label meant its opposite
)

// The bounds of a drill's delay, and of what one request leaks.
const (
	maxDelay = time.Minute
	maxSize  = 1 << 30
)

// Drill is a fault that a predictor injects; the zero value injects none.
type Drill struct {
	Kind  Kind
	Share Share         // of the requests that Delay, Errors, Reject, Hang and Leak hit
	Delay time.Duration // of Delay
	Size  uint64        // in bytes, what Leak keeps of each request until the process ends
	After uint64        // the number, from 1, of the request that CrashAfter ends the process with
}

// Parse reads "" (none), "delay=300ms" (at most a minute, of all requests) or "delay=300ms@3%" (of a share of them), "crash_after=20",
// "errors=5%", "reject=5%", "hang=10%", "leak=8MiB" (in KiB, MiB or GiB, at most 1GiB, of all requests) or "swap". Anything else is a fault.Invalid.
func Parse(text string) (Drill, error) {
	if text == "" {
		return Drill{}, nil
	}
	kind, value, _ := strings.Cut(text, "=")
	d, ok := Drill{Kind: Kind(kind)}, false
	switch d.Kind {
	case Delay:
		d.Delay, d.Share, ok = parseDelay(value)
	case CrashAfter:
		after, err := strconv.ParseUint(value, 10, 31)
		d.After, ok = after, err == nil && after > 0
	case Errors, Reject, Hang:
		d.Share, ok = parseShare(value)
	case Leak:
		d.Size, ok = parseSize(value)
		d.Share = whole
	case Swap:
		ok = text == string(Swap)
	}
	if !ok {
		return Drill{}, fault.New(fault.Invalid, "drill %q: want empty, delay=300ms (at most %s), delay=300ms@3%%, crash_after=20, "+
			"errors=5%%, reject=5%%, hang=10%%, leak=8MiB (at most 1GiB) or swap; a share is above 0%% and at most 100%%, with at most two decimals", text, maxDelay)
	}
	return d, nil
}

func parseDelay(text string) (time.Duration, Share, bool) {
	length, of, partial := strings.Cut(text, "@")
	delay, err := time.ParseDuration(length)
	share, ok := whole, true
	if partial {
		share, ok = parseShare(of)
	}
	return delay, share, ok && err == nil && delay > 0 && delay <= maxDelay
}

// units are those of a size, with how far they shift it.
var units = map[string]int{"KiB": 10, "MiB": 20, "GiB": 30}

// parseSize reads a whole number of a unit, such as "8MiB".
func parseSize(text string) (uint64, bool) {
	number := strings.TrimRight(text, "KMGiB")
	n, err := strconv.ParseUint(number, 10, 32)
	shift, known := units[text[len(number):]]
	size := n << shift
	return size, known && err == nil && n > 0 && size <= maxSize
}

// Hits says whether the predictor's n-th request, from 1, is one that the fault befalls.
func (d Drill) Hits(n uint64) bool {
	if d.Kind == CrashAfter {
		return n == d.After
	}
	return d.Share.hits(n)
}
