package main

import (
	"sync/atomic"

	"github.com/loanops/loanops/tests/platformtest"
)

// load counts what a lender's software asks, and what of it fails.
type load struct {
	*platformtest.Load
	asked, failed atomic.Int64
}

func newLoad(p *platformtest.Platform, model string) (*load, error) {
	l := &load{}
	var err error
	l.Load, err = p.Load(model, func(r platformtest.Request) {
		l.asked.Add(1)
		if r.Err != nil {
			l.failed.Add(1)
			platformtest.Say("a request failed: %s", r.Err)
		}
	})
	return l, err
}
