package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/approval"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/settings"
)

// applied is what a command did to the register of features, or would do.
type applied struct {
	*feature.Plan
	// Applied is false of a dry run.
	Applied bool `json:"applied"`
}

func (a *app) featuresApplyCommand() *cobra.Command {
	var stage, dry bool
	var by string
	c := &cobra.Command{
		Use: "apply DIR", Short: "Declare what the YAML files of a folder have, and say what changes", Args: between(1, 1),
		Long: `Read the *.yaml files of DIR (entities, views, expressions, services), say what changes, and do it.

A changed meaning is the next version of its name, which the name means from then on; with --stage
it can be read as NAME@VERSION beside the one that is in use, until it is applied without --stage. A
changed description, owner, tag, reason, default or promised freshness stays the same version. What
is registered and not in the folder stays as it is. Queries of new views in SQL are checked by a
worker of the platform. Nothing is done where anything is wrong (exit code 2), or where something
that is registered would work no more (exit code 3).`,
		Example: "  loanops features apply features --dry-run\n  loanops features apply features --stage\n  loanops features apply features",
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkActor(by); err != nil {
				return err
			}
			files, folder, err := definitionFiles(args[0])
			if err != nil {
				return err
			}
			return a.withFeatures(c.Context(), func(features feature.Store, _ []feature.Registered, catalogue *feature.Catalogue) error {
				wanted, err := feature.Read(files, catalogue)
				if err != nil {
					return err
				}
				wanted.Locate(folder)
				plan, err := catalogue.Plan(wanted.Definitions, stage)
				if err != nil {
					return err
				}
				if err := a.check(c.Context(), wanted, plan.Queries); err != nil {
					return err
				}
				return a.carryOut(c.Context(), features, plan, by, dry)
			})
		},
	}
	c.Flags().BoolVar(&stage, "stage", false, "register changed meanings without putting them to use")
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what would change")
	c.Flags().StringVar(&by, "actor", actor(), "who applies it, for the record")
	return c
}

func checkActor(by string) error {
	if strings.TrimSpace(by) == "" {
		return fault.New(fault.Invalid, "--actor must say something: it is kept with the definitions")
	}
	return approval.CheckText("actor", by)
}

// definitionFiles are the YAML files of a folder, by their names, and the folder's absolute path.
func definitionFiles(dir string) (files []feature.File, folder string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, "", fault.New(fault.NotFound, "%s: there is no such folder that can be read", dir)
	}
	for _, entry := range entries {
		if !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(entry.Name())) {
			continue
		}
		name := filepath.Join(dir, entry.Name())
		data, err := readSpec(name)
		if err != nil {
			return nil, "", err
		}
		files = append(files, feature.File{Name: name, Data: data})
	}
	if len(files) == 0 {
		return nil, "", fault.New(fault.NotFound, "%s has no file of definitions; files such as applicants.yaml are wanted in the folder itself", dir)
	}
	folder, err = filepath.Abs(dir)
	return files, folder, fault.Wrap(fault.Invalid, err, "%s", dir)
}

// carryOut does what a plan says, unless it is a dry run, and prints it.
func (a *app) carryOut(ctx context.Context, features feature.Store, plan *feature.Plan, by string, dry bool) error {
	rows := plan.Rows(by)
	if !dry && len(rows) > 0 {
		if _, err := features.Register(ctx, plan.After, rows); err != nil {
			return fault.Wrap(fault.Internal, err, "registering it")
		}
	}
	if !dry {
		if err := a.keepFresh(ctx, features); err != nil {
			return fault.Wrap(fault.CodeOf(err), err, "it is registered, but its views are not kept fresh; the same command again does what is missing")
		}
	}
	done := applied{Plan: plan, Applied: !dry}
	return a.print(done, func() { a.describePlan(done) })
}

// keepFresh lets the schedules of views be as the register says. Where no view ever promised to be fresh there is none.
func (a *app) keepFresh(ctx context.Context, features feature.Store) error {
	rows, err := features.Registered(ctx, 0)
	if err != nil {
		return err
	}
	promised, err := feature.PromisesFreshness(rows)
	if err != nil || !promised {
		return err
	}
	s, err := settings.FromState(a.state)
	if err != nil {
		return err
	}
	temporal, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer temporal.Close()
	return schedules(temporal).KeepFresh(ctx, features)
}

func (a *app) describePlan(p applied) {
	rows, counts, order := [][]string{}, map[feature.Doing]int{}, []string{}
	for _, c := range p.Changes {
		if counts[c.Do]++; c.Do == feature.Unchanged {
			continue
		}
		row := []string{string(c.Do), string(c.Kind), fmt.Sprintf("%s@%d", c.Name, c.Version), string(c.Stage), ""}
		for i, what := range append(c.What, "")[:max(1, len(c.What))] {
			if i > 0 {
				row = []string{"", "", "", "", ""}
			}
			row[4] = what
			rows = append(rows, row)
		}
	}
	if len(rows) > 0 {
		a.table(append([][]string{{"CHANGE", "KIND", "NAME", "STAGE", "WHAT"}}, rows...))
		fmt.Fprintln(a.out)
	}
	for _, do := range []feature.Doing{feature.New, feature.Changed, feature.Activated, feature.Kept, feature.Described, feature.Retires, feature.Unchanged} {
		if counts[do] > 0 {
			order = append(order, fmt.Sprintf("%d %s", counts[do], do))
		}
	}
	fmt.Fprintln(a.out, strings.Join(order, ", "))
	if len(p.Left) > 0 {
		fmt.Fprintf(a.out, "not in the folder, and left as registered: %s\n", strings.Join(p.Left, ", "))
	}
	if !p.Applied {
		fmt.Fprintln(a.out, "this is what would change; nothing is done (--dry-run)")
		return
	}
	// One that is put back as well: it lacks what was posted since it was retired.
	for _, c := range p.Changes {
		if c.Kind == feature.KindView && slices.Contains([]feature.Doing{feature.New, feature.Changed, feature.Activated, feature.Kept}, c.Do) {
			fmt.Fprintf(a.out, "%s@%d is served as its sources say once it is materialized: loanops features materialize %[1]s@%[2]d\n", c.Name, c.Version)
		}
	}
}
