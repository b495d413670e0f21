// Package agent is the local deployment target: it owns the predictor processes of every environment on this machine,
// starts crashed ones again, and tells the gateways where traffic goes.
package agent

import (
	"context"
	"net"
)

// Config is what an agent needs.
type Config struct {
	// Address to listen on, loopback only: 127.0.0.1:0 chooses a port. Ignored when Listener is set.
	Address string
	// Listener replaces Address.
	Listener net.Listener
	// Dir keeps state.json, bundles/ and logs/.
	Dir string
	// BinDir holds loanops-api.
	BinDir string
	// ProviderToken and RollbackToken are the writers' secrets; both at least 16 characters and different.
	ProviderToken, RollbackToken string
	// Fetch brings a bundle to this machine and returns its path; the agent verifies the digest itself.
	Fetch func(ctx context.Context, uri, sha256 string) (path string, err error)
	// Ready is called with the base URL once the agent answers. May be nil.
	Ready func(url string)
}

// Run serves until ctx ends, then stops the predictors.
func Run(ctx context.Context, cfg Config) error { panic("agent: being written") }
