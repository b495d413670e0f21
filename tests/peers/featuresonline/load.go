package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// load is how a server is asked.
type load struct {
	held     held
	begin    []byte // of every question
	url, key string
	events   bool
	callers  int
	lasting  time.Duration
}

// result is what came of it.
type result struct {
	Requests  int     `json:"requests"`
	PerSecond float64 `json:"per_second"`
	// P50 and P99 are in milliseconds.
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// run asks from all callers, each its next question when it has its answer and until one of them counts, and fails where one is not answered. The first tenth of the time is not counted.
func (l load) run() (result, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: l.callers}, Timeout: time.Minute}
	begin := time.Now()
	counted, end := begin.Add(l.lasting/10), begin.Add(l.lasting)
	took := make([][]time.Duration, l.callers)
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for c := range l.callers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(3, uint64(c))) //nolint:gosec // which applicants are asked for
			for n := 0; (time.Now().Before(end) || len(took[c]) == 0) && failed.Load() == nil; n++ {
				path, body := "/get-online-features", l.question(r)
				if l.events {
					path, body = "/v1/features/"+l.held.Views[0].Name, l.event(r, fmt.Sprintf("%d-%d-%d", begin.UnixNano(), c, n))
				}
				asked := time.Now()
				if err := ask(client, l.url+path, l.key, body); err != nil {
					failed.Store(&err)
					return
				}
				if asked.After(counted) {
					took[c] = append(took[c], time.Since(asked))
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return result{}, *err
	}
	all := slices.Concat(took...)
	slices.Sort(all)
	at := func(share float64) float64 { return float64(all[int(share*float64(len(all)-1))].Microseconds()) / 1000 }
	return result{Requests: len(all), PerSecond: float64(len(all)) / (l.lasting - l.lasting/10).Seconds(), P50: at(0.5), P99: at(0.99)}, nil
}

// question asks for all features of an applicant. It is put together from a part that is made once: what the caller does is not what is measured.
func (l load) question(r *rand.Rand) []byte {
	return append(append(bytes.Clone(l.begin), l.applicant(r)...), `"]}}`...)
}

// begins is the part of a question before the applicant.
func (h held) begins() []byte {
	var references []string
	for _, v := range h.Views {
		for _, f := range v.Features {
			references = append(references, v.Name+":"+f)
		}
	}
	return fmt.Appendf(nil, `{"features":%s,"entities":{"applicant_id":["`, document(references))
}

// event says something new of an applicant.
func (l load) event(r *rand.Rand, id string) []byte {
	values := map[string]float64{}
	for _, f := range l.held.Views[0].Features {
		values[f] = float64(r.IntN(1_000_000)) / 1000
	}
	return document(map[string]any{"events": []any{map[string]any{
		"event_id": id, "entity": map[string]any{"applicant_id": l.applicant(r)}, "event_timestamp": l.held.At.Add(time.Duration(r.Int64N(int64(time.Hour)))), "values": values,
	}}})
}

func (l load) applicant(r *rand.Rand) string {
	return l.held.Applicants[r.IntN(len(l.held.Applicants))]
}

func document(of any) []byte {
	data, err := json.Marshal(of)
	if err != nil {
		panic(err)
	}
	return data
}

func ask(client *http.Client, url, key string, body []byte) error {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(body)) // the client has a deadline
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d: %s", response.StatusCode, answer)
	}
	return err
}
