package main

import "log/slog"

// warnOfNobody says that a worker without endpoints takes alerts all the same: Temporal gives an alert to any worker of the role, and whoever takes it
// tells those that it knows.
func warnOfNobody(logger *slog.Logger, endpoints int) {
	if endpoints == 0 {
		logger.Warn("nobody is told of the alerts that this worker takes: its settings name no endpoint (LOANOPS_ALERT_<NAME>_URL); give all workers of the role deliver the same, or read loanops alerts list")
	}
}
