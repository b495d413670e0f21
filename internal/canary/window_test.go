package canary

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
)

// Wanted: by hand from the shipped spec, whose steps after the mirror need 277 requests, and whose mirror needs 93 decisions as well. Looks are at 35
// requests, 70, 140, 280 and so on.
func TestWindow(t *testing.T) {
	t.Parallel()
	progressing := func(seconds float64, clients, synthetic int64, tries int) Status {
		return Status{
			Phase: Progressing, Weight: 5, Seconds: seconds,
			Clients:   Evidence{Traffic: Traffic{Canary: goodTrack(clients)}, Looks: looksAt(clients, 277), Tries: tries},
			Synthetic: Evidence{Traffic: Traffic{Canary: goodTrack(synthetic)}, Looks: looksAt(synthetic, 277)},
		}
	}
	undecided := goodPairs(270)
	undecided.Decided = 31
	for _, test := range []struct {
		name   string
		status Status
		want   int
	}{
		{"the first is the spec's interval", Status{Phase: Mirroring}, 3},
		{"then evidence doubles", progressing(24, 0, 0, 0), 24},
		{"and at few requests as well", progressing(24, 2, 0, 0), 24},
		{"until the next look", progressing(24, 100, 0, 0), 10},
		{"until enough are there", progressing(24, 240, 0, 0), 4},
		{"be it synthetic ones", progressing(24, 24, 240, 0), 4},
		{"never shorter than the spec's interval", progressing(24, 276, 0, 0), 3},
		{"twice as many for the second try", progressing(30, 300, 0, 1), 26},
		{"decisions count where they are needed", Status{
			Phase: Mirroring, Seconds: 60, Clients: Evidence{Traffic: Traffic{Pairs: undecided}, Looks: 5},
		}, 60},
		{"the longest", progressing(86400, 0, 0, 0), 1800},
		{"the last before the time is over", progressing(168*3600-100, 5, 0, 0), 100},
		{"a bake's", Status{Phase: Baking, Weight: 100}, 3},
		{"a bake's last", Status{Phase: Baking, Weight: 100, Seconds: 3}, 2},
	} {
		require.Equal(t, test.want, Window(spec(), nil, test.status), test.name)
	}
	long := func(cfg pipeline.Canary) pipeline.Canary { cfg.BakeSeconds = 7 * 24 * 3600; return cfg }(spec())
	patient := func(cfg pipeline.Canary) pipeline.Canary { cfg.MaxWaitHours = 336; return cfg }(spec())
	require.Equal(t, 3600, Window(patient, nil, progressing(86400, 0, 0, 0)), "the most that a spec may wait fits into a history as well, and three such windows nearly into a step's patience")
	require.Equal(t, 7*24*3600/500, Window(long, nil, Status{Phase: Baking, Weight: 100}), "a week's bake fits into a history")
}

// Wanted by hand: looks of the shipped spec are at 35 requests, 70, 140 and so on.
func TestEnough(t *testing.T) {
	t.Parallel()
	require.EqualValues(t, 35, Enough(spec(), nil, Status{Phase: Progressing, Weight: 70, Seconds: 3600}))
	seen := Status{Phase: Progressing, Weight: 70, Seconds: 3600, Clients: Evidence{Traffic: Traffic{Canary: goodTrack(100)}, Looks: 2}}
	require.EqualValues(t, 40, Enough(spec(), nil, seen))
	require.Zero(t, Enough(spec(), nil, Status{Phase: Baking, Weight: 100}), "a bake looks in windows of one length")
}
