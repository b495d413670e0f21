package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

// shownRecord is a serving record for programs: every key is always there, null when there is none.
type shownRecord struct {
	Generation int64          `json:"generation"`
	Change     serving.Change `json:"change"`
	Champion   *serving.Track `json:"champion"`
	Challenger *serving.Track `json:"challenger"`
	Weight     *int           `json:"weight"` // null without a challenger
	Previous   *serving.Track `json:"previous"`
	Drill      *string        `json:"drill"`
	serving.Author
	At       time.Time `json:"at"`
	PrevHash *string   `json:"prev_hash"`
	Hash     string    `json:"hash"`
}

func shown(r serving.Record) shownRecord {
	s := shownRecord{
		Generation: r.Generation, Change: r.Change, Champion: r.Champion, Challenger: r.Challenger, Previous: r.Previous,
		Drill: orNull(r.Drill), Author: r.Author, At: r.At, PrevHash: orNull(r.PrevHash), Hash: r.Hash,
	}
	if r.Challenger != nil {
		s.Weight = &r.Weight
	}
	return s
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func (a *app) servingShowCommand() *cobra.Command {
	return a.servingCommand("show MODEL", "Show what should serve now", "  loanops serving show loan-eligibility", func(history []serving.Record) error {
		r := history[len(history)-1]
		return a.print(shown(r), func() { a.describeServing(r) })
	})
}

func (a *app) servingHistoryCommand() *cobra.Command {
	return a.servingCommand("history MODEL", "Show every serving record, oldest first, after verifying that nobody changed one",
		"  loanops serving history loan-eligibility --environment staging", func(history []serving.Record) error {
			list := make([]shownRecord, len(history))
			rows := [][]string{{"GENERATION", "AT", "CHANGE", "CHAMPION", "CHALLENGER", "PREVIOUS", "ACTOR", "WRITER", "REASON"}}
			for i, r := range history {
				list[i] = shown(r)
				challenger := cell(r.Challenger)
				if r.Challenger != nil {
					challenger += fmt.Sprintf(" %d %%", r.Weight)
				}
				rows = append(rows, []string{
					strconv.FormatInt(r.Generation, 10), r.At.Format(timeLayout), string(r.Change), cell(r.Champion), challenger, cell(r.Previous),
					r.Actor, r.Writer, r.Reason,
				})
			}
			return a.print(list, func() {
				a.table(rows)
				a.verified(history)
			})
		})
}

// servingCommand is a command that shows something of the history of a model in an environment, which has at least one record.
func (a *app) servingCommand(use, short, example string, show func([]serving.Record) error) *cobra.Command {
	var environment string
	c := &cobra.Command{
		Use: use, Short: short, Example: example, Args: between(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			reg, _, err := a.registry(c.Context())
			if err != nil {
				return err
			}
			defer reg.Close()
			history, err := reg.ServingHistory(c.Context(), args[0], environment)
			if err != nil {
				return err
			}
			if len(history) == 0 {
				return fault.New(fault.NotFound, "there is no serving record of model %q in %q; `loanops cd start %s` delivers a version", args[0], environment, args[0])
			}
			return show(history)
		},
	}
	c.Flags().StringVar(&environment, "environment", serving.Production, "production or staging")
	return c
}

func (a *app) describeServing(r serving.Record) {
	fmt.Fprintf(a.out, "%s in %s: generation %d since %s\n%s by %s (%s): %s\n", r.Pipeline, r.Environment, r.Generation, r.At.Format(timeLayout),
		r.Change, r.Writer, r.Actor, r.Reason)
	if r.Drill != "" {
		fmt.Fprintf(a.out, "the challenger runs under the drill %s\n", r.Drill)
	}
	fmt.Fprintln(a.out)
	rows := [][]string{{"", "VERSION", "POLICY", "TRAFFIC"}}
	for _, row := range []struct {
		alias string
		track *serving.Track
	}{{serving.ChampionAlias, r.Champion}, {serving.ChallengerAlias, r.Challenger}, {serving.PreviousAlias, r.Previous}} {
		if row.track != nil {
			rows = append(rows, []string{row.alias, strconv.Itoa(row.track.Version), shortPolicy(*row.track), fmt.Sprintf("%d %%", r.Share(*row.track))})
		}
	}
	a.table(rows)
	fmt.Fprintf(a.out, "hash %s\n", r.Hash)
}

// cell is a track in a table: its version, and enough of its policy to tell it from others.
func cell(t *serving.Track) string {
	if t == nil {
		return "-"
	}
	return fmt.Sprintf("%d (%s)", t.Version, shortPolicy(*t))
}

func shortPolicy(t serving.Track) string { return t.Policy[:min(len(t.Policy), 12)] }

// verified says that the chain was read as it was written.
func (a *app) verified(history []serving.Record) {
	fmt.Fprintf(a.out, "chain of %d records verified, newest hash %s\n", len(history), history[len(history)-1].Hash)
}
