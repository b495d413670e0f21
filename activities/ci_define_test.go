package activities

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

const institutions = "features/institutions.yaml"

// theirs registers the view of the example, and what it needs, as a person does whose name is given.
func (i *featureIntegrations) theirs(t *testing.T, actor string) {
	t.Helper()
	file, _ := featured(t).File(institutions)
	views, _, found := strings.Cut(string(file.Data), "expressions:")
	require.True(t, found)
	folder, err := feature.Read([]feature.File{{Name: "f.yaml", Data: []byte(views)}}, nil)
	require.NoError(t, err)
	plan, err := (&feature.Catalogue{}).Plan(folder.Definitions, false)
	require.NoError(t, err)
	_, err = i.store.Register(t.Context(), plan.After, plan.Rows(actor))
	require.NoError(t, err)
}

// resolves holds a reference to what it comes to: features by their views.
func (i *featureIntegrations) resolves(t *testing.T, reference string, want ...string) {
	t.Helper()
	known, err := registeredIn(t.Context(), i.store)
	require.NoError(t, err)
	resolved, err := known.Resolve([]string{reference})
	require.NoError(t, err)
	var got []string
	for _, f := range resolved.Features {
		v, of := resolved.Of(f)
		got = append(got, feature.Locked{Kind: v.Kind, Name: v.Name, Version: v.Version}.ID()+":"+of.Name)
	}
	require.Equal(t, want, got)
}

// A push stages a view that is not its own, so whatever of its own needs the new version of that is staged with it: a service that worked works on.
func TestAPushLeavesItsOwnServicesUsable(t *testing.T) {
	t.Parallel()
	i := newFeatureIntegrations(t)
	i.theirs(t, "lena")
	by := i.publication()
	services := "services:\n  - {name: mine, features: [\"institutions:arrears_share\"]}\n\nexpressions:"
	first, err := i.publish(t, by, 1, featured(t, [3]string{institutions, "expressions:", services}))
	require.NoError(t, err)
	require.Equal(t, []string{
		"view institutions@2 changed and staged: its name means what it meant", // its source is the repository's file
		"expression amount_to_typical@1 new", "service mine@1 new",
	}, first.Definitions)
	i.resolves(t, "mine", "view institutions@1:arrears_share")

	more := func(mine string) [][3]string {
		return [][3]string{
			{institutions, "expressions:", strings.Replace(services, "[\"institutions:arrears_share\"]}", mine+"}\n  - {name: fresh, features: [amount_per_branch]}\n  - {name: plain, features: [\"institutions:typical_amount\"]}", 1) +
				"\n  - {name: amount_per_branch, expression: loan_amount / branches, features: [\"institutions:branches\"], type: number, min: 0}"},
			{institutions, "      - {name: typical_amount", "      - {name: branches, aggregate: count, over: 365d}\n      - {name: typical_amount"},
		}
	}
	second, err := i.publish(t, by, 2, featured(t, more("[\"institutions:branches\"]")...))
	require.NoError(t, err)
	require.Equal(t, []string{
		"view institutions@3 changed and staged: its name means what it meant",
		"expression amount_per_branch@1 new and staged: its name means nothing yet",
		"service mine@2 changed and staged: its name means what it meant",
		"service fresh@1 new and staged: its name means nothing yet",
		"service plain@1 new",
	}, second.Definitions)
	i.resolves(t, "mine", "view institutions@1:arrears_share")
	i.resolves(t, "plain", "view institutions@1:typical_amount")
	again, err := i.publish(t, by, 2, featured(t, more("[\"institutions:branches\"]")...))
	require.NoError(t, err)
	require.Empty(t, again.Definitions, "what was staged stays so")

	// Once a person puts the view to use the next push does the rest.
	known, err := registeredIn(t.Context(), i.store)
	require.NoError(t, err)
	view := known.Versions(feature.KindView, "institutions")[2].View
	plan, err := known.Plan(feature.Definitions{Views: []feature.View{*view}}, false)
	require.NoError(t, err)
	_, err = i.store.Register(t.Context(), plan.After, plan.Rows("lena"))
	require.NoError(t, err)
	third, err := i.publish(t, by, 3, featured(t, append(more("[\"institutions:branches\"]"), [3]string{"README.md", "#", "##"})...))
	require.NoError(t, err)
	require.Equal(t, []string{"expression amount_per_branch@1 activated", "service mine@2 activated", "service fresh@1 activated"}, third.Definitions)
	i.resolves(t, "mine", "view institutions@3:branches")
}

