package main

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAWorkerThatTellsNobodySaysSo(t *testing.T) {
	for endpoints, warns := range map[int]bool{0: true, 1: false} {
		var log strings.Builder
		warnOfNobody(slog.New(slog.NewTextHandler(&log, nil)), endpoints)
		require.Equal(t, warns, strings.Contains(log.String(), "level=WARN") && strings.Contains(log.String(), "nobody is told of the alerts that this worker takes"), endpoints)
	}
}
