package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/serving"
)

func (a *app) modelsHistoryCommand() *cobra.Command {
	var at string
	c := &cobra.Command{
		Use: "history MODEL", Short: "Show every alias move, verified to be unchanged, or what served at a time", Args: between(1, 1),
		Example: "  loanops models history loan-eligibility\n  loanops models history loan-eligibility --at 2026-01-31T10:00",
		RunE: func(c *cobra.Command, args []string) error {
			moment, err := parseMoment(at, time.Now())
			if err != nil {
				return err
			}
			reg, _, err := a.registry(c.Context())
			if err != nil {
				return err
			}
			defer reg.Close()
			history, err := reg.ServingHistory(c.Context(), args[0], serving.Production)
			if err != nil {
				return err
			}
			if at != "" {
				return a.servedAt(history, args[0], moment)
			}
			moves := serving.AliasMoves(history)
			if len(moves) == 0 {
				return fault.New(fault.NotFound, "no alias of model %q was ever moved", args[0])
			}
			rows := [][]string{{"SEQ", "GENERATION", "AT", "ALIAS", "FROM", "TO", "ACTOR", "REASON"}}
			for _, m := range moves {
				rows = append(rows, []string{
					strconv.Itoa(m.Seq), strconv.FormatInt(m.Generation, 10), m.At.Format(timeLayout), m.Alias, strconv.Itoa(m.From), strconv.Itoa(m.Version),
					m.Actor, m.Reason,
				})
			}
			return a.print(moves, func() {
				a.table(rows)
				a.verified(history)
			})
		},
	}
	c.Flags().StringVar(&at, "at", "", "only what served at that `time`, UTC: 2026-01-31T10:00, or the end of a day")
	return c
}

// parseMoment reads a time in UTC; a day alone is its end, the last moment at which something could be decided on it. Empty is the zero time. Of a
// time after now nothing is known.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	toCome := fault.New(fault.Invalid, "--at is %q, which is yet to come", text)
	if day, err := time.Parse(pipeline.DateLayout, text); err == nil {
		if day.After(now) {
			return time.Time{}, toCome
		}
		return day.AddDate(0, 0, 1).Add(-time.Microsecond), nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			if at.After(now) {
				return time.Time{}, toCome
			}
			return at.UTC(), nil
		}
	}
	return time.Time{}, fault.New(fault.Invalid, "--at is %q; a time in UTC such as 2026-01-31T10:00, or a day such as 2026-01-31, is wanted", text)
}

// servedThen is what served at a time: the record that said so, and the one that made its champion champion, null where there was none.
type servedThen struct {
	Model string         `json:"model"`
	At    time.Time      `json:"at"`
	Then  serving.Record `json:"record"`
	// Since names who answers for the champion: who approved it, where approval was asked for.
	Since *serving.Record `json:"champion_since"`
}

func (a *app) servedAt(history []serving.Record, model string, at time.Time) error {
	then, since := serving.At(history, at)
	if then.Generation == 0 {
		return fault.New(fault.NotFound, "nothing of model %q served on %s", model, at.Format(timeLayout))
	}
	shown := servedThen{Model: model, At: at, Then: then}
	if since.Generation > 0 {
		shown.Since = &since
	}
	return a.print(shown, func() {
		fmt.Fprintf(a.out, "%s on %s: generation %d, %s by %s on %s: %s\n\n", model, at.Format(timeLayout), then.Generation, then.Change, then.Actor, then.At.Format(timeLayout), then.Reason)
		rows := [][]string{{"", "VERSION", "POLICY", "TRAFFIC"}}
		for _, t := range []struct {
			name  string
			track *serving.Track
		}{{serving.ChampionAlias, then.Champion}, {serving.ChallengerAlias, then.Challenger}, {serving.PreviousAlias, then.Previous}} {
			if t.track != nil {
				rows = append(rows, []string{t.name, strconv.Itoa(t.track.Version), fmt.Sprintf("%.12s", t.track.Policy), fmt.Sprintf("%d %%", then.Share(*t.track))})
			}
		}
		a.table(rows)
		if shown.Since != nil {
			fmt.Fprintf(a.out, "\nchampion since %s (generation %d, %s) by %s: %s\n", since.At.Format(timeLayout), since.Generation, since.Change, since.Actor, since.Reason)
		}
		a.verified(history)
	})
}
