package contract

// TrackRequest is the body of PUT …/tracks/{slot}.
type TrackRequest struct {
	TrackSpec
	Generation int64 `json:"generation"`
}

// RouteRequest is the body of PUT …/route.
type RouteRequest struct {
	Weights    map[string]int `json:"weights"`
	Mirror     string         `json:"mirror"` // may be left out for none, see Route
	Generation int64          `json:"generation"`
}

// RollbackRequest is the body of POST …/rollback: traffic that is shifted to safety has no mirror.
type RollbackRequest struct {
	Weights    map[string]int `json:"weights"`
	Generation int64          `json:"generation"`
}

// GenerationRequest is the body of PUT …/generation.
type GenerationRequest struct {
	Generation int64 `json:"generation"`
}

// MeasureRequest is the body of POST /v1/measurements: what a track of the spec needs to answer these applications, bodies of POST /v1/decisions. The answer
// is a capacity.Demand.
type MeasureRequest struct {
	TrackSpec
	Applications []map[string]any `json:"applications"`
}
