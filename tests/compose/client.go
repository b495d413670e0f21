package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/loanops/loanops/tests/platformtest"
)

// client asks the gateway for decisions all the time, from outside, and remembers what came of it.
type client struct {
	*platformtest.Load
	platformtest.Asked
	ask func() (platformtest.Track, error)
}

// newClient asks with what the champion's golden predictions are of, and the key of north-bank.
func newClient(ctx context.Context, p *project) (*client, error) {
	if err := p.cli(ctx, nil, "models", "show", model, "champion", "--save", "files/"+model); err != nil {
		return nil, err
	}
	applications, err := platformtest.Golden(filepath.Join(p.clone, "files", model))
	if err != nil {
		return nil, err
	}
	key, err := p.secret("north-bank.key")
	if err != nil {
		return nil, err
	}
	caller, err := platformtest.NewCaller(p.gateway, key, model, applications...)
	if err != nil {
		return nil, err
	}
	c := &client{ask: caller.Ask}
	c.Load = platformtest.NewLoad(caller.Ask, c.Ended)
	return c, nil
}

// count counts the requests, and their failures, see platformtest.Failures.
func count(requests []platformtest.Request, away platformtest.Outage) (all, failed, unexpected int, first error) {
	failed, unexpected, first = platformtest.Failures(requests, away)
	return len(requests), failed, unexpected, first
}

// readable lets users of containers read a file that was written for them.
func readable(file string) error { return os.Chmod(file, 0o644) }
