package activities

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/scoring"
)

// maxWindows is how often an observation begins again because the gateway was restarted under it.
const maxWindows = 3

// syntheticApplications is how many different applications of the test part the platform's own traffic is drawn from.
const syntheticApplications = 500

// Canary observes both tracks of a staged delivery through the gateway that shares their traffic.
type Canary struct {
	Registry registry.Registry
	Objects  Objects
	// Gateway is its base URL; KeyFile holds the key of the institution "synthetic".
	Gateway, KeyFile string
	Client           *http.Client
}

// Analyse adds marked synthetic traffic for the spec's interval and returns what the gateway counted meanwhile, per track.
// A worker that dies leaves nothing behind: the window is observed anew.
func (c *Canary) Analyse(ctx context.Context, in CanaryInput) (CanaryOutput, error) {
	cfg := in.Spec.Deploy.Canary
	traffic, err := c.traffic(ctx, in)
	if err != nil {
		return CanaryOutput{}, err
	}
	for range maxWindows {
		before, err := c.scrape(ctx)
		if err != nil {
			return CanaryOutput{}, err
		}
		say(ctx, fmt.Sprintf("observing for %d s at %d %%", cfg.IntervalSeconds, in.Weight))
		if err := traffic.send(ctx, time.Duration(cfg.IntervalSeconds)*time.Second); err != nil {
			return CanaryOutput{}, err
		}
		after, err := c.scrape(ctx)
		if err != nil {
			return CanaryOutput{}, err
		}
		if after.started != before.started {
			continue // the counters began again
		}
		return CanaryOutput{Observation: canary.Observation{
			Stable: after.track(in.Spec.Name, in.Champion.Version).since(before.track(in.Spec.Name, in.Champion.Version)),
			Canary: after.track(in.Spec.Name, in.Version.Version).since(before.track(in.Spec.Name, in.Version.Version)),
		}}, nil
	}
	return CanaryOutput{}, fault.New(fault.Unavailable, "the gateway was restarted in each of %d observations", maxWindows)
}

// traffic prepares applications from the version's test part: both tracks are asked about the same mix.
func (c *Canary) traffic(ctx context.Context, in CanaryInput) (*traffic, error) {
	t := &traffic{
		client: c.Client, rate: in.Spec.Deploy.Canary.Rate,
		url: c.Gateway + "/v1/pipelines/" + in.Spec.Name + "/decisions", seed: uint64(in.Version.Version)<<32 | uint64(in.Weight),
	}
	if t.rate <= 0 {
		return t, nil
	}
	var err error
	if t.key, err = readKey(c.KeyFile); err != nil {
		return nil, err
	}
	m, err := getModel(ctx, c.Objects, in.Version.Bundle)
	if err != nil {
		return nil, err
	}
	test, err := getTable(ctx, c.Objects, in.Version.Test)
	if err != nil {
		return nil, err
	}
	sample, err := scoring.Golden(m, test, syntheticApplications)
	if err != nil {
		return nil, err
	}
	t.bodies, err = singleBodies(sample)
	return t, err
}

// RecordCheck keeps one verdict of the canary.
func (c *Canary) RecordCheck(ctx context.Context, in CheckInput) (bool, error) {
	err := c.Registry.PutCanaryCheck(ctx, in.Check)
	return err == nil, err
}
