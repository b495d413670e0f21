package platformtest

import (
	"fmt"
	"os"
	"strings"
)

// QuickSpec writes to file the pipeline in original under another name, with a canary of two steps, at 20 and 50 percent, of some
// seconds each.
func QuickSpec(original, file, name string, seconds int) error {
	data, err := os.ReadFile(original)
	if err != nil {
		return err
	}
	text := string(data)
	for _, change := range [][2]string{
		{"name: loan-eligibility\n", "name: " + name + "\n"},
		{"steps: [5, 20, 40, 70]", "steps: [20, 50]"},
		{"interval_seconds: 3", fmt.Sprintf("interval_seconds: %d", seconds)},
		// The machine's speed is not what these tests are about.
		{"latency: {requests: 500, batch_size: 100, p99_millis: 50, batch_p99_millis: 250}", "latency: {requests: 100, batch_size: 100, p99_millis: 2000, batch_p99_millis: 5000}"},
		{"    max_p99_millis: 100\n", "    max_p99_millis: 5000\n"},
		{"max_batch_p99_millis: 250", "max_batch_p99_millis: 5000"},
		// Looser limits need fewer requests, so that a step takes a second.
		{"max_error_rate: 0.01 ", "max_error_rate: 0.05 "},
		{"max_slow_share: 0.01 ", "max_slow_share: 0.05 "},
		{"max_unpredicted_shift: 0.02", "max_unpredicted_shift: 0.05"},
		{"bake_seconds: 5", "bake_seconds: 1"},
		// The feature store has tests of its own.
		{"features: [loan_eligibility]\nfeature_store: {given: true}\n", ""},
		// Tests begin runs themselves.
		{"schedule:                   # by itself, in UTC: a cron expression, an interval such as 24h, or off\n  retrain: \"0 3 * * 1\"      # Mondays at three\n  monitor: \"0 2 * * *\"      # every day at two\n", "schedule: {retrain: off, monitor: off}\n"},
	} {
		if strings.Count(text, change[0]) != 1 {
			return fmt.Errorf("%s: %q is not there once", original, change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	return os.WriteFile(file, []byte(text), 0o600)
}
