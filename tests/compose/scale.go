package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// workers are how many there are from then on.
const workers = 3

// scale starts more workers, each of which has to ask for work.
func (j *journey) scale(ctx context.Context) error {
	return j.steps(do{fmt.Sprintf("up --scale worker=%d", workers), func() (said string, err error) {
		if _, err := j.compose(ctx, "up", "--detach", "--no-recreate", "--scale", fmt.Sprintf("worker=%d", workers)); err != nil {
			return "", err
		}
		began := time.Now()
		err = await(ctx, 2*time.Minute, func() error {
			asking, err := j.pollers(ctx, "loanops-deliver")
			if err == nil && asking != workers {
				err = fmt.Errorf("%d workers ask for deliveries", asking)
			}
			return err
		})
		return fmt.Sprintf("%d workers ask for work after %.1f s", workers, time.Since(began).Seconds()), err
	}})
}

// pollers are how many workers ask a queue for activities, as Temporal sees it.
func (j *journey) pollers(ctx context.Context, queue string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, j.ui+"/api/v1/namespaces/default/task-queues/"+queue+"?taskQueueType=2", nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	var answer struct{ Pollers []struct{ Identity string } }
	if err := json.Unmarshal(said, &answer); err != nil {
		return 0, fmt.Errorf("%s: %s", response.Status, said)
	}
	different := map[string]bool{}
	for _, poller := range answer.Pollers {
		different[poller.Identity] = true
	}
	return len(different), nil
}
