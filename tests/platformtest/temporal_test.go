package platformtest

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a run ended with is the same, whoever of Temporal tells it.
func TestTheResultOfARunIsReadInBothForms(t *testing.T) {
	t.Parallel()
	const one = `{"verdict": "promoted", "reasons": ["every step passed"]}`
	for _, text := range []string{`[` + one + `]`, `{"payloads": [{"data": "` + base64.StdEncoding.EncodeToString([]byte(one)) + `"}]}`} {
		var read result
		require.NoError(t, json.Unmarshal([]byte(text), &read))
		require.Len(t, read, 1)
		require.Equal(t, "promoted", read[0].Verdict)
		require.Equal(t, []string{"every step passed"}, read[0].Reasons)
	}
	require.Error(t, json.Unmarshal([]byte(`{"payloads": [{"data": "bm8="}]}`), new(result)))
}
