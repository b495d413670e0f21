package scoring

import (
	"runtime"

	"golang.org/x/sync/errgroup"
)

// block is how many rows one processor takes at a time.
const block = 8192

// inBlocks does rows in blocks, side by side. The fault is that of the first block that has one.
func inBlocks(rows int, do func(from, to int) error) error {
	failed := make([]error, (rows+block-1)/block)
	var all errgroup.Group
	all.SetLimit(runtime.GOMAXPROCS(0))
	for i := range failed {
		all.Go(func() error {
			failed[i] = do(i*block, min((i+1)*block, rows))
			return nil
		})
	}
	_ = all.Wait() // the faults are told in the order of the rows
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
}
