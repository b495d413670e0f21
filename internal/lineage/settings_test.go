package lineage

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	for of, want := range map[string]string{
		`{"max_iterations": 100, "l2": 0.1, "trials": [{"l2": 1}], "chosen": {"l2": 1}}`: "l2 0.1, max_iterations 100",
		`{}`: "", ``: "", `[1]`: "[1]",
	} {
		require.Equal(t, want, Settings(json.RawMessage(of)), of)
	}
}
