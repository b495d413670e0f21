package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/report"
)

// shownDefinition is a definition and all that is known of it.
type shownDefinition struct {
	report.Declared
	// Feature is the only one of a view that is shown; empty for all.
	Feature string `json:"feature,omitempty"`
	Unknown string `json:"unknown,omitempty"` // why statistics and users are not known
}

func (a *app) featuresShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME[@VERSION] | VIEW[@VERSION]:FEATURE", Short: "Show a definition: statistics, freshness, who uses it, and what changed when", Args: between(1, 1),
		Long: `Show a view, expression, service or entity: its definition (default: the version that the name
means, else the newest), how fresh what is served of it is, how its features are distributed, which
pipelines and model versions use them, and the history of all of its versions. VIEW:FEATURE shows
one feature with its distribution. Statistics are computed when a view is materialized.`,
		Example: "  loanops features show bureau\n  loanops features show bureau:bureau_score\n  loanops features show bureau@2 --output json",
		RunE: func(c *cobra.Command, args []string) error {
			name, version, only, err := nameAndVersion(args[0])
			if err != nil {
				return err
			}
			return a.withFeatures(c.Context(), func(store feature.Store, rows []feature.Registered, catalogue *feature.Catalogue) error {
				v, err := versionShown(catalogue, name, version)
				if err != nil {
					return err
				}
				if err := hasFeature(v, only); err != nil {
					return err
				}
				known, err := a.known(c.Context(), store, rows, catalogue)
				if err != nil {
					return err
				}
				defer known.close()
				shown := shownDefinition{Feature: only, Unknown: known.unknown}
				if shown.Declared, err = known.declared(c.Context(), v, only); err != nil {
					return err
				}
				return a.print(shown, func() { a.describeDefinition(shown) })
			})
		},
	}
}

// nameAndVersion reads NAME, NAME@VERSION, and either with a feature. Without a version it is 0.
func nameAndVersion(text string) (name string, version int, only string, err error) {
	name, only, _ = strings.Cut(text, ":")
	name, number, numbered := strings.Cut(name, "@")
	if numbered {
		if version, err = strconv.Atoi(number); err != nil || version < 1 {
			return "", 0, "", fault.New(fault.Invalid, "%q; NAME or NAME@VERSION is wanted, such as bureau@2", text)
		}
	}
	return name, version, only, nil
}

// versionShown is the version of a name that is asked for: the one of that number, else the one that the name means, else the newest.
func versionShown(catalogue *feature.Catalogue, name string, number int) (*feature.Version, error) {
	versions, err := catalogue.Look(name)
	if err != nil {
		return nil, err
	}
	newest := versions[len(versions)-1]
	shown := newest
	active := catalogue.Active(newest.Kind, name)
	for _, v := range versions {
		if v.Version == number || number == 0 && v.Version == active {
			shown = v
		}
	}
	if number != 0 && shown.Version != number {
		return nil, fault.New(fault.NotFound, "%s %s has the versions 1 to %d, and no version %d", newest.Kind, name, newest.Version, number)
	}
	return shown, nil
}

// hasFeature holds what is asked for to being a feature of a view.
func hasFeature(v *feature.Version, only string) error {
	switch {
	case only == "":
		return nil
	case v.Kind != feature.KindView:
		return fault.New(fault.Invalid, "%s is %s, which has no features of its own; show it by its name alone", v.Name, pipeline.Article(string(v.Kind)))
	case v.View.Feature(only) == nil:
		var names []string
		for _, f := range v.View.Features {
			names = append(names, f.Name)
		}
		return fault.New(fault.NotFound, "view %s@%d has no feature %q; it has %s", v.Name, v.Version, only, strings.Join(names, ", "))
	}
	return nil
}

func (a *app) describeDefinition(d shownDefinition) {
	use := "which the name means"
	switch {
	case d.Stage == feature.Retired:
		use = "which is retired"
	case d.Active == 0:
		use = "which is staged; no version is active"
	case d.Active != d.Version:
		use = fmt.Sprintf("while the name means version %d", d.Active)
	}
	if d.Feature != "" {
		fmt.Fprintf(a.out, "feature %s of view %s, version %d, %s\n\n", d.Feature, d.Name, d.Version, use)
		a.describeFeature(d)
	} else {
		fmt.Fprintf(a.out, "%s %s, version %d, %s\nmeaning %s\n\n%s\n", d.Kind, d.Name, d.Version, use, d.Meaning, report.DefinitionYAML(d.Kind, d.Document))
		a.describeFreshness(d.Freshness)
		a.describeStatistics(d)
	}
	a.describeUsers(d)
	table := [][]string{{"AT", "VERSION", "STAGE", "BY", "WHAT"}}
	for _, h := range d.History {
		table = append(table, []string{h.At.Format(timeLayout), fmt.Sprint(h.Version), string(h.Stage), h.Actor, h.What})
	}
	a.table(table)
}
