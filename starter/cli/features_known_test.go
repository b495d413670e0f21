package cli

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/artifact/s3test"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/feature/snapshot"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/profile"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/schema"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/sha256hex"
	"github.com/loanops/loanops/internal/store/featuredb"
)

// scores are statistics of bureau as if it knew of so many applicants.
func scores(entities int) snapshot.Snapshot {
	c := dataset.Column{Name: "bureau_score", Kind: dataset.Integer}
	for i := range entities {
		x := float64(600 + 10*(i%7))
		if i%10 == 0 {
			x = math.NaN()
		}
		c.Floats = append(c.Floats, x)
	}
	return snapshot.Snapshot{
		View: "bureau", Version: 1, Rows: int64(2 * entities), Days: 3, Features: []profile.Column{snapshot.Describe(c)},
		Extent: snapshot.Extent{At: feature.InstantOf(began), Newest: feature.InstantOf(began.Add(-time.Hour)), Entities: int64(entities)},
	}
}

// knownPlatform is one on which bureau was materialized an hour ago, two pipelines take features, and models were trained on them.
func knownPlatform(t *testing.T) fakePlatform {
	t.Helper()
	s3test.Start(t)
	p, ctx := newFakePlatform(t), t.Context()
	features, err := featuredb.Open(ctx, p.settings.FeaturesDatabase)
	require.NoError(t, err)
	defer features.Close()
	declared := fstest.MapFS{"f.yaml": {Data: []byte(strings.Replace(bureauFeatures, "received_at\n", "received_at\n    freshness: 24h\n", 1))}}
	_, err = feature.DeclareShipped(ctx, features, declared, "ada") // there is no Temporal whose schedules would keep it fresh
	require.NoError(t, err)
	store, err := objects(ctx, p.settings)
	require.NoError(t, err)
	put := func(value any) artifact.Ref {
		data, err := json.Marshal(value)
		require.NoError(t, err)
		ref, err := store.Put(ctx, data, "application/json", "json")
		require.NoError(t, err)
		return ref
	}
	reg := p.registry(t)

	manifest := put("manifest")
	text, err := json.Marshal(manifest)
	require.NoError(t, err)
	input, err := json.Marshal(activities.DescribeViewInput{Manifest: manifest})
	require.NoError(t, err)
	output, err := json.Marshal(activities.DescribeViewOutput{View: "bureau@1", Statistics: put(scores(700))})
	require.NoError(t, err)
	step := activities.DescribeView // as the worker keeps it: by name, version and input
	require.NoError(t, reg.PutCachedStep(ctx, registry.CachedStep{Key: sha256hex.Of(fmt.Appendf(nil, "%s\x00%s\x00%s", step.Name, step.Version, input)), Step: step.Name, Result: output}))
	progress, err := features.Begin(ctx, "bureau", 1, 0, string(text))
	require.NoError(t, err)
	_, err = features.Finish(ctx, "bureau", 1, progress.Generation, feature.InstantOf(time.Now().Add(-time.Hour)))
	require.NoError(t, err)

	looked := func(version int) pipeline.Column {
		return pipeline.Column{Name: "bureau_score", Type: pipeline.Integer, Feature: fmt.Sprintf("bureau@%d:bureau_score", version)}
	}
	spec := shipped(t)
	spec.YAML = []byte(strings.Replace(string(spec.YAML), "features: [loan_eligibility]", "features: [credit]", 1))
	spec.Digest, spec.Features = sha256hex.Of(spec.YAML), []pipeline.Column{looked(1)}
	require.NoError(t, reg.PutPipeline(ctx, spec))
	trained := func(version int, digest string) {
		_, _, err := reg.RegisterVersion(ctx, registry.ModelVersion{
			Name: spec.Name, Digest: strings.Repeat(digest, 64), Meaning: "default", Hyperparameters: json.RawMessage(`{}`), RunID: "run-" + digest,
			Artifacts: map[string]artifact.Ref{artifact.Schema: put(schema.Schema{Name: spec.Name, Inputs: []pipeline.Column{looked(version)}})}, Lineage: registry.Lineage{SpecDigest: spec.Digest},
		})
		require.NoError(t, err)
	}
	trained(7, "1") // by the same text of the spec, when bureau meant another version
	trained(1, "2")
	trained(1, "3")
	version(t, reg, spec.Name, "4", 0.7) // without a schema
	next, err := serving.Record{Pipeline: spec.Name, Environment: serving.Production}.Prepare(serving.Track{Version: 3, Policy: "p"}, "")
	require.NoError(t, err)
	_, err = reg.TakeGeneration(ctx, next.By(serving.Author{Writer: "w", Actor: "ada", Reason: "it passed", Operation: "o"}))
	require.NoError(t, err)
	return p
}

