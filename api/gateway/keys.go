package gateway

import (
	"os"
	"strings"

	"github.com/loanops/loanops/api/bearer"
	"github.com/loanops/loanops/internal/fault"
)

// Synthetic is the institution whose requests are the platform's own: they are counted apart.
const Synthetic = "synthetic"

// institution is what the file of keys says of a caller, for whoever reads it.
type institution struct {
	Type string `json:"type"` // such as bank
}

// readKeys reads {"name": {"sha256": "hex of the key's SHA-256", "type": "bank"}}.
func readKeys(path string) (bearer.Callers[institution], error) {
	return bearer.Read[institution](path, `{"institution": {"sha256": "…", "type": "bank"}}`)
}

// readToken reads what the agent knows gateways by; without a file there is none.
func readToken(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fault.Wrap(fault.NotFound, err, "--agent-token-file")
	}
	token := strings.TrimSpace(string(data))
	if token == "" {
		return "", fault.New(fault.Invalid, "--agent-token-file: %s is empty; it must hold the token of the agent's LOANOPS_GATEWAY_TOKEN_FILE", path)
	}
	return token, nil
}
