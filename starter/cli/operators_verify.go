package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/approval"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// shownApproval is an approval whose signature was verified.
type shownApproval struct {
	approval.Entry
	Fingerprint string `json:"fingerprint"`
	// StartedBy is whose signature started the delivery, or the training that it is a part of; empty where nobody signed.
	StartedBy string `json:"started_by,omitempty"`
	// Status is valid, or "valid then" of somebody who was revoked since.
	Status string `json:"status"`
}

func (a *app) operatorsVerifyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "verify MODEL [VERSION]", Short: "Show who approved which version, after verifying every signature", Args: between(1, 2),
		Long: `Show who approved which version, after verifying every signature with the operators' public keys.

Needs the database alone. A record that was altered, removed, or signed by somebody who was no
operator then ends it with 1, and is named.`,
		Example: "  loanops operators verify loan-eligibility\n  loanops operators verify loan-eligibility 2 --output json",
		RunE: func(c *cobra.Command, args []string) error {
			version := 0
			if len(args) > 1 {
				var err error
				if version, err = schemaNumber(args[1]); err != nil {
					return err
				}
			}
			return a.withLedger(c.Context(), func(reg registry.Registry, l approval.Ledger) error {
				shown := []shownApproval{}
				rows := [][]string{{"VERSION", "RUN", "STARTED BY", "APPROVED BY", "AT", "STATUS", "REASON"}}
				for _, e := range l.Approvals(args[0], version) {
					starter, err := startedBy(c.Context(), reg, l, e.RunID)
					if err != nil {
						return err
					}
					s := shownApproval{Entry: e, StartedBy: starter, Status: "valid"}
					for _, o := range l.Operators() {
						if o.Name != e.By {
							continue
						}
						s.Fingerprint = o.Fingerprint()
						if o.Revoked != nil {
							s.Status = "valid then" // the ledger takes nothing of who is revoked
						}
					}
					shown = append(shown, s)
					rows = append(rows, []string{fmt.Sprint(e.Version), e.RunID, s.StartedBy, e.By, e.RecordedAt.Format(timeLayout), s.Status, e.Reason})
				}
				if len(shown) == 0 {
					return fault.New(fault.NotFound, "nobody approved %s with a signature", strings.Join(args, " version "))
				}
				return a.print(shown, func() {
					a.table(rows)
					fmt.Fprintf(a.out, "\n%d signed records verified, head %s\n", len(l.Entries()), l.Head())
				})
			})
		},
	}
}

// startedBy is whose signature started a delivery or its parent. A run that is not recorded has no parent that is known.
func startedBy(ctx context.Context, reg registry.Registry, l approval.Ledger, runID string) (string, error) {
	if e, found := l.StartOf(runID); found {
		return e.By, nil
	}
	run, err := reg.Run(ctx, runID)
	if err != nil && fault.CodeOf(err) != fault.NotFound {
		return "", err
	}
	e, _ := l.StartOf(run.ParentID)
	return e.By, nil
}
