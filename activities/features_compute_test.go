package activities

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/simulate"
	"github.com/loanops/loanops/internal/transform"
)

// asked are features of both shipped views, and what is computed of them.
const asked = "bureau:bureau_score, bureau:open_accounts, bureau:delinquent_accounts, payments:late_90d, payments:late_365d, payments:days_late_max_365d, payments:payments_365d, " +
	"instalments_to_income, bureau_utilisation"

// Whoever asks for a view, it is computed once; and what trains is what a feed said at the moment of each application.
func TestWhatIsLookedUpIsWhatFeedsSaidThen(t *testing.T) {
	b := newFeatureBench(t)
	b.apply(t, shipped(t)...)
	first := b.compute(t, "bureau", "payments")
	require.Len(t, first.outs, 2)
	for _, out := range first.outs {
		require.False(t, out.Cached, out.View)
		require.Empty(t, out.Refused, out.View)
		require.Positive(t, out.Rows, out.View)
		require.Equal(t, out.Days, out.Computed, out.View)
		require.LessOrEqual(t, float64(out.Quarantined), 0.01*float64(out.Rows+out.Quarantined), out.View)
		m := b.held(t, out.Manifest)
		require.Equal(t, out.Rows, m.Rows())
		require.Equal(t, out.View, viewID(m))
	}
	b.apply(t, shipped(t, "credit bureau score too low", "the bureau's score is too low")...) // words are no meaning
	again := b.compute(t, "payments", "bureau@1")                                             // another pipeline asks
	for i, out := range again.outs {
		before := first.outs[1-i]
		before.Cached, before.Computed = true, 0
		require.Equal(t, before, out)
	}

	b.respec(t, strings.Replace(many, "20000", "3000", 1), few, "\ncolumns:\n", "\nfeatures: ["+asked+"]\ncolumns:\n")
	load := func() PipelineOutput {
		t.Helper()
		loaded, err := b.stages.Pipelines.Load(t.Context(), PipelineInput{Pipeline: product})
		require.NoError(t, err)
		return loaded
	}
	loaded, registered := load(), len(b.registry.specs[product])
	require.Equal(t, []string{"bureau@1", "payments@1"}, loaded.Views)
	require.Len(t, b.registry.specs[product][0].Features, 11, "what is asked for, with what its expressions read")
	require.Equal(t, loaded, load())
	require.Len(t, b.registry.specs[product], registered, "nothing is new")

	spec, err := b.registry.specs[product][0].Spec()
	require.NoError(t, err)
	b.spec = spec
	run := b.compute(t, loaded.Views...)
	require.True(t, run.outs[0].Cached && run.outs[1].Cached, "what a training needs is there")
	in := ExtractInput{Schema: loaded.Schema.Ref, Source: loaded.Source, Limits: loaded.Limits, KnownAt: b.known(), Features: run.manifests()}
	out, err := b.stages.Extraction.Extract(t.Context(), in)
	require.NoError(t, err)
	table, err := ReadTable(t.Context(), b.objects, out.Dataset)
	require.NoError(t, err)
	require.Equal(t, 150, table.Rows())
	b.holdToFeeds(t, table)
	made, _, err := manifest(t.Context(), b.objects, out.Dataset)
	require.NoError(t, err)
	require.Equal(t, []dataset.View{{Name: "bureau", Version: 1, Manifest: first.outs[0].Manifest.SHA256}, {Name: "payments", Version: 1, Manifest: first.outs[1].Manifest.SHA256}}, made.Views)
	cached, err := b.stages.Extraction.Extract(t.Context(), in)
	require.NoError(t, err)
	require.True(t, cached.Cached)

	// A view that changes is another version, and the spec's columns are features of that one.
	b.apply(t, shipped(t, "ttl: 180d", "ttl: 60d")...)
	loaded = load()
	require.Equal(t, []string{"bureau@2", "payments@1"}, loaded.Views)
	require.Len(t, b.registry.specs[product], registered+1)
	require.Equal(t, "bureau@2:bureau_score", lookedBy(b.registry.specs[product][0], "bureau_score"))
	_, err = b.stages.Extraction.Extract(t.Context(), ExtractInput{Schema: loaded.Schema.Ref, Source: loaded.Source, Limits: loaded.Limits, KnownAt: b.known(), Features: in.Features})
	require.ErrorContains(t, err, "is a feature of view bureau@2, which was not computed")
}

