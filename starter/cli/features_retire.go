package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/approval"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/serving"
)

func (a *app) featuresRetireCommand() *cobra.Command {
	var dry, force bool
	var by, reason string
	c := &cobra.Command{
		Use: "retire NAME[@VERSION]", Short: "Put a view, expression, service or entity, or one version of it, out of use", Args: between(1, 1),
		Long: `Put every version of a name, or one version, out of use. Nothing is deleted: what was made of it
stays, and applying the same definition again puts it to use again. What others that are in use name
is not retired (exit code 3): retire those first. Nor is what the current spec of a pipeline, or a
model that serves, reads: its trainings and looks would fail from then on. --force retires that all
the same, and does not ask who reads it.`,
		Example: "  loanops features retire bureau@1 --reason \"replaced by version 2\"\n  loanops features retire old_service",
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkActor(by); err != nil {
				return err
			}
			if err := approval.CheckText("reason", reason); err != nil {
				return err
			}
			return a.withFeatures(c.Context(), func(features feature.Store, _ []feature.Registered, catalogue *feature.Catalogue) error {
				plan, err := catalogue.Retire(args[0], reason)
				if err != nil {
					return err
				}
				if !force {
					if err := a.unread(c.Context(), catalogue, plan); err != nil {
						return err
					}
				}
				return a.carryOut(c.Context(), features, plan, by, dry)
			})
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what would change")
	c.Flags().BoolVar(&force, "force", false, "retire it though pipelines or models that serve read it")
	c.Flags().StringVar(&by, "actor", actor(), "who retires it, for the record")
	c.Flags().StringVar(&reason, "reason", "", "why, for the record")
	return c
}

// unread refuses to retire what somebody reads, and what nobody can say that of.
func (a *app) unread(ctx context.Context, catalogue *feature.Catalogue, plan *feature.Plan) error {
	reg, s, err := a.registry(ctx)
	if err != nil {
		return unknownReaders(err)
	}
	defer reg.Close()
	var users featureUsers
	store, err := objects(ctx, s)
	if err == nil {
		users, err = usersOf(ctx, reg, store)
	}
	if err != nil {
		return unknownReaders(err)
	}
	if reading := users.reading(catalogue, plan.Changes); len(reading) > 0 {
		return fault.New(fault.Refused, "it is read:\n%s\nlet them read something else first: apply or publish a spec that does, train and deliver; --force retires it all the same, and their trainings and looks fail from then on",
			strings.Join(reading, "\n"))
	}
	return nil
}

func unknownReaders(err error) error {
	return fault.Wrap(fault.CodeOf(err), err, "who reads it is not known, and nothing is retired without --force")
}

// reading says which pipelines' current specs, and which models that serve, read what is retired: a line for each of them and each version.
func (u featureUsers) reading(catalogue *feature.Catalogue, retired []feature.Change) (lines []string) {
	for _, c := range retired {
		version := fmt.Sprintf("%s %s@%d", c.Kind, c.Name, c.Version)
		for _, p := range u.pipelines {
			if p.takes(c) || p.asksFor(c, catalogue.Active(c.Kind, c.Name)) {
				lines = append(lines, fmt.Sprintf("the current spec of pipeline %s reads %s", p.name, version))
			}
		}
		for _, m := range u.models {
			serves := slices.Contains(m.aliases, serving.ChampionAlias) || slices.Contains(m.aliases, serving.ChallengerAlias)
			if serves && m.takes(c) {
				lines = append(lines, fmt.Sprintf("model %s version %d (%s) reads %s", m.name, m.version, strings.Join(m.aliases, ", "), version))
			}
		}
	}
	return lines
}

// takes says that columns are of the version of a view. Of an expression they hold all that it says.
func (t taken) takes(c feature.Change) bool {
	return c.Kind == feature.KindView && len(t.features[c.Name][c.Version]) > 0
}

// asksFor says that the spec names a version, by its number or, where that is the active one, without.
func (p pipelineUser) asksFor(c feature.Change, active int) bool {
	return c.Kind != feature.KindEntity && slices.ContainsFunc(p.asks, func(asked string) bool {
		name, version, _, err := nameAndVersion(asked)
		return err == nil && name == c.Name && (version == c.Version || version == 0 && active == c.Version)
	})
}
