package main

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/tests/platformtest"
)

func at(second int) time.Time { return time.Unix(int64(second), 0) }

func request(began, ended int, err error) platformtest.Request {
	return platformtest.Request{Began: at(began), Ended: at(ended), Err: err}
}

// Only what was under way while the process was away is excused.
func TestAnOutageExcusesWhatItTouched(t *testing.T) {
	failed := errors.New("502")
	requests := []platformtest.Request{
		request(1, 2, nil), request(1, 2, failed), // before
		request(2, 3, failed), request(4, 4, failed), request(6, 9, failed), // reaching into it, in it, begun in it
		request(5, 5, nil), request(7, 7, failed), // after
	}
	all, unexpected, first := platformtest.Failures(requests, platformtest.Outage{From: at(3), To: at(6)})
	require.Equal(t, 5, all)
	require.Equal(t, 2, unexpected)
	require.Equal(t, failed, first)
	_, unexpected, _ = platformtest.Failures(requests, platformtest.Outage{})
	require.Equal(t, 5, unexpected, "no outage excuses nothing")
	_, unexpected, _ = platformtest.Failures(requests, platformtest.Outage{From: at(3)})
	require.Equal(t, 5, unexpected, "an outage that does not end excuses nothing")
}

func TestARowIsWrongForOneReason(t *testing.T) {
	good := row{verdict: "aborted", recorded: "yes", failed: 9}
	require.Empty(t, good.wrong())
	for name, spoil := range map[string]func(*row){
		"neither completed nor aborted": func(r *row) { r.verdict = "WORKFLOW_EXECUTION_STATUS_FAILED" },
		"not what the record says":      func(r *row) { r.recorded = "no" },
		"1 requests failed":             func(r *row) { r.unexpected = 1 },
		"out of reach":                  func(r *row) { r.fault = errors.New("out of reach") },
	} {
		bad := good
		spoil(&bad)
		require.Contains(t, bad.wrong(), name)
	}
}
