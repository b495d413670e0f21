package gateway

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/deploy/contract"
)

// noon is when these tests begin: the gate is told the time.
var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func TestGateBoundsTheRate(t *testing.T) {
	t.Parallel()
	g, hash := newGate(), uint64(0)
	admit := func(at time.Duration) string {
		hash++
		reason := g.admit(noon.Add(at), hash, 100, true)
		if reason == "" {
			g.release(100)
		}
		return reason
	}
	for range contract.CopiesPerSecond {
		require.Empty(t, admit(0))
	}
	require.Equal(t, contract.DroppedRate, admit(0))
	require.Equal(t, contract.DroppedRate, admit(time.Second/contract.CopiesPerSecond-time.Millisecond))
	require.Empty(t, admit(time.Second/contract.CopiesPerSecond+time.Millisecond))
	require.Equal(t, contract.DroppedRate, admit(time.Second/contract.CopiesPerSecond+2*time.Millisecond))
}

// A batch costs as much as its applications one by one.
func TestGateBoundsTheVolume(t *testing.T) {
	t.Parallel()
	g := newGate()
	require.Empty(t, g.admit(noon, 1, copyBurst, true))
	g.release(copyBurst)
	require.Equal(t, contract.DroppedRate, g.admit(noon, 2, 500, true))
	full := time.Duration(copyBurst/copyVolume) * time.Second
	require.Equal(t, contract.DroppedRate, g.admit(noon.Add(full-time.Millisecond), 2, copyBurst, true))
	require.Empty(t, g.admit(noon.Add(full+time.Millisecond), 2, copyBurst, true), "the largest request has its turn, however large")
}

func TestGateBoundsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	g := newGate()
	at := noon
	for i := range maxCopies {
		at = at.Add(time.Second)
		require.Empty(t, g.admit(at, uint64(i), 100, true))
	}
	at = at.Add(time.Hour)
	require.Equal(t, contract.DroppedBusy, g.admit(at, maxCopies, 100, true))
	g.release(100)
	require.Empty(t, g.admit(at, maxCopies, 100, true), "it was not copied before, though it was asked")
	require.Equal(t, contract.DroppedRepeated, g.admit(at, 0, 100, true))
}

func TestGateBoundsTheMemory(t *testing.T) {
	t.Parallel()
	g := newGate()
	for i := range maxCopyBytes / copyBurst {
		require.Empty(t, g.admit(noon.Add(time.Duration(i)*time.Minute), uint64(i), copyBurst, true))
	}
	require.Equal(t, contract.DroppedBusy, g.admit(noon.Add(time.Hour), 1000, 1, true))
}

// Whatever comes: the limits hold, and what is dropped takes nothing.
func TestGateHoldsItsLimits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g, now, started, volume := newGate(), noon, 0, 0
		var underWay []int
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "ms")) * time.Millisecond)
			if len(underWay) > 0 && rapid.IntRange(0, 3).Draw(t, "release") == 0 {
				g.release(underWay[0])
				underWay = underWay[1:]
				continue
			}
			size := rapid.OneOf(rapid.IntRange(2, 2000), rapid.IntRange(2, copyBurst)).Draw(t, "size")
			if g.admit(now, rapid.Uint64().Draw(t, "hash"), size, true) == "" {
				underWay = append(underWay, size)
				started++
				volume += size
			}
			sum := 0
			for _, size := range underWay {
				sum += size
			}
			seconds := now.Sub(noon).Seconds()
			require.LessOrEqual(t, len(underWay), maxCopies)
			require.LessOrEqual(t, sum, maxCopyBytes)
			require.Equal(t, len(underWay), g.underWay)
			require.Equal(t, sum, g.bytes)
			require.LessOrEqual(t, float64(started), contract.CopiesPerSecond*(1+seconds)+1)
			require.LessOrEqual(t, float64(volume), copyBurst+copyVolume*seconds+1)
		}
	})
}

// The platform's own requests come again on purpose, and take no room from what is remembered of clients.
func TestGateRemembersOnlyWhatIsCopiedOnce(t *testing.T) {
	t.Parallel()
	g := newGate()
	require.Empty(t, g.admit(noon, 1, 100, false))
	require.Empty(t, g.admit(noon, 1, 100, true), "it was not remembered")
	require.Equal(t, contract.DroppedRepeated, g.admit(noon, 1, 100, true))
	require.Empty(t, g.admit(noon, 1, 100, false))
}
