package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/loanops/loanops/internal/deploy/runtime"
)

// How long a predictor is asked, by how many callers.
const (
	askedFor = 5 * time.Second
	callers  = 32
)

// round is what one predictor showed.
type round struct {
	ready     time.Duration // since it was started
	perSecond float64
	p50, p99  time.Duration
}

func (r round) String() string {
	return fmt.Sprintf("ready after %s, %.0f requests/s, p50 %s, p99 %s",
		r.ready.Round(time.Millisecond), r.perSecond, r.p50.Round(10*time.Microsecond), r.p99.Round(10*time.Microsecond))
}

// discard is a log that nobody reads.
type discard struct{ io.Writer }

func (discard) Close() error { return nil }

// measure starts a predictor, asks it, and stops it.
func measure(ctx context.Context, by runtime.Runtime, launch runtime.Launch, applications []map[string]any) (round, error) {
	start, err := by.Bring(ctx, launch.Spec.Image)
	if err != nil {
		return round{}, err
	}
	launch.Log = discard{io.Discard}
	began := time.Now()
	predictor, err := start(ctx, launch)
	if err != nil {
		return round{}, err
	}
	defer predictor.Stop()
	url, err := runtime.AwaitReady(ctx, predictor)
	if err != nil {
		return round{}, err
	}
	r := round{ready: time.Since(began)}
	latencies, err := load(ctx, url+"/v1/decisions", applications)
	if err != nil {
		return round{}, err
	}
	slices.Sort(latencies)
	r.perSecond = float64(len(latencies)) / askedFor.Seconds()
	r.p50, r.p99 = latencies[len(latencies)/2], latencies[len(latencies)*99/100]
	return r, nil
}

// load asks by callers at once, each after its answer again, and returns how long every answer took.
func load(ctx context.Context, url string, applications []map[string]any) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, askedFor)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	var all []time.Duration
	var first error
	var wait sync.WaitGroup
	for caller := range callers {
		wait.Go(func() {
			var mine []time.Duration
			var err error
			for n := caller; err == nil; n++ {
				began := time.Now()
				if err = ask(ctx, client, url, applications[n%len(applications)]); err == nil {
					mine = append(mine, time.Since(began))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if all = append(all, mine...); ctx.Err() == nil && first == nil {
				first = err
			}
		})
	}
	wait.Wait()
	return all, first
}

func ask(ctx context.Context, client *http.Client, url string, application map[string]any) error {
	body, err := json.Marshal(application)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}

// medians are those of each figure.
func medians(rounds []round) round {
	duration := func(of func(round) time.Duration) time.Duration {
		all := make([]time.Duration, len(rounds))
		for i, r := range rounds {
			all[i] = of(r)
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	rates := make([]float64, len(rounds))
	for i, r := range rounds {
		rates[i] = r.perSecond
	}
	slices.Sort(rates)
	return round{
		ready: duration(func(r round) time.Duration { return r.ready }), perSecond: rates[len(rates)/2],
		p50: duration(func(r round) time.Duration { return r.p50 }), p99: duration(func(r round) time.Duration { return r.p99 }),
	}
}