func TestFeaturesShowTellsAllThatIsKnown(t *testing.T) {
	p := knownPlatform(t)
	stdout, stderr, code := p.run(t, "features", "show", "bureau")
	require.Equal(t, 0, code, stderr)
	require.Empty(t, stderr)
	for _, want := range []string{
		`freshness: fresh; what was known until .* is served, 60 min ago; at most 1 d is promised`, `newest event: 2026-06-30 09:00:00`, `what it says of 700 entities, by 1,400 rows of 3 days, as known on 2026-06-30 10:00:00`,
		`bureau_score +10\.0 % +7 +600 +630 +660 +630 +█████`, `named by service credit@1`, `pipeline loan-eligibility +current +bureau@1: bureau_score`,
		`model loan-eligibility +2, 3 \(challenger\) +bureau@1: bureau_score`, `model loan-eligibility +1 +bureau@7: bureau_score`, `VERSION +STAGE +BY`,
	} {
		require.Regexp(t, want, stdout)
	}

	stdout, _, code = p.run(t, "features", "show", "bureau:bureau_score")
	require.Equal(t, 0, code)
	for _, want := range []string{
		`(?m)^feature bureau_score of view bureau, version 1, which the name means$`, `range +300 to 850`, `reason +credit bureau score too low`, `of 700 entities, .*: 10\.0 % missing, 7 different values`,
		`MIN +5 % +25 % +MEDIAN +75 % +95 % +MAX +MEAN +SD`, `(?m)^  600  █+ 90$`, `(?m)^  660  █+ 90$`,
	} {
		require.Regexp(t, want, stdout)
	}
	statistics, _, _ := strings.Cut(stdout, "named by")
	for _, line := range strings.Split(statistics, "\n") {
		require.LessOrEqual(t, len([]rune(line)), 110, line)
	}

	var shown struct {
		report.Declared
		Feature string
	}
	stdout, _, code = p.run(t, "features", "show", "bureau:bureau_score", "--output", "json")
	require.Equal(t, 0, code)
	require.NoError(t, json.Unmarshal([]byte(stdout), &shown))
	require.Equal(t, "bureau_score", shown.Feature)
	require.Equal(t, report.Fresh, shown.Freshness.State)
	require.Equal(t, 70, shown.Statistics.Feature("bureau_score").Missing)
	require.Len(t, shown.Used.Models, 3)
	require.Equal(t, []string{"challenger"}, shown.Used.Models[0].Aliases)
	require.Equal(t, []report.UsedPipeline{{Pipeline: "loan-eligibility", Version: 1, Features: []string{"bureau_score"}}}, shown.Used.Pipelines)

	stdout, _, code = p.run(t, "features", "show", "credit")
	require.Equal(t, 0, code)
	require.Regexp(t, `pipeline loan-eligibility +current`, stdout)
	for _, test := range []struct {
		name, says string
		code       int
	}{
		{"bureau:bureau_scor", "it has bureau_score", exitNotFound}, {"credit:bureau_score", "credit is a service, which has no features of its own", exitUsage}, {"applicant:x", "applicant is an entity", exitUsage},
	} {
		_, stderr, code := p.run(t, "features", "show", test.name)
		require.Equal(t, test.code, code)
		require.Contains(t, stderr, test.says)
	}
}

func TestFeaturesCatalogue(t *testing.T) {
	p := knownPlatform(t)
	page := filepath.Join(t.TempDir(), "features.html")
	stdout, stderr, code := p.run(t, "features", "catalogue", "--html", page)
	require.Equal(t, 0, code, stderr)
	require.Equal(t, "3 definitions, 3 changes to them\n", stdout)
	require.Contains(t, stderr, "wrote "+page)
	html, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Contains(t, string(html), `class="age fresh"`)
	require.Contains(t, string(html), "trained on v7")

	next := definitions(t, map[string]string{"f.yaml": strings.Replace(bureauFeatures, "max: 850", "max: 900", 1)})
	_, stderr, code = p.run(t, "features", "apply", next, "--stage")
	require.Equal(t, 1, code, "there is no Temporal")
	require.Contains(t, stderr, "it is registered, but its views are not kept fresh; the same command again does what is missing: reaching Temporal")
	stdout, _, code = p.run(t, "features", "catalogue", "--output", "json")
	require.Equal(t, 0, code)
	var all report.Catalogue
	require.NoError(t, json.Unmarshal([]byte(stdout), &all))
	require.Equal(t, []string{"applicant", "bureau", "credit"}, []string{all.Declared[0].Name, all.Declared[1].Name, all.Declared[2].Name})
	bureau := all.Declared[1]
	require.Equal(t, []int{1, 1}, []int{bureau.Version, bureau.Active})
	require.Len(t, bureau.Staged, 1)
	require.Equal(t, []any{2, feature.Staged, report.Absent}, []any{bureau.Staged[0].Version, bureau.Staged[0].Stage, bureau.Staged[0].Freshness.State})
	require.Nil(t, bureau.Staged[0].Statistics)
	require.Equal(t, "bureau", all.Changes[0].Name, "newest first")
	require.Equal(t, []int{2, 1}, []int{bureau.Versions[0].Version, bureau.Versions[1].Version})
	require.Contains(t, bureau.Versions[0].What, "850 -> 900")

	_, _, code = p.run(t, "features", "apply", next)
	require.Equal(t, 1, code, "it is registered all the same")
	stdout, _, _ = p.run(t, "features", "catalogue", "--output", "json")
	all = report.Catalogue{}
	require.NoError(t, json.Unmarshal([]byte(stdout), &all))
	require.Equal(t, 2, all.Declared[1].Version)
	require.Empty(t, all.Declared[1].Staged, "what was in use before is not staged")
}

