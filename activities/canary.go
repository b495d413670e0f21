package activities

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/scoring"
	"github.com/loanops/loanops/internal/serving"
)

// maxWindows is how often an observation begins again because the gateway was restarted under it.
const maxWindows = 3

// syntheticApplications is how many different applications of the test part the platform's own traffic is drawn from.
const syntheticApplications = 5000

// CanaryInput is one analysis of both tracks at a weight.
type CanaryInput struct {
	Candidate Candidate     `json:"candidate"`
	Champion  serving.Track `json:"champion"`
	Weight    int           `json:"weight"`
	// Seconds is how long the window is, and Window its number in the delivery, from 1: each asks about other applications of the pool first.
	Seconds int `json:"seconds"`
	Window  int `json:"window"`
	// Enough of the clients' requests to the challenger, or pairs, end the window early, though not before the spec's interval; 0 does not.
	Enough int64 `json:"enough,omitempty"`
	// Generation is that of the record under which both get their share: the observation ends when it is overtaken.
	Generation int64 `json:"generation"`
}

// CanaryOutput is what the analysis saw.
type CanaryOutput struct {
	Observation canary.Observation `json:"observation"`
}

// Summary counts the requests; what they mean is decided by the workflow.
func (o CanaryOutput) Summary() string {
	clients, synthetic := o.Observation.Clients, o.Observation.Synthetic
	return fmt.Sprintf("clients: challenger %d requests, champion %d, %d pairs; synthetic: %d, %d, %d",
		clients.Canary.Requests, clients.Stable.Requests, clients.Pairs.Ended, synthetic.Canary.Requests, synthetic.Stable.Requests, synthetic.Pairs.Ended)
}

// CheckInput is one verdict of the canary, to be kept.
type CheckInput struct {
	Check registry.CanaryCheck `json:"check"`
}

// CheckOutput is empty: the verdict was kept.
type CheckOutput struct{}

// Summary says so.
func (CheckOutput) Summary() string { return "kept" }

// Canary observes both tracks of a staged delivery through the gateway that shares their traffic.
type Canary struct {
	Registry registry.Registry
	Objects  Objects
	// Gateway is its base URL; KeyFile holds the key of the institution "synthetic".
	Gateway, KeyFile string
	Client           *http.Client
	Agent            Addresses
}

// Analyse adds marked synthetic traffic for the window and returns what the gateway counted meanwhile, by who asked, per track and per pair.
// A worker that dies leaves nothing behind: the window is observed anew.
func (c *Canary) Analyse(ctx context.Context, in CanaryInput) (CanaryOutput, error) {
	spec, version, err := in.Candidate.read(ctx, c.Registry)
	if err != nil {
		return CanaryOutput{}, err
	}
	cfg := spec.Deploy.Canary
	traffic, err := c.traffic(ctx, in, cfg, version)
	if err != nil {
		return CanaryOutput{}, err
	}
	for range maxWindows {
		before, err := c.scrape(ctx)
		if err != nil {
			return CanaryOutput{}, err
		}
		say(ctx, fmt.Sprintf("observing for %d s at %d %%", in.Seconds, in.Weight))
		w := window{in: in, spec: spec, before: before, lately: late{since: before}}
		ended := func(elapsed time.Duration) bool {
			if w.killed = c.killed(ctx, in); w.killed != "" {
				return true
			}
			if !w.shared() && !w.long(elapsed) {
				return false // nothing can end it now: nothing is to be read
			}
			now, err := c.scrape(ctx)
			return err == nil && w.over(now, elapsed)
		}
		elapsed, err := c.observe(ctx, in, traffic, time.Duration(in.Seconds)*time.Second, ended)
		if err != nil {
			return CanaryOutput{}, err
		}
		w.killed = cmp.Or(w.killed, c.killed(ctx, in))
		after, err := c.scrape(ctx)
		if err != nil {
			return CanaryOutput{}, err
		}
		if after.started != before.started && w.killed == "" {
			continue // the counters began again
		}
		return CanaryOutput{Observation: w.observation(after, elapsed)}, nil
	}
	return CanaryOutput{}, fault.New(fault.Unavailable, "the gateway was restarted in each of %d observations", maxWindows)
}

// agentAnswer is how long an agent may take to say how the challenger is: what it would say is asked again, and other things are watched meanwhile.
const agentAnswer = time.Second

