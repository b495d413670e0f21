package cli

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/simulate"
)

// simulation is what the command's flags say.
type simulation struct {
	rows, perDay             int
	seed                     uint64
	out, folder              string
	format, drill, drillFrom string
	product                  string
	feeds                    []string
	shuffle                  bool
}

func (a *app) simulateCommand() *cobra.Command {
	var s simulation
	var from, to, asOf string
	c := &cobra.Command{
		Use: "simulate", Short: "Write simulated applications with what became of them", Args: between(0, 0),
		Long: `simulate writes a population of applicants that never lived: as one table with what became of
them, or by --stream as daily parts, FOLDER/applications/2026-01-01.csv (without labels) and
FOLDER/outcomes/2026-06-30.csv (what became known of them on that day). The same flags give the
same bytes. A table says what was known on its last day, or --as-of: give that day to what reads
it (ct start --data FILE --as-of DAY), or outcomes that came later would be missing.

They apply for loans, or by --product card for limits of cards; the same --rows, --seed, --from
and --to give the same persons. --feed bureau writes what a credit bureau reports of them, --feed
payments what they paid, with late, corrected and repeated rows: in place of the applications, or
as parts of a stream beside them, FOLDER/bureau/2026-01-01.csv.

Drills, which begin on the day of --drill-from:

` + drillLines(),
		Example: "  loanops simulate --rows 50000 --seed 7 --out applications.parquet\n  loanops simulate --shuffle-labels --out nonsense.csv\n" +
			"  loanops simulate --rows 50000 --seed 7 --feed bureau --out bureau.parquet\n" +
			"  loanops simulate --stream drill --drill income-shock --from 2024-07-01 --to 2026-06-30 \\\n    --drill-from 2026-01-01",
		RunE: func(c *cobra.Command, _ []string) error {
			var first, last, known, drilled time.Time
			for _, day := range []struct {
				flag, text string
				into       *time.Time
			}{{"from", from, &first}, {"to", to, &last}, {"as-of", asOf, &known}, {"drill-from", s.drillFrom, &drilled}} {
				parsed, err := time.Parse(pipeline.DateLayout, day.text)
				if day.text == "" {
					continue
				}
				if err != nil {
					return fault.New(fault.Invalid, "--%s is %q; a day such as 2026-06-30 is wanted", day.flag, day.text)
				}
				*day.into = parsed
			}
			if err := s.fits(c); err != nil {
				return err
			}
			if s.folder == "" {
				return a.simulateTable(s, first, last, known)
			}
			drill, err := simulate.DrillOf(s.drill)
			if err != nil {
				return err
			}
			return a.simulateStream(c.Context(), s, simulate.Stream{
				Product: s.product, Seed: s.seed, From: first, To: last, RowsPerDay: s.perDay, AsOf: known, Drill: drill, DrillFrom: drilled, Feeds: s.feeds,
			})
		},
	}
	c.Flags().IntVar(&s.rows, "rows", 20_000, "applications between --from and --to")
	c.Flags().Uint64Var(&s.seed, "seed", 20260630, "the same seed gives the same rows")
	c.Flags().StringVar(&from, "from", "2024-01-01", "first `day`")
	c.Flags().StringVar(&to, "to", "2026-06-30", "last `day`")
	c.Flags().StringVar(&asOf, "as-of", "", "what was known on that `day` (default: the last)")
	c.Flags().StringVar(&s.out, "out", "applications.csv", "`file` to write, .csv or .parquet")
	c.Flags().BoolVar(&s.shuffle, "shuffle-labels", false, "deal the labels out anew, for a drill: nothing can be learnt from them")
	c.Flags().StringVar(&s.product, "product", pipeline.Loan, "what they apply for: loan or card")
	c.Flags().StringArrayVar(&s.feeds, "feed", nil, "`name` of a feed about them: bureau or payments")
	c.Flags().StringVar(&s.folder, "stream", "", "`folder` for daily parts, in place of --out")
	c.Flags().IntVar(&s.perDay, "rows-per-day", 200, "applications of each day of a stream")
	c.Flags().StringVar(&s.format, "format", "csv", "of a stream's parts: csv or parquet")
	c.Flags().StringVar(&s.drill, "drill", "none", "`name` of what changes in a stream, see above")
	c.Flags().StringVar(&s.drillFrom, "drill-from", "", "`day` on which the drill begins")
	return c
}

// drillLines are the drills with what they do, a line each.
func drillLines() string {
	lines := make([]string, len(simulate.Drills))
	for i, d := range simulate.Drills {
		lines[i] = fmt.Sprintf("  %-16s%s", d.Name, d.Does)
	}
	return strings.Join(lines, "\n")
}

// fits refuses flags that say nothing of what is to be written: a table or a stream.
func (s *simulation) fits(c *cobra.Command) error {
	others, what := []string{"rows-per-day", "format", "drill", "drill-from"}, "needs --stream"
	if s.folder != "" {
		others, what = []string{"rows", "out", "shuffle-labels"}, "does not go with --stream"
	}
	for _, flag := range others {
		if c.Flags().Changed(flag) {
			return fault.New(fault.Invalid, "--%s %s", flag, what)
		}
	}
	switch once := slices.Compact(slices.Sorted(slices.Values(s.feeds))); {
	case s.product != pipeline.Loan && s.product != pipeline.Card:
		return fault.New(fault.Invalid, "--product is %q; loan or card is wanted", s.product)
	case len(once) < len(s.feeds) || s.folder == "" && len(s.feeds) > 1:
		return fault.New(fault.Invalid, "--feed is given %d times; each feed once is wanted, and a single one for a table", len(s.feeds))
	case s.folder == "" && len(s.feeds) > 0 && s.shuffle:
		return fault.New(fault.Invalid, "--shuffle-labels does not go with --feed, which has none")
	}
	if s.format != "csv" && s.format != "parquet" {
		return fault.New(fault.Invalid, "--format is %q; csv or parquet is wanted", s.format)
	}
	return nil
}

func (a *app) simulateTable(s simulation, first, last, known time.Time) error {
	cfg := pipeline.Simulate{Product: s.product, Rows: s.rows, Seed: s.seed, From: pipeline.Date{Time: first}, To: pipeline.Date{Time: last}}
	if s.rows < 1 || s.rows > 10_000_000 || !first.Before(last) {
		return fault.New(fault.Invalid, "--rows from 1 to 10000000 and --from before --to are wanted")
	}
	table, err := s.table(cfg, known)
	if err != nil {
		return err
	}
	if err := writeTable(s.out, table); err != nil {
		return err
	}
	if known.IsZero() {
		known = last
	}
	day := known.Format(pipeline.DateLayout)
	written := map[string]any{"file": s.out, "rows": table.Rows(), "columns": len(table.Columns), "known_at": day}
	return a.print(written, func() {
		if len(s.feeds) > 0 {
			fmt.Fprintf(a.out, "%s: %d rows, %d columns, with what was known on %s\n", s.out, table.Rows(), len(table.Columns), day)
			return
		}
		fmt.Fprintf(a.out, "%s: %d rows, %d columns, with what was known on %s: train with --as-of %s\n", s.out, table.Rows(), len(table.Columns), day, day)
	})
}

// table is what is to be written of a population.
func (s *simulation) table(cfg pipeline.Simulate, known time.Time) (dataset.Table, error) {
	if len(s.feeds) > 0 {
		return simulate.Feed(s.feeds[0], cfg, known)
	}
	table := simulate.Flat(cfg, known)
	if s.shuffle {
		shuffleLabels(table, s.seed)
	}
	return table, nil
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
