package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/loanops/loanops/tests/platformtest"
)

const (
	delivery  = "delivery-" + model
	namespace = "default"
	// closeLimit is how long a run may take with a kill in it.
	closeLimit = 4 * time.Minute
)

// analysed waits for a delivery's canary.
func (j *journey) analysed(ctx context.Context) error {
	return await(ctx, closeLimit, func() error {
		x, err := platformtest.Describe(j.ui, namespace, delivery)
		if err == nil && !x.Runs("AnalyseCanary") {
			err = errors.New("no canary is analysed: " + x.Info.Status)
		}
		return err
	})
}

// delivered waits for a delivery's end, and says what came of it.
func (j *journey) delivered(ctx context.Context) (verdict string, reasons []string, err error) {
	err = await(ctx, closeLimit, func() error {
		x, err := platformtest.Describe(j.ui, namespace, delivery)
		switch {
		case err != nil:
			return err
		case !x.Closed():
			return errors.New("the delivery has not ended")
		}
		past, err := platformtest.History(j.ui, namespace, delivery)
		if verdict = strings.ToLower(strings.TrimPrefix(x.Info.Status, "WORKFLOW_EXECUTION_STATUS_")); past.Result != nil {
			verdict, reasons = past.Result.Verdict, past.Result.Reasons
		}
		return err
	})
	return verdict, reasons, err
}

// other is the version, of the first two, that does not serve.
func (j *journey) other(ctx context.Context) (int, error) {
	record, err := j.serving(ctx, model)
	if record.Champion != nil && record.Champion.Version == 1 {
		return 2, err
	}
	return 1, err
}

// quiet waits until all services are well, clients are answered, and no delivery goes on.
func (j *journey) quiet(ctx context.Context) error {
	return await(ctx, 2*time.Minute, func() error {
		unwell, err := j.unwell(ctx)
		if err != nil || len(unwell) > 0 {
			return errors.Join(err, errors.New(strings.Join(unwell, ", ")))
		}
		if _, err := j.client.ask(); err != nil {
			return err
		}
		x, err := platformtest.Describe(j.ui, namespace, delivery)
		if err == nil && !x.Closed() {
			err = errors.New("the last delivery goes on")
		}
		return err
	})
}
