package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGatewayIDIsUniqueAndFitsTheAgent(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	require.NoError(t, err)
	one, two := gatewayID(), gatewayID()
	require.NotEqual(t, one, two, "the same host and process ID")
	require.True(t, strings.HasPrefix(one, host[:min(len(host), 60)]+"-"), one)
	require.LessOrEqual(t, len(one), 100, "the agent takes no longer one")
}
