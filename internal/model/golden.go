package model

// Golden is a set of applications with the probabilities that the model gave them when it was evaluated. A deployed
// predictor must give the same.
type Golden struct {
	Rows []GoldenRow `json:"rows"`
}

// GoldenRow is one application as a lender would send it.
type GoldenRow struct {
	Application map[string]any `json:"application"` // number, text or null by field
	Probability float64        `json:"probability"`
}
