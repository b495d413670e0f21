package deploy

import "context"

// MeasureConfig says what to measure.
type MeasureConfig struct {
	// APIBinary is the loanops-api executable, Bundle a local, verified model bundle with the digest Digest.
	APIBinary, Bundle, Digest string
	// Spec gives version, limits, cutoff and meaning as the plan grants them; its drill is ignored.
	Spec TrackSpec
	// Applications are bodies of POST /v1/decisions (golden rows), sent in turn. At least one.
	Applications []map[string]any
	// Decisions is how many are sent. Defaults to 2,000.
	Decisions int
}

// Measure runs the real loanops-api with the plan's limits and returns what the model needs.
func Measure(ctx context.Context, cfg MeasureConfig) (Demand, error) { return measure(ctx, cfg) }

func measure(context.Context, MeasureConfig) (Demand, error) { panic("deploy: being written") }
