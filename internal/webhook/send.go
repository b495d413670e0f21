package webhook

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/loanops/loanops/internal/fault"
)

// sendTimeout bounds one try: an endpoint that hangs holds a slot of the worker's urgent steps for no longer.
const sendTimeout = 5 * time.Second

// Endpoint is a receiver.
type Endpoint struct {
	Name string
	URL  string // http or https
	// Key signs what is sent there. It is read for each sending, for it may be changed at any time.
	Key func() ([]byte, error)
}

// Client sends to endpoints. It follows no redirects: where to send is what the operator of the worker has said.
func Client() *http.Client {
	return &http.Client{
		Timeout:       sendTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Send posts an event, once. What another try may mend is fault.Unavailable: no answer in time, 5xx, 408 and 429, and a key that cannot be read now. Any
// other answer but 2xx is fault.Refused. What the endpoint says beside its status is not read.
func Send(ctx context.Context, client *http.Client, to Endpoint, id string, body []byte) error {
	key, err := to.Key()
	if err != nil { // it was right when the worker started: somebody is changing it, or will
		return fault.New(fault.Unavailable, "the alert endpoint %q cannot be told now: %s", to.Name, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(body))
	if err != nil {
		return fault.New(fault.Invalid, "the URL of the alert endpoint %q is none", to.Name)
	}
	at := time.Now().Unix()
	header := request.Header
	header.Set("Content-Type", "application/cloudevents+json; charset=UTF-8")
	header.Set("User-Agent", "loanops")
	header.Set("webhook-id", id)
	header.Set("webhook-timestamp", strconv.FormatInt(at, 10))
	header.Set("webhook-signature", sign(key, id, at, body))
	response, err := client.Do(request)
	if err != nil {
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err // without the URL, which may be as good as a key
		}
		return fault.Wrap(fault.Unavailable, err, "the alert endpoint %q does not answer", to.Name)
	}
	response.Body.Close()
	switch status := response.StatusCode; {
	case status >= 200 && status < 300:
		return nil
	case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
		return fault.New(fault.Unavailable, "the alert endpoint %q answers HTTP %d", to.Name, status)
	case status >= 300 && status < 400:
		return fault.New(fault.Refused, "the alert endpoint %q answers HTTP %d: redirects are not followed; set the URL that it redirects to", to.Name, status)
	default:
		return fault.New(fault.Refused, "the alert endpoint %q answers HTTP %d", to.Name, status)
	}
}
