package runtime

import (
	"encoding/json"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/sha256hex"
)

// SpecDigest tells specs apart: two of one digest are the same.
func SpecDigest(spec contract.TrackSpec) string {
	data, _ := json.Marshal(spec) //nolint:errchkjson // texts and numbers
	return sha256hex.Of(data)
}