// Definitions are told of where nothing else is there, and that it is not is said.
func TestFeaturesWithoutAPlatform(t *testing.T) {
	empty := t.TempDir()
	t.Setenv("LOANOPS_FEATURES_DATABASE", "sqlite://"+filepath.Join(empty, "features.db"))
	dir := definitions(t, map[string]string{"f.yaml": bureauFeatures})
	_, stderr, code := run(t, "features", "apply", dir, "--state", empty)
	require.Equal(t, 0, code, stderr)
	stdout, stderr, code := run(t, "features", "show", "bureau", "--state", empty)
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stderr, "users and statistics are not known: ")
	require.Contains(t, stdout, "statistics are not known: ")
	require.Contains(t, stdout, "who uses it is not known: ")
	require.Contains(t, stdout, "freshness: nothing of its files is served, it was not materialized; nothing is promised")
	stdout, _, code = run(t, "features", "show", "bureau", "--state", empty, "--output", "json")
	require.Equal(t, 0, code)
	require.Contains(t, stdout, `"unknown": `)
}

func TestPlotsInATerminal(t *testing.T) {
	value := func(x float64) *float64 { return &x }
	numbers := func(h profile.Histogram) profile.Column {
		return profile.Column{Type: dataset.Integer, Numbers: &profile.Numbers{Histogram: h}}
	}
	for name, test := range map[string]struct {
		column profile.Column
		rows   int
		shape  string
		lines  []string
	}{
		"one value each": {numbers(profile.Histogram{From: 0, To: 2, Bars: []profile.Bar{{Value: value(0), Rows: 8}, {Value: value(1), Rows: 1}, {Value: value(2), Rows: 4}}}), 13, "█▁▄",
			[]string{"  0  " + strings.Repeat("█", 36) + " 8", "  1  ████▌ 1", "  2  " + strings.Repeat("█", 18) + " 4"}},
		"with tails": {numbers(profile.Histogram{From: 10, To: 20, Below: 2, Above: 1, Bars: []profile.Bar{{Rows: 0}, {Rows: 4}}}), 7, "▄ █▂",
			[]string{"     below  " + strings.Repeat("█", 18) + " 2", "  10 to 15   0", "  15 to 20  " + strings.Repeat("█", 36) + " 4", "     above  █████████ 1"}},
		"texts": {profile.Column{Type: dataset.Text, Missing: 3, Top: []profile.Value{{Text: "ab", Count: 6}}}, 12, "█▄", []string{"     ab  " + strings.Repeat("█", 36) + " 6", "  other  " + strings.Repeat("█", 18) + " 3"}},
		"few of many": {numbers(profile.Histogram{From: 0, To: 2, Bars: []profile.Bar{{Value: value(0), Rows: 100_000}, {Value: value(1), Rows: 1}}}), 100_001, "█▁",
			[]string{"  0  " + strings.Repeat("█", 36) + " 100,000", "  1  ▏ 1"}},
		"nothing":    {numbers(profile.Histogram{}), 0, "", nil},
		"rare texts": {profile.Column{Type: dataset.Text, Distinct: 9}, 0, "", nil},
	} {
		require.Equal(t, test.shape, sparked(test.column, test.rows, 10), name)
		require.Equal(t, test.lines, plotted(test.column, test.rows), name)
	}
	var many []profile.Bar
	for range 20 {
		many = append(many, profile.Bar{Rows: 5})
	}
	bins := binsOf(numbers(profile.Histogram{From: 0, To: 100, Bars: many}), 100, 12)
	require.Len(t, bins, 10, "neighbours are taken together")
	require.Equal(t, bin{"0 to 10", 10}, bins[0])
	require.Equal(t, bin{"90 to 100", 10}, bins[9])
}
