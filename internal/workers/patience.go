package workers

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/serviceerror"
)

// How long what Temporal has no time for is asked again, and how soon at first.
const (
	askedFor   = 30 * time.Second
	askedAgain = 100 * time.Millisecond
)

// patiently asks again where Temporal says that it is asked too much: it answers one question at a time about a deployment, while workers ask as well.
func patiently[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	began := time.Now()
	for wait := askedAgain; ; wait = min(2*wait, time.Second) {
		answer, err := ask()
		var busy *serviceerror.ResourceExhausted
		if !errors.As(err, &busy) || time.Since(began) > askedFor {
			return answer, err
		}
		select {
		case <-ctx.Done():
			return answer, err
		case <-time.After(wait):
		}
	}
}
