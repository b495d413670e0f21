package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Digest names the policy: SHA-256 in hex of the spec's policy section as canonical JSON (RFC 8785: no white space, keys in order,
// numbers in their shortest form). Until the policy is a document of its own, its digest is that of this section.
func (p Policy) Digest() string {
	text, err := json.Marshal(p)
	if err != nil {
		panic("pipeline: a cutoff that Parse refuses: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// ValidCutoff reports whether v is a probability strictly between 0 and 1: at either end every application would get the same
// verdict. NaN is none.
func ValidCutoff(v float64) bool { return v > 0 && v < 1 }
