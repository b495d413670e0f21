package cli

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/workflows"
)

func TestCadenceChecksItsFlagsBeforeItLooksForAPlatform(t *testing.T) {
	t.Parallel()
	for says, args := range map[string][]string{
		"--tolerance is 0;":                      {"--tolerance", "0"},
		"--tolerance is 1;":                      {"--tolerance", "1"},
		"--tolerance is NaN;":                    {"--tolerance", "NaN"},
		"--html needs the end of the run: leave": {"--html", "page.html", "--wait=false"},
	} {
		_, stderr, code := run(t, append([]string{"monitor", "cadence", "loan-eligibility"}, args...)...)
		require.Equal(t, 2, code, args)
		require.Contains(t, stderr, says)
	}
}

func TestAPeriodIsToldWithWhatWaitingCosts(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := &app{out: &out}
	late := 240.0
	p := workflows.Period{
		RecommendedDays: 120, AtLeast: true, ExceededDays: &late, Tolerance: 0.01, LossPerMonth: &evaluate.Metric{Estimate: 0.002}, Models: 5, Points: 30,
		Waiting: []performance.Waiting{{Days: 30, Metric: evaluate.Metric{Estimate: 0.002, Lower: -0.0001, Upper: 0.004}}},
	}
	a.period(&p)
	require.Contains(t, out.String(), "train every 120 days or less often, so that at most 0.01 of AUC is lost (5 models, 30 vintages of them)")
	require.Contains(t, out.String(), "from 240 days on more is lost")
	require.Contains(t, out.String(), "+0.0020")
	require.Contains(t, out.String(), "-0.0001 to +0.0040")
	out.Reset()
	p.LossPerMonth = nil
	a.period(&p)
	a.period(nil)
	require.Empty(t, out.String(), "the reasons say that there are not enough data")
}