// Where staging what is others' leaves something of its own in use that would break what is registered, all that changes is staged.
func TestAPushThatWouldBreakWhatIsRegisteredIsStaged(t *testing.T) {
	t.Parallel()
	i := newFeatureIntegrations(t)
	by := i.publication()
	_, err := i.publish(t, by, 1, featured(t))
	require.NoError(t, err)
	i.apply(t, "services: [{name: theirs, features: [amount_to_typical, \"institutions:typical_amount\"]}]\n")
	renamed := [][3]string{
		{institutions, "{name: typical_amount, type", "{name: usual_amount, type"}, {institutions, `loan_amount / typical_amount, features: ["institutions:typical_amount"]`, `loan_amount / usual_amount, features: ["institutions:usual_amount"]`},
		{"tests/store.yaml", "typical_amount:", "usual_amount:"},
	}
	second, err := i.publish(t, by, 2, featured(t, renamed...))
	require.NoError(t, err)
	require.Equal(t, []string{
		"view institutions@2 changed and staged: its name means what it meant", "expression amount_to_typical@2 changed and staged: its name means what it meant",
	}, second.Definitions)
	i.resolves(t, "theirs", "view institutions@1:typical_amount")
}

// Whose a definition is says the repository that is kept with it, and no words of who registered it.
func TestWordsGiveNoRightToADefinition(t *testing.T) {
	t.Parallel()
	i := newFeatureIntegrations(t)
	i.theirs(t, "commit c0c0c0c0c0c0 of repository loans")
	by := i.publication()
	first, err := i.publish(t, by, 1, featured(t))
	require.NoError(t, err)
	require.Contains(t, first.Definitions, "view institutions@2 changed and staged: its name means what it meant")
	again, err := i.publish(t, by, 2, featured(t, [3]string{institutions, "ttl: 400d", "ttl: 300d"}))
	require.NoError(t, err)
	require.Equal(t, []string{"view institutions@3 changed and staged: its name means what it meant"}, again.Definitions, "who stages something has no right to the name by that")
	i.resolves(t, "institutions:arrears_share", "view institutions@1:arrears_share")
	rows, err := i.store.Registered(t.Context(), 0)
	require.NoError(t, err)
	for _, row := range rows {
		want := ""
		if row.Nth > 2 { // the entity and the view are a person's
			want = "loans"
		}
		require.Equal(t, want, row.Repository, row.Name)
	}
}

// What a repository promises to be fresh is kept so from its publication on, also where the first try ended before.
func TestPublishedViewsAreKeptFresh(t *testing.T) {
	t.Parallel()
	i := newFeatureIntegrations(t)
	by := i.publication()
	down, kept := true, []feature.Registered(nil)
	by.KeepFresh = func(ctx context.Context, register feature.Register) (err error) {
		if down {
			return fault.New(fault.Unavailable, "no schedules today")
		}
		kept, err = register.Registered(ctx, 0)
		return err
	}
	tree := featured(t, [3]string{institutions, "    ttl: 400d", "    freshness: 24h\n    ttl: 400d"})
	for range 2 { // the second try has nothing to apply
		_, err := i.publish(t, by, 1, tree)
		require.ErrorContains(t, err, "no schedules today")
		require.Equal(t, fault.Unavailable, fault.CodeOf(err), "it is tried again")
	}
	down = false
	out, err := i.publish(t, by, 1, tree)
	require.NoError(t, err)
	require.Empty(t, out.Definitions, "they were applied by the first try")
	all, err := i.store.Registered(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, all, kept)
	promised, err := feature.PromisesFreshness(kept)
	require.NoError(t, err)
	require.True(t, promised)

	by.KeepFresh = func(context.Context, feature.Register) error {
		return errors.New("asked of a commit without features")
	}
	small := &published{integrations: i.integrations, by: *by}
	require.NoError(t, small.publish(t, "large-loans", "others", i.trigger, false))
}
