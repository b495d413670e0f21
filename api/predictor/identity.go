package predictor

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// What stands before a value, so that no two applications have one encoding.
const (
	missing = iota
	text
	number
)

// identity names an application by the values of the declared fields, in the contract's order. Every process gives it the same name, however
// its JSON was written; what the model does not read counts, or all applicants that it cannot tell apart would be one.
func identity(fields []request.Field, values []transform.Value) string {
	var encoded []byte
	for i, v := range values {
		switch {
		case v.Missing:
			encoded = append(encoded, missing)
		case fields[i].Type == pipeline.Category:
			encoded = binary.BigEndian.AppendUint32(append(encoded, text), uint32(len(v.Text))) //nolint:gosec // request.MaxTextBytes at most
			encoded = append(encoded, v.Text...)
		default:
			encoded = binary.BigEndian.AppendUint64(append(encoded, number), math.Float64bits(v.Number+0)) // -0 becomes 0
		}
	}
	hash := sha256.Sum256(encoded)
	return hex.EncodeToString(hash[:8])
}
