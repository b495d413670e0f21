// Package sha256hex names bytes: bundles, policies, specs and objects are called by their SHA-256.
package sha256hex

import (
	"crypto/sha256"
	"encoding/hex"
)

// Of is the SHA-256 of data in lower-case hexadecimal.
func Of(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
