package pipeline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
)

// Wanted by hand.
func TestTrainingWindow(t *testing.T) {
	t.Parallel()
	require.Equal(t, "2025-06-30", pipeline.Training{WindowDays: 365}.After("2026-06-30"))
	require.Equal(t, "2024-02-29", pipeline.Training{WindowDays: 1}.After("2024-03-01"))
	require.Empty(t, pipeline.Training{}.After("2026-06-30"), "an expanding window leaves out nothing")
}
