package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/alert"
)

func (a *app) alertsListCommand() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "list [PIPELINE]", Short: "List open alerts, newest first: those that nobody takes care of yet", Args: between(0, 1),
		Example: "  loanops alerts list\n  loanops alerts list loan-eligibility --all",
		RunE: func(c *cobra.Command, args []string) error {
			reg, _, err := a.registry(c.Context())
			if err != nil {
				return err
			}
			defer reg.Close()
			alerts, err := reg.Alerts(c.Context(), strings.Join(args, ""))
			if err == nil && len(args) > 0 && len(alerts) == 0 { // of one that there is
				_, err = reg.Pipeline(c.Context(), args[0])
			}
			if err != nil {
				return err
			}
			if !all {
				alerts = slices.DeleteFunc(alerts, func(one alert.Alert) bool { return !one.Open })
			}
			return a.print(alerts, func() { a.listAlerts(alerts) })
		},
	}
	c.Flags().BoolVar(&all, "all", false, "those that are resolved or acknowledged as well")
	return c
}

func (a *app) listAlerts(alerts []alert.Alert) {
	rows := [][]string{{"ALERT", "SINCE", "PIPELINE", "SUBJECT", "STATE", "BEFORE", "VERSION", "TOLD", "ACKNOWLEDGED", "WHY"}}
	for _, one := range alerts {
		version, acknowledged := "-", "-"
		if one.Version > 0 {
			version = fmt.Sprint(one.Version)
		}
		if one.Ack != nil {
			acknowledged = one.Ack.Actor + ": " + one.Ack.Reason
		}
		rows = append(rows, []string{
			one.ID, one.Since.Format(timeLayout), one.Pipeline, string(one.Subject), string(one.State), string(one.Before), version, told(one.Sent), acknowledged,
			shortened(one.Reasons),
		})
	}
	a.table(rows)
}

// told names the endpoints that took an alert.
func told(sent []alert.Sending) string {
	if len(sent) == 0 {
		return "-"
	}
	var names []string
	for _, s := range sent {
		names = append(names, s.Endpoint)
	}
	return strings.Join(names, ", ")
}

func (a *app) alertsAckCommand() *cobra.Command {
	var by alert.Ack
	c := &cobra.Command{
		Use: "ack ID", Short: "Take care of an alert: it is no longer listed as open; ID may be how it begins", Args: between(1, 1),
		Example: "  loanops alerts ack 3f0c --reason \"the bureau sends its file again tonight\"",
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkRecorded(by.Reason, by.Actor, "alert"); err != nil {
				return err
			}
			reg, _, err := a.registry(c.Context())
			if err != nil {
				return err
			}
			defer reg.Close()
			acked, err := reg.AckAlert(c.Context(), args[0], by)
			if err != nil {
				return err
			}
			return a.print(acked, func() {
				fmt.Fprintf(a.out, "%s of %s (%s) is taken care of by %s: %s\n", acked.Subject, acked.Pipeline, acked.State, acked.Ack.Actor, acked.Ack.Reason)
			})
		},
	}
	c.Flags().StringVar(&by.Reason, "reason", "", "why, for the record")
	c.Flags().StringVar(&by.Actor, "actor", actor(), "who takes care of it, for the record")
	_ = c.MarkFlagRequired("reason")
	return c
}
