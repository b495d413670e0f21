package gateway

import "github.com/loanops/loanops/api/bearer"

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
