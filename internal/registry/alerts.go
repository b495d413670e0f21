package registry

import (
	"context"

	"github.com/loanops/loanops/internal/alert"
)

// Alerts are the changes of state that people are told of. A row is never changed; who took it and who acknowledged it are rows of their own.
type Alerts interface {
	// RaiseAlert records a as the newest state of its pipeline and subject, and returns it with its ID and the state before it, changed true.
	// Where that is no change it writes nothing; the same operation again returns what it wrote then.
	RaiseAlert(ctx context.Context, a alert.Alert) (raised alert.Alert, changed bool, err error)
	// Alert returns the alert of that ID, or the one whose ID begins so.
	Alert(ctx context.Context, id string) (alert.Alert, error)
	// Alerts returns all alerts of a pipeline, or with an empty one of all, newest first. None is empty.
	Alerts(ctx context.Context, pipeline string) ([]alert.Alert, error)
	// AckAlert records who takes care of an alert; the first one stays.
	AckAlert(ctx context.Context, id string, by alert.Ack) (alert.Alert, error)
	// PutAlertSending records that an endpoint took an alert; the same again changes nothing.
	PutAlertSending(ctx context.Context, id, endpoint string) error
}
