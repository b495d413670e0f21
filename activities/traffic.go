package activities

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loanops/loanops/internal/fault"
)

// maxInFlight bounds the synthetic requests under way when answers are slow: beyond it they are left out.
const maxInFlight = 256

// traffic is the platform's own requests, marked as such by their key.
type traffic struct {
	client   *http.Client
	url, key string
	bodies   [][]byte
	rate     float64 // requests per second; 0 sends none
	seed     uint64
}

// send makes requests at a constant rate until over says for how long that was, whether or not answers come back (an open loop: a slow track must
// not slow down the load that shows it to be slow), and returns when the last answer is in. Applications are drawn at
// random, not in turn: a gateway that shares traffic in a regular pattern would otherwise give each track its own few.
func (t *traffic) send(ctx context.Context, over <-chan time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if t.rate <= 0 {
		return waitFor(ctx, over)
	}
	draw := t.draw()
	var sent, unreached atomic.Int64
	var denied atomic.Bool
	var underWay sync.WaitGroup
	defer underWay.Wait()
	slots := make(chan struct{}, maxInFlight)
	ticker := time.NewTicker(time.Duration(float64(time.Second) / t.rate))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case elapsed := <-over:
			underWay.Wait()
			return elapsed, t.judge(sent.Load(), unreached.Load(), denied.Load())
		case <-ticker.C:
		}
		body := draw()
		select {
		case slots <- struct{}{}:
		default:
			continue
		}
		underWay.Go(func() {
			defer func() { <-slots }()
			status, err := t.ask(ctx, body)
			sent.Add(1)
			if err != nil {
				unreached.Add(1)
			}
			if status == http.StatusUnauthorized || status == http.StatusForbidden {
				denied.Store(true)
			}
		})
	}
}

// draw gives one application after the other: with the same seed the same ones.
func (t *traffic) draw() func() []byte {
	source := rand.New(rand.NewPCG(t.seed, 0)) // which application is asked about is no secret
	return func() []byte { return t.bodies[source.IntN(len(t.bodies))] }
}

// judge tells a load that never arrived from one that shows how the tracks are.
func (t *traffic) judge(sent, unreached int64, denied bool) error {
	switch {
	case denied:
		return fault.New(fault.Unauthorized, "the gateway does not accept the key of the institution synthetic")
	case sent > 0 && sent == unreached:
		return fault.New(fault.Unavailable, "none of %d requests reached the gateway at %s", sent, t.url)
	}
	return nil
}

func (t *traffic) ask(ctx context.Context, body []byte) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+t.key)
	response, err := t.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body) // so that the connection is used again
	return response.StatusCode, err
}

func waitFor(ctx context.Context, over <-chan time.Duration) (time.Duration, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case elapsed := <-over:
		return elapsed, nil
	}
}

func readKey(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fault.New(fault.Unavailable, "the key of the institution synthetic cannot be read from %s (LOANOPS_SYNTHETIC_KEY_FILE)", file)
	}
	return strings.TrimSpace(string(data)), nil
}
