package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/infer"
)

// progressRows is after how many rows a long reading says how far it is.
const progressRows = 1_000_000

func (a *app) dataInferCommand() *cobra.Command {
	var in infer.Input
	c := &cobra.Command{
		Use: "infer FILE...", Short: "Write the start of a spec for raw files, to be reviewed", Args: between(1, 10_000),
		Long: `Write the start of a spec for raw files: CSV in its dialects, Parquet or JSON lines; a FILE may be
a folder or a glob, and several are one relation. The spec says the type of every column and the
cleaning that it needs, domains and ranges, codes that look like missing values, and which columns
look like the label, the entity, the time, or must not train. Review it: values do not say what
they mean. Values that fewer than five rows have are counted and never written.`,
		Example: "  loanops data infer cards.csv > cards.yaml\n  loanops data infer 'exports/*.csv.gz' --name cards --label defaulted\n  loanops data infer cards.parquet --output json",
		RunE: func(c *cobra.Command, args []string) error {
			in.URIs = args
			said := int64(0)
			in.Progress = func(rows int64) {
				if rows >= said+progressRows {
					said = rows
					a.say("%d rows read", rows)
				}
			}
			schema, err := infer.Run(c.Context(), in)
			if fault.CodeOf(err) == fault.NotFound { // a file that is not there is bad input here, as it is for data check
				return fault.New(fault.Invalid, "%s", err)
			}
			if err != nil {
				return err
			}
			return a.print(schema, func() { fmt.Fprint(a.out, schema.Spec) })
		},
	}
	c.Flags().StringVar(&in.Name, "name", "", "the pipeline's `name` (default: from the file's)")
	c.Flags().StringVar(&in.Label, "label", "", "the label's `column` (default: guessed)")
	c.Flags().StringVar(&in.Encoding, "encoding", "", "of CSV files, such as windows-1252 (default: UTF-8)")
	return c
}
