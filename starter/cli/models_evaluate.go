package cli

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/workflows"
)

func (a *app) modelsEvaluateCommand() *cobra.Command {
	var input workflows.EvaluationInput
	var wait bool
	c := &cobra.Command{
		Use: "evaluate MODEL", Short: "Measure any version on new data", Args: between(1, 1),
		Example: "  loanops models evaluate loan-eligibility --version 2 --data applications.csv\n  loanops models evaluate loan-eligibility --version @previous --data s3://loans/june/",
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			if err := pipeline.CheckDay("--as-of", input.AsOf); err != nil {
				return err
			}
			input.Model = args[0]
			if input.Data == "" {
				return fault.New(fault.Invalid, "on which data? give --data URI: files or s3://bucket/key")
			}
			reg, s, err := a.registry(ctx)
			if err != nil {
				return err
			}
			defer reg.Close()
			v, err := namedVersion(ctx, reg, input.Model, input.Version)
			if err != nil {
				return err
			}
			input.Version = strconv.Itoa(v.Version) // an alias may move until it is looked up
			if input.Data, input.Uploads, err = a.bring(ctx, s, reg, input.Model, input.Data, input.AsOf); err != nil {
				return err
			}
			_, err = a.startRun(ctx, s, workflows.EvaluationID(input.Model), workflows.EvaluationName, fmt.Sprintf("evaluate %s version %d", input.Model, v.Version), input, wait)
			return err
		},
	}
	c.Flags().StringVar(&input.Version, "version", "@champion", "a `number`, @champion, @previous or @challenger")
	c.Flags().StringVar(&input.Data, "data", "", "`uri` of the rows: files or s3://bucket/key")
	c.Flags().StringVar(&input.AsOf, "as-of", "", "evaluate on what was known on that `day`, such as 2026-03-31")
	c.Flags().BoolVar(&wait, "wait", true, "wait for the end, with progress")
	return c
}

// measured prints what an evaluation on new data found.
func (a *app) measured(m *workflows.Measured) {
	if m == nil || len(m.Metrics) == 0 {
		return
	}
	rows := [][]string{{"METRIC", "ESTIMATE", "95 % INTERVAL"}}
	for _, name := range sortedKeys(m.Metrics) {
		rows = append(rows, []string{name, figure(m.Metrics[name].Estimate), interval(m.Metrics[name])})
	}
	fmt.Fprintf(a.out, "\n%d rows, %d with label 1\n", m.Rows, m.Positive)
	a.table(rows)
}
