package agent

import (
	"context"

	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/measure"
)

// measure finds what a track of the spec needs, where it would serve and as it would: it is no slot's, and ends with the request.
func (a *agent) measure(ctx context.Context, request contract.MeasureRequest) (capacity.Demand, error) {
	if err := request.Validate(); err != nil {
		return capacity.Demand{}, err
	}
	select {
	case a.measuring <- struct{}{}: // one at a time: two would measure each other
		defer func() { <-a.measuring }()
	case <-ctx.Done():
		return capacity.Demand{}, interrupted(ctx, "another measurement")
	}
	of, err := a.bring(ctx, request.TrackSpec)
	if err != nil {
		return capacity.Demand{}, err
	}
	return measure.Run(ctx, measure.Config{Start: of.start, Bundle: of.bundle, Spec: request.TrackSpec, Applications: request.Applications})
}
