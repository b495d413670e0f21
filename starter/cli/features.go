package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/internal/store/featuredb"
)

// withFeatures does something with what is registered in the platform's feature store.
func (a *app) withFeatures(ctx context.Context, work func(feature.Store, []feature.Registered, *feature.Catalogue) error) error {
	s, err := settings.FeaturesFromState(a.state)
	if err != nil {
		return err
	}
	features, err := featuredb.Open(ctx, s.FeaturesDatabase)
	if err != nil {
		return err
	}
	defer features.Close()
	rows, catalogue, err := feature.Load(ctx, features)
	if err != nil {
		return err
	}
	return work(features, rows, catalogue)
}

func (a *app) featuresListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the entities, views, features, expressions and services that can be used", Args: between(0, 0),
		Example: "  loanops features list\n  loanops features list --output json",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withFeatures(c.Context(), func(_ feature.Store, _ []feature.Registered, catalogue *feature.Catalogue) error {
				return a.printFound(catalogue.List(), "nothing is declared; `loanops features apply DIR` declares what the files of a folder have")
			})
		},
	}
}

func (a *app) featuresSearchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "search TEXT", Short: "Find features and what they belong to by words, the best first", Args: between(1, 20),
		Long: `Find what has every word of TEXT in its name, tags, description, owner, unit or reason, the best
first: whose name it is, then in whose name it is, then whose tag it is, then the others.`,
		Example: "  loanops features search late\n  loanops features search bureau score",
		RunE: func(c *cobra.Command, args []string) error {
			return a.withFeatures(c.Context(), func(_ feature.Store, _ []feature.Registered, catalogue *feature.Catalogue) error {
				text := strings.Join(args, " ")
				return a.printFound(catalogue.Search(text), fmt.Sprintf("nothing has all of %q; `loanops features list` has what there is", text))
			})
		},
	}
}

// printFound prints what was found, or for people that nothing was.
func (a *app) printFound(found []feature.Found, nothing string) error {
	return a.print(found, func() {
		if len(found) == 0 {
			fmt.Fprintln(a.out, nothing)
			return
		}
		rows := [][]string{{"KIND", "NAME", "VERSION", "TYPE", "UNIT", "OWNER", "DESCRIPTION"}}
		for _, f := range found {
			version := fmt.Sprint(f.Version)
			if f.Stage != feature.Active {
				version += " " + string(f.Stage)
			}
			rows = append(rows, []string{string(f.Kind), f.Reference, version, f.Type, f.Unit, f.Owner, clipped(f.Description, 60)})
		}
		a.table(rows)
	})
}

// clipped is a text on one line of at most so many characters.
func clipped(text string, most int) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
