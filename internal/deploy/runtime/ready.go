package runtime

import (
	"context"
	"net/http"
	"time"
)

// readyPoll is how often a predictor that starts is asked.
const readyPoll = 5 * time.Millisecond

// client asks predictors, which no proxy of the environment leads to.
var client = Client()

// Client is one for asking predictors at their addresses: it heeds no proxy of the environment, to which applications would go.
func Client() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	return &http.Client{Transport: transport}
}

// AwaitReady returns the predictor's base URL once it answers there that it is ready; the error is how it ended, or that of ctx.
func AwaitReady(ctx context.Context, predictor Instance) (string, error) {
	poll := time.NewTicker(readyPoll)
	defer poll.Stop()
	for {
		if url := predictor.URL(); url != "" && Ready(ctx, url) {
			return url, nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-predictor.Ended():
			return "", predictor.Err()
		case <-poll.C:
		}
	}
}

// Ready reports whether a predictor answers there and is ready.
func Ready(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", http.NoBody)
	if err != nil {
		return false
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}
