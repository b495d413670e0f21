package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/healthy"
	"github.com/loanops/loanops/internal/port"
)

// Who asks hears that a worker takes work only while it polls and Temporal answers, and what else there is.
func TestHealthIsThatOfPollersAndTemporal(t *testing.T) {
	ports, err := port.Choose(0)
	require.NoError(t, err)
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	t.Setenv("LOANOPS_HEALTH_ADDRESS", address)
	ask := func() error { return healthy.Check(t.Context(), "http://"+address+"/healthz") }
	require.ErrorContains(t, ask(), "connection refused")
	require.Equal(t, exitFault, askHealth(t.Context(), nil))

	ctx, stop := context.WithCancel(t.Context())
	h, err := serveHealth(ctx, address)
	require.NoError(t, err)
	require.ErrorContains(t, ask(), "503 Service Unavailable: {\"status\":\"it does not poll yet\"}")

	temporal := &mocks.Client{}
	answers := temporal.On("CheckHealth", mock.Anything, mock.Anything).Return(&client.CheckHealthResponse{}, nil)
	h.polls(temporal)
	require.NoError(t, ask())
	require.Equal(t, 0, askHealth(t.Context(), nil))
	require.ErrorContains(t, healthy.Check(t.Context(), "http://"+address+"/"), "404")

	answers.Unset()
	temporal.On("CheckHealth", mock.Anything, mock.Anything).Return(nil, errors.New("away"))
	require.ErrorContains(t, ask(), "503 Service Unavailable: {\"status\":\"Temporal does not answer\"}")
	require.Equal(t, exitFault, askHealth(t.Context(), nil))

	_, err = serveHealth(ctx, address)
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "another worker is there")
	require.ErrorContains(t, err, "LOANOPS_HEALTH_ADDRESS")
	stop()
	require.Eventually(t, func() bool { return fault.CodeOf(ask()) == fault.Unavailable }, time.Minute, time.Millisecond)
}

func TestWithoutAnAddressNobodyIsToldOfHealth(t *testing.T) {
	t.Setenv("LOANOPS_HEALTH_ADDRESS", "")
	h, err := serveHealth(t.Context(), "")
	require.NoError(t, err)
	h.polls(&mocks.Client{})
	require.Equal(t, exitInvalid, askHealth(t.Context(), nil))
}
