package contract

// Routes answers the gateways' long poll: what the pipelines of an environment route to. It names every pipeline for which the
// agent knows a generation, with no weights where nothing is routed. Of a pipeline that it does not name the agent knows nothing,
// be it new or because it lost its state: whoever has a route of it keeps that.
type Routes struct {
	Revision  int64                    `json:"revision"`
	Pipelines map[string]PipelineRoute `json:"pipelines"`
}

// PipelineRoute is one pipeline's weights, and the tracks behind them, by slot; the mirror's is among them.
type PipelineRoute struct {
	Weights map[string]int        `json:"weights"`
	Mirror  string                `json:"mirror"` // see Route
	Tracks  map[string]RouteTrack `json:"tracks"`
}

// RouteTrack is where a track answers.
type RouteTrack struct {
	URL          string     `json:"url"`
	ModelVersion int        `json:"model_version"`
	PolicyDigest string     `json:"policy_digest"`
	State        TrackState `json:"state"`
}