// A mended step computes all of a view again: what it made before is not taken for what it makes now.
func TestAnotherVersionOfTheStepComputesAgain(t *testing.T) {
	b := newFeatureBench(t)
	b.apply(t, shipped(t)...)
	first := b.compute(t, "payments").outs[0]
	require.Positive(t, first.Computed)
	was := ComputeView.Version
	defer func() { ComputeView.Version = was }()
	ComputeView.Version += "+"
	again := b.compute(t, "payments").outs[0]
	require.False(t, again.Cached)
	require.Equal(t, first.Computed, again.Computed)
}

// lookedBy is what a registered column is a feature of.
func lookedBy(spec registry.PipelineSpec, column string) string {
	for _, c := range spec.Features {
		if c.Name == column {
			return c.Feature
		}
	}
	return ""
}

// holdToFeeds holds every looked value of a dataset to what loops over the feeds' rows say, bit for bit.
func (b *featureBench) holdToFeeds(t *testing.T, table dataset.Table) {
	t.Helper()
	applications, _, _ := simulate.Generate(*b.spec.Source.Simulate, time.Time{})
	applicants := map[string]string{}
	for i, id := range applications.Column(b.spec.Entity).Texts {
		applicants[id] = applications.Column(simulate.Applicant).Texts[i]
	}
	catalogue := b.catalogue(t)
	defaults := map[string]float64{"bureau_score": 660, "open_accounts": 3} // those of features/bureau.yaml that are not 0
	for _, name := range []string{"bureau", "payments"} {
		version, err := catalogue.View(name)
		require.NoError(t, err)
		v := version.View
		feed, err := simulate.Feed(name, v.Source.Simulate.Simulate, time.Time{})
		require.NoError(t, err)
		rows := map[feature.Key][]feature.Row{}
		for _, row := range feedRows(t, v, feed) {
			rows[row.Key] = append(rows[row.Key], row)
		}
		other := 0
		for row, id := range table.Column(b.spec.Entity).Texts {
			moment := feature.Instant(table.Column(b.spec.Time).Floats[row] * 24 * 60 * 60 * 1e6)
			want := saidAt(v, rows[feature.KeyOf(applicants[id])], moment)
			for i, f := range v.Features {
				column := table.Column(f.Name)
				if column == nil { // the service does not name it
					continue
				}
				if want[i].Missing && f.Default != nil {
					want[i] = transform.Value{Number: defaults[f.Name]}
				} else {
					other++
				}
				got := cell(column, row)
				require.True(t, want[i].Missing == got.Missing && (got.Missing || math.Float64bits(want[i].Number) == math.Float64bits(got.Number)),
					"%s of %s: %v, and loops say %v", f.Name, id, got, want[i])
			}
		}
		require.Greater(t, other, 50, name)
	}
	b.holdToExpressions(t, table)
}

// holdToExpressions holds what is computed to the words of features/services.yaml.
func (b *featureBench) holdToExpressions(t *testing.T, table dataset.Table) {
	t.Helper()
	known := 0
	for row := range table.Rows() {
		x := func(name string) float64 { return table.Column(name).Floats[row] } // NaN where it is missing
		used := math.NaN()
		if x("credit_limit") > 0 {
			used = x("balance") / x("credit_limit")
		}
		for name, want := range map[string]float64{"instalments_to_income": x("loan_amount") / x("term_months") * 12 / x("annual_income"), "bureau_utilisation": used} {
			got := x(name)
			require.True(t, math.IsNaN(want) && math.IsNaN(got) || math.Float64bits(want) == math.Float64bits(got), "%s of row %d: %v, and %v is right", name, row, got, want)
			if !math.IsNaN(got) {
				known++
			}
		}
	}
	require.Greater(t, known, 150)
}
