package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

func (s *store) PutLook(ctx context.Context, look registry.Look) error {
	if look.RunID == "" || look.Pipeline == "" {
		return fault.New(fault.Invalid, "a look needs its run and its pipeline")
	}
	look.At = now()
	document, err := json.Marshal(look)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "a look that is not JSON")
	}
	return s.exec(ctx, "recording a look", "INSERT INTO looks (run_id, pipeline, at, document) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
		look.RunID, look.Pipeline, look.At.UnixMicro(), string(document))
}

func (s *store) Look(ctx context.Context, runID string) (registry.Look, error) {
	var look registry.Look
	err := s.document(ctx, &look, fmt.Sprintf("there is no look of the run %q", runID), "SELECT document FROM looks WHERE run_id = ?", runID)
	return look, err
}

func (s *store) Looks(ctx context.Context, pipeline string, limit int) ([]registry.Look, error) {
	if limit <= 0 {
		limit = math.MaxInt32
	}
	return documents[registry.Look](ctx, s, "SELECT document FROM looks WHERE pipeline = ? ORDER BY at DESC, run_id LIMIT ?", pipeline, limit)
}
