package runtime

import (
	"encoding/json"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/sha256hex"
)

// DecidesOf is the digest of what decides in a predictor of the spec: model, policy, meaning and drill, see contract.TrackSpec.DecidesAs. It is the same for
// every release of this project: fields that a later one adds to specs are not in it.
func DecidesOf(spec contract.TrackSpec) string {
	data, _ := json.Marshal([]any{spec.ModelVersion, spec.Digest, spec.PolicyDigest, spec.Meaning, spec.Drill}) //nolint:errchkjson // texts and a number
	return sha256hex.Of(data)
}
