package report

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/monitor"
)

func TestBinsInWords(t *testing.T) {
	t.Parallel()
	least, most := -2.5, 34600.0
	below, above, missing := monitor.Bin{Kind: monitor.BelowAll}, monitor.Bin{Kind: monitor.AboveAll}, monitor.Bin{Kind: monitor.OfMissing}
	for _, test := range []struct {
		bins []monitor.Bin
		want []string
	}{
		{[]monitor.Bin{below, {Kind: monitor.OfRange, UpTo: &least}, {Kind: monitor.OfRange, UpTo: &most}, {Kind: monitor.OfRange}, above, missing},
			[]string{"below the reference's", "up to −2.5", "up to 34.6k", "above 34.6k", "above the reference's", "missing"}},
		{[]monitor.Bin{below, {Kind: monitor.OfRange}, above, missing}, []string{"below the reference's", "as the reference's", "above the reference's", "missing"}},
		{[]monitor.Bin{{Kind: monitor.OfLevel, Level: "missing"}, {Kind: monitor.OfOthers}, missing}, []string{"missing", "others", "missing"}},
	} {
		require.Equal(t, test.want, binLabels(test.bins))
	}
}
