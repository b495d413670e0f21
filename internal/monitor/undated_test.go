package monitor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
)

func TestUndatedRowsAreForReview(t *testing.T) {
	t.Parallel()
	require.Empty(t, Undated("applied", 3, 3, 100), "as many as there were")
	found := Undated("applied", 4, 3, 100)
	require.Len(t, found, 1)
	require.Contains(t, found[0].Message, `4 rows have no day in "applied" that can be read, where 3 had none`)
	require.Equal(t, Review, Decide(every(pipeline.ReactNothing), Evidence{Champion: 1, Findings: found}).Verdict)
}
