// Package parallel does the same for many things side by side.
package parallel

import (
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Each does things 0 to n-1, one per processor at a time, all of them whatever fails. It returns the faults in the order of the things, nil for one
// that was done: which of them is told does not depend on which came first. A panic is a fault as well, see Caught.
func Each(n int, do func(i int) error) (failed []error) {
	failed = make([]error, n)
	var all errgroup.Group
	all.SetLimit(runtime.GOMAXPROCS(0))
	for i := range failed {
		all.Go(func() error {
			defer Caught(&failed[i])
			failed[i] = do(i)
			return nil
		})
	}
	_ = all.Wait() // the faults are in failed
	return failed
}
