package registry

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Wanted by hand: 0–10 and 5–12 overlap to 12 s, 20–21 adds 1 s, 2–3 is inside of the first, an open step counts nothing.
func TestBusyCountsOverlappingStepsOnce(t *testing.T) {
	at := func(second int) time.Time {
		return time.Unix(1_700_000_000, 0).Add(time.Duration(second) * time.Second)
	}
	r := Run{Steps: []RunStep{
		{Started: at(20), Ended: at(21)}, {Started: at(0), Ended: at(10)}, {Started: at(5), Ended: at(12)}, {Started: at(2), Ended: at(3)},
		{Started: at(30)}, {},
	}}
	require.Equal(t, 13*time.Second, r.Busy())
	require.Zero(t, Run{}.Busy())
}
