package deploy

import (
	"context"

	"github.com/loanops/loanops/internal/registry"
)

// RollbackRequest asks that traffic and the alias champion go back to a version that still runs in a slot.
type RollbackRequest struct {
	Model string
	// Version to go back to. 0: the version that the alias previous names.
	Version int
	Actor   string
	Reason  string
	// Operation identifies the request: repeating it after an interruption completes it and adds no rows.
	Operation string
	// Environment defaults to production.
	Environment string
}

// RollbackResult says from which version to which.
type RollbackResult struct {
	From   int    `json:"from"`
	To     int    `json:"to"`
	Digest string `json:"digest"`
}

// Rollback needs the database and the agent only, neither Temporal nor a worker.
func Rollback(ctx context.Context, reg registry.Registry, agent *AgentClient, request RollbackRequest) (RollbackResult, error) {
	panic("deploy: being written")
}
