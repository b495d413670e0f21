package contract

// TrackRequest is the body of PUT …/tracks/{slot}.
type TrackRequest struct {
	TrackSpec
	Generation int64 `json:"generation"`
}

// RouteRequest is the body of PUT …/route and POST …/rollback.
type RouteRequest struct {
	Weights    map[string]int `json:"weights"`
	Generation int64          `json:"generation"`
}

// GenerationRequest is the body of PUT …/generation.
type GenerationRequest struct {
	Generation int64 `json:"generation"`
}
