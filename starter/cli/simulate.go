package cli

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/simulate"
)

func (a *app) simulateCommand() *cobra.Command {
	var rows int
	var seed uint64
	var from, to, asOf, out string
	var shuffle bool
	c := &cobra.Command{
		Use: "simulate", Short: "Write simulated applications with what became of them", Args: between(0, 0),
		Example: "  loanops simulate --rows 50000 --seed 7 --out applications.parquet\n  loanops simulate --shuffle-labels --out nonsense.csv",
		RunE: func(*cobra.Command, []string) error {
			cfg := pipeline.Simulate{Rows: rows, Seed: seed}
			var known time.Time
			for _, day := range []struct {
				flag, text string
				into       *time.Time
			}{{"from", from, &cfg.From.Time}, {"to", to, &cfg.To.Time}, {"as-of", asOf, &known}} {
				parsed, err := time.Parse(pipeline.DateLayout, day.text)
				if day.text == "" {
					continue
				}
				if err != nil {
					return fault.New(fault.Invalid, "--%s is %q; a day such as 2026-06-30 is wanted", day.flag, day.text)
				}
				*day.into = parsed
			}
			if rows < 1 || rows > 10_000_000 || !cfg.From.Before(cfg.To.Time) {
				return fault.New(fault.Invalid, "--rows from 1 to 10000000 and --from before --to are wanted")
			}
			table := simulate.Flat(cfg, known)
			if shuffle {
				shuffleLabels(table, seed)
			}
			if err := writeTable(out, table); err != nil {
				return err
			}
			written := map[string]any{"file": out, "rows": table.Rows(), "columns": len(table.Columns)}
			return a.print(written, func() { fmt.Fprintf(a.out, "%s: %d rows, %d columns\n", out, table.Rows(), len(table.Columns)) })
		},
	}
	c.Flags().IntVar(&rows, "rows", 20_000, "applications between --from and --to")
	c.Flags().Uint64Var(&seed, "seed", 20260630, "the same seed gives the same rows")
	c.Flags().StringVar(&from, "from", "2024-01-01", "first `day`")
	c.Flags().StringVar(&to, "to", "2026-06-30", "last `day`")
	c.Flags().StringVar(&asOf, "as-of", "", "what was known on that `day` (default: the last)")
	c.Flags().StringVar(&out, "out", "applications.csv", "`file` to write, .csv or .parquet")
	c.Flags().BoolVar(&shuffle, "shuffle-labels", false, "deal the labels out anew, for a drill: nothing can be learnt from them")
	return c
}

// shuffleLabels permutes the known labels among their rows.
func shuffleLabels(t dataset.Table, seed uint64) {
	label := t.Column(simulate.Label)
	var known []int
	for i, valid := range label.Valid {
		if valid {
			known = append(known, i)
		}
	}
	rand.New(rand.NewPCG(seed, 2)).Shuffle(len(known), func(i, j int) { //nolint:gosec // a drill, not a secret
		label.Texts[known[i]], label.Texts[known[j]] = label.Texts[known[j]], label.Texts[known[i]]
	})
}

func writeTable(file string, t dataset.Table) error {
	var data bytes.Buffer
	switch filepath.Ext(file) {
	case ".csv":
		if err := dataset.WriteCSV(&data, t); err != nil {
			return err
		}
	case ".parquet":
		if err := dataset.WriteParquet(&data, t); err != nil {
			return err
		}
	default:
		return fault.New(fault.Invalid, "--out is %q; a .csv or .parquet file is wanted", file)
	}
	return fault.Wrap(fault.Invalid, os.WriteFile(file, data.Bytes(), 0o644), "--out")
}
