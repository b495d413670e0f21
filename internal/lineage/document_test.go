package lineage_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/lineage"
	"github.com/loanops/loanops/internal/serving"
)

func TestViewNames(t *testing.T) {
	t.Parallel()
	require.Empty(t, lineage.Document{}.ViewNames())
	d := lineage.Document{Views: []dataset.View{{Name: "bureau", Version: 12}, {Name: "payments", Version: 1}}}
	require.Equal(t, "bureau@12, payments@1", d.ViewNames())
}

// Wanted by hand.
func TestServing(t *testing.T) {
	t.Parallel()
	track := func(version int, policy string) *serving.Track {
		return &serving.Track{Version: version, Policy: policy}
	}
	history := []serving.Record{
		{Generation: 1, Challenger: track(1, "p")},
		{Generation: 2, Champion: track(1, "p")},
		{Generation: 3, Champion: track(1, "p"), Challenger: track(2, "p")},
		{Generation: 4, Champion: track(2, "p"), Previous: track(1, "p")},
		{Generation: 5, Champion: track(2, "p"), Challenger: track(2, "q"), Previous: track(1, "p")},
	}
	said := func(version int) map[int64][]string {
		as := map[int64][]string{}
		for _, r := range lineage.Serving(history, version) {
			as[r.Generation] = r.As
		}
		return as
	}
	require.Equal(t, map[int64][]string{1: {"challenger"}, 2: {"champion"}, 3: {"champion"}, 4: {"previous"}, 5: {"previous"}}, said(1))
	require.Equal(t, map[int64][]string{3: {"challenger"}, 4: {"champion"}, 5: {"champion", "challenger"}}, said(2))
	data, err := json.Marshal(lineage.Serving(history, 3))
	require.NoError(t, err)
	require.Equal(t, "[]", string(data))
}
