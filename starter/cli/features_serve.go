package cli

import (
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/api/features"
	"github.com/loanops/loanops/api/listen"
	"github.com/loanops/loanops/internal/store/featuredb"
)

// collectAt is GOGC of a server of features where the environment has none. What it keeps is a few megabytes: by Go's own it collects what a few hundred answers left, and takes a quarter
// longer for each.
const collectAt = 400

func (a *app) featuresServeCommand() *cobra.Command {
	var keysFile string
	var at listen.Address
	c := &cobra.Command{
		Use: "serve", Short: "Take events of views, and answer what views say of entities (loanops up starts it)", Args: between(0, 0),
		Long: `Take events of views, and answer what views say of entities.

The feature database is LOANOPS_FEATURES_DATABASE: sqlite:///absolute/path or postgres://….`,
		Example: "  LOANOPS_FEATURES_DATABASE=sqlite:///var/lib/loanops/features.db \\\n    loanops features serve --keys-file features-keys.json --address 127.0.0.1:8082",
		RunE: func(c *cobra.Command, _ []string) error {
			db, err := featuredb.Open(c.Context(), os.Getenv("LOANOPS_FEATURES_DATABASE"))
			if err != nil {
				return err
			}
			defer db.Close()
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(collectAt)
			}
			f, err := features.New(db, keysFile)
			if err != nil {
				return err
			}
			return at.Serve(c.Context(), f.Handler())
		},
	}
	c.Flags().StringVar(&keysFile, "keys-file", "", "JSON `file` of the callers, the hashes of their keys and their rights")
	at.Flags(c)
	_ = c.MarkFlagRequired("keys-file")
	return c
}
