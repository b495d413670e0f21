package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/report"
)

func (a *app) featuresCatalogueCommand() *cobra.Command {
	var page string
	c := &cobra.Command{
		Use: "catalogue", Short: "Write a page of all that is declared, to be searched and kept open", Args: between(0, 0),
		Long: `Write one HTML page of every entity, view, feature, expression and service: what it is, how it is
distributed, how fresh it is, who uses it, and what changed when and by whom. The page needs no
network. With --output json the same is printed as JSON.`,
		Example: "  loanops features catalogue --html features.html\n  loanops features catalogue --output json",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withFeatures(c.Context(), func(store feature.Store, rows []feature.Registered, catalogue *feature.Catalogue) error {
				known, err := a.known(c.Context(), store, rows, catalogue)
				if err != nil {
					return err
				}
				defer known.close()
				all, err := known.all(c.Context())
				if err != nil {
					return err
				}
				if page != "" {
					html, err := report.CatalogueHTML(all)
					if err := a.writePage(page, html, err); err != nil {
						return err
					}
				}
				return a.print(all, func() {
					fmt.Fprintf(a.out, "%d definitions, %d changes to them\n", len(all.Declared), len(all.Changes))
				})
			})
		},
	}
	c.Flags().StringVar(&page, "html", "", "`file` for a page of it")
	return c
}
