package main

import (
	"github.com/loanops/loanops/tests/platformtest"
)

// client asks the gateway for decisions all the time, and remembers what came of it.
type client struct {
	*platformtest.Load
	platformtest.Asked
}

func newClient(p *platformtest.Platform) (*client, error) {
	c := &client{}
	var err error
	c.Load, err = p.Load(model, c.Ended)
	return c, err
}
