package scoring

import (
	"cmp"

	"github.com/loanops/loanops/internal/parallel"
)

// block is how many rows one processor takes at a time.
const block = 8192

// inBlocks does rows in blocks, side by side. The fault is that of the first block that has one.
func inBlocks(rows int, do func(from, to int) error) error {
	return cmp.Or(parallel.Each((rows+block-1)/block, func(i int) error { return do(i*block, min((i+1)*block, rows)) })...)
}
