package monitor

import (
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/scoring"
)

// effects are what the drift of each feature that the champion reads does to the score, the strongest first; none where the champion takes no rows.
func effects(w Watched) ([]drift.Effect, error) {
	was, err := meanContributions(w.Champion, w.ReferenceSample)
	if err != nil {
		return nil, err
	}
	is, err := meanContributions(w.Champion, w.FreshSample)
	if err != nil {
		return nil, err
	}
	moved := []drift.Contribution{}
	for i, f := range w.Champion.Signature() {
		if was != nil && is != nil {
			moved = append(moved, drift.Contribution{Feature: f.Name, Reference: was[i], Window: is[i]})
		}
	}
	return drift.Rank(moved), nil
}

// meanContributions are, by field of the signature, the means over the rows that the model takes; nil where it takes none.
func meanContributions(m *model.Model, t dataset.Table) ([]float64, error) {
	taken := t.Column(Score.Name)
	var rows []int
	for row := range t.Rows() {
		if !taken.Missing(row) {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return scoring.MeanContributions(m, t.Select(rows))
}