// killed says that the challenger's predictor was killed at its limit of memory in this canary, and at which; empty when it was not, as far as is known.
func (c *Canary) killed(ctx context.Context, in CanaryInput) string {
	asked, cancel := context.WithTimeout(ctx, agentAnswer)
	defer cancel()
	actual, err := c.Agent.Actual(asked, serving.Production, in.Candidate.Model)
	if err != nil {
		return ""
	}
	kill := actual.Tracks[actual.SlotOf(in.Candidate.Track)].Killed
	if kill == nil {
		return ""
	}
	history, err := c.Registry.ServingHistory(ctx, in.Candidate.Model, serving.Production)
	if err != nil || in.Generation < 1 || in.Generation > int64(len(history)) || kill.Generation < since(history[:in.Generation], in.Candidate.Track) {
		return ""
	}
	return kill.String()
}

// since is the generation since which a track has been challenger, or champion after that, up to the last record.
func since(history []serving.Record, track serving.Track) (generation int64) {
	for _, record := range slices.Backward(history) {
		if !serving.Is(record.Challenger, &track) && !serving.Is(record.Champion, &track) {
			break
		}
		generation = record.Generation
	}
	return generation
}

// watchInterval is how often an observation looks whether it is still meant.
const watchInterval = canary.WatchSeconds * time.Second

// observe sends traffic for the window, or until it has ended, and returns for how long. It ends early with an error when the record was
// overtaken: there is nothing to observe any more. A database that is away for a while does not end it.
func (c *Canary) observe(ctx context.Context, in CanaryInput, traffic *traffic, window time.Duration, ended func(elapsed time.Duration) bool) (time.Duration, error) {
	watched, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	overtaken := func() {
		newest, err := c.Registry.Serving(watched, in.Candidate.Model, serving.Production)
		if err != nil {
			return
		}
		if same, err := isNewest(watched, c.Registry, newest, in.Generation); err == nil && !same {
			stop(overtakenBy(newest))
		}
	}
	overtaken()
	began, over := time.Now(), make(chan time.Duration, 1)
	go func() {
		ticker, end := time.NewTicker(watchInterval), time.NewTimer(window)
		defer ticker.Stop()
		defer end.Stop()
		for {
			select {
			case <-watched.Done():
				return
			case <-end.C:
				over <- window
				return
			case <-ticker.C:
				overtaken()
				if elapsed := time.Since(began); elapsed < window && ended(elapsed) {
					over <- elapsed
					return
				}
			}
		}
	}()
	elapsed, err := traffic.send(watched, over)
	if cause := context.Cause(watched); fault.CodeOf(cause) == fault.Overtaken {
		return 0, cause
	}
	return elapsed, err
}

// traffic prepares applications from the version's test part: both tracks are asked about the same mix, and both take all of it.
func (c *Canary) traffic(ctx context.Context, in CanaryInput, cfg pipeline.Canary, version registry.ModelVersion) (*traffic, error) {
	t := &traffic{
		client: c.Client, rate: cfg.Rate,
		url: c.Gateway + "/v1/pipelines/" + in.Candidate.Model + "/decisions", seed: uint64(version.Version)<<32 | uint64(in.Window),
	}
	if t.rate <= 0 {
		return t, nil
	}
	var err error
	if t.key, err = readKey(c.KeyFile); err != nil {
		return nil, err
	}
	table, err := ReadTable(ctx, c.Objects, test(version))
	if err != nil {
		return nil, err
	}
	var contracts []request.Contract
	for _, number := range []int{in.Champion.Version, in.Candidate.Version} {
		of, err := contractOf(ctx, c.Registry, c.Objects, in.Candidate.Model, number)
		if err != nil {
			return nil, err
		}
		contracts = append(contracts, of)
	}
	applications, _, err := scoring.Applications(table, syntheticApplications, contracts...)
	if err != nil {
		return nil, err
	}
	if len(applications) == 0 {
		t.rate = 0 // the contract is broken, as the spec allows: nothing that could be asked is good for both
		return t, nil
	}
	t.bodies, err = singleBodies(applications)
	return t, err
}

// RecordCheck keeps one verdict of the canary.
func (c *Canary) RecordCheck(ctx context.Context, in CheckInput) (CheckOutput, error) {
	return CheckOutput{}, c.Registry.PutCanaryCheck(ctx, in.Check)
}
