package predictor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
)

// maxLength counts characters and can only be the upper bound: that bytes are counted is said in words.
func TestTheDocumentSaysThatBytesOfATextAreCounted(t *testing.T) {
	t.Parallel()
	schema := applicationSchema(request.Contract{Fields: []request.Field{{Name: "purpose", Type: pipeline.Category}}, Identifiers: []string{"id"}})
	properties := schema["properties"].(map[string]any)
	require.Equal(t, map[string]any{"type": "string", "minLength": 1, "maxLength": 100, "description": "at most 100 bytes of UTF-8"}, properties["purpose"])
	require.Equal(t, map[string]any{"nullable": true, "description": "accepted and not looked at: a text of at most 100 bytes of UTF-8, a number or null"}, properties["id"])
}
