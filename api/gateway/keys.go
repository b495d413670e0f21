package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// Synthetic is the institution whose requests are the platform's own: they are counted apart.
const Synthetic = "synthetic"

// institution is one caller. The file holds the hash of its key only.
type institution struct {
	name string
	hash []byte
}

// readKeys reads {"name": {"sha256": "hex of the key's SHA-256", "type": "bank"}}.
func readKeys(path string) ([]institution, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "--keys-file")
	}
	var entries map[string]struct {
		SHA256 string `json:"sha256"`
		Type   string `json:"type"`
	}
	if err := json.Unmarshal(data, &entries); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, `%s: {"institution": {"sha256": "…", "type": "bank"}} is wanted`, path)
	}
	var institutions []institution
	for name, entry := range entries {
		hash, err := hex.DecodeString(entry.SHA256)
		if err != nil || len(hash) != sha256.Size {
			return nil, fault.New(fault.Invalid, "%s: sha256 of %q is not a SHA-256 in hexadecimal", path, name)
		}
		institutions = append(institutions, institution{name, hash})
	}
	slices.SortFunc(institutions, func(a, b institution) int { return strings.Compare(a.name, b.name) })
	return institutions, nil
}

// caller returns the institution of an Authorization header. Every hash is compared, in constant time.
func (g *Gateway) caller(header string) (string, bool) {
	key, ok := strings.CutPrefix(header, "Bearer ")
	if !ok {
		return "", false
	}
	hash := sha256.Sum256([]byte(key))
	found := ""
	for _, i := range g.institutions {
		if subtle.ConstantTimeCompare(i.hash, hash[:]) == 1 {
			found = i.name
		}
	}
	return found, found != ""
}
