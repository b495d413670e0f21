package cli

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
)

// The platform's pipeline asks for the service credit, which came to bureau@1; version 3 of its model reads that as well and is the challenger, and version 2, which nobody
// serves, too.
func TestWhatIsReadIsNotRetired(t *testing.T) {
	p := knownPlatform(t)
	stages := func() (stages []feature.Stage) { // of bureau, the newest first
		stdout, stderr, code := p.run(t, "features", "show", "bureau", "--output", "json")
		require.Equal(t, 0, code, stderr)
		var shown shownDefinition
		require.NoError(t, json.Unmarshal([]byte(stdout), &shown))
		for _, h := range shown.History {
			stages = append(stages, h.Stage)
		}
		return stages
	}
	for _, args := range [][]string{{"credit"}, {"credit@1", "--dry-run"}} {
		_, stderr, code := p.run(t, append([]string{"features", "retire"}, args...)...)
		require.Equal(t, exitRefused, code, stderr)
		require.Contains(t, stderr, "it is read:\nthe current spec of pipeline loan-eligibility reads service credit@1\nlet them read something else first: ")
	}
	stdout, stderr, code := p.run(t, "features", "retire", "credit", "--force", "--dry-run")
	require.Equal(t, 0, code, stderr)
	require.Regexp(t, `(?m)^retired +service +credit@1`, stdout)
	_, stderr, _ = p.run(t, "features", "retire", "credit", "--force")
	require.Contains(t, stderr, "it is registered, but its views are not kept fresh", "there is no Temporal")

	_, stderr, code = p.run(t, "features", "retire", "bureau")
	require.Equal(t, exitRefused, code)
	require.Contains(t, stderr, "the current spec of pipeline loan-eligibility reads view bureau@1\nmodel loan-eligibility version 3 (challenger) reads view bureau@1\n")
	require.NotContains(t, stderr, "version 2")
	require.Equal(t, []feature.Stage{feature.Active}, stages(), "nothing is registered")
	_, stderr, _ = p.run(t, "features", "retire", "bureau", "--force")
	require.Contains(t, stderr, "it is registered")
	require.Equal(t, []feature.Stage{feature.Retired, feature.Active}, stages())
}

// Who uses it is not known without the platform; that is no reason to think that nobody does.
func TestNothingIsRetiredWithoutKnowingWhoReadsIt(t *testing.T) {
	empty := t.TempDir()
	t.Setenv("LOANOPS_FEATURES_DATABASE", "sqlite://"+filepath.Join(empty, "features.db"))
	_, stderr, code := run(t, "features", "apply", definitions(t, map[string]string{"f.yaml": bureauFeatures}), "--state", empty)
	require.Equal(t, 0, code, stderr)
	_, stderr, code = run(t, "features", "retire", "credit", "--state", empty)
	require.Equal(t, exitUsage, code, "the settings name no platform")
	require.Contains(t, stderr, "who reads it is not known, and nothing is retired without --force: ")
	stdout, stderr, code := run(t, "features", "retire", "credit", "--force", "--state", empty)
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stdout, "1 retired\n")
}

// A pipeline whose spec this program cannot read reads what it was resolved to.
func TestUsersOfAnUnreadableSpec(t *testing.T) {
	p := newFakePlatform(t)
	reg := p.registry(t)
	spec := shipped(t)
	spec.Name, spec.Digest, spec.YAML = "old", "d", []byte("name: old\nof: another program\n")
	spec.Features = []pipeline.Column{{Name: "late", Type: pipeline.Integer, Feature: "bureau@2:late"}}
	require.NoError(t, reg.PutPipeline(t.Context(), spec))
	users, err := usersOf(t.Context(), reg, nil)
	require.NoError(t, err)
	require.Len(t, users.pipelines, 1)
	require.Equal(t, []string{"late"}, users.pipelines[0].features["bureau"][2])
}

// Wanted by hand: what is retired is bureau@1 and, in use, bureau@2; the expression strain@1; and the service credit@2, in use.
func TestWhoReadsWhatIsRetired(t *testing.T) {
	t.Parallel()
	bureau := func(version string) taken {
		return takenBy([]pipeline.Column{{Name: "score", Feature: "bureau@" + version + ":score"}})
	}
	strain := takenBy([]pipeline.Column{{Name: "strain", Expression: "a / b"}})
	var rows []feature.Registered
	row := func(kind feature.Kind, name string, version int) {
		rows = append(rows, feature.Registered{Kind: kind, Name: name, Version: version, Stage: feature.Active, Document: []byte("{}")})
	}
	row(feature.KindEntity, "credit", 1)
	row(feature.KindView, "bureau", 1)
	row(feature.KindView, "bureau", 2)
	row(feature.KindExpression, "strain", 1)
	row(feature.KindService, "credit", 1)
	row(feature.KindService, "credit", 2)
	catalogue, err := feature.NewCatalogue(rows)
	require.NoError(t, err)
	const spec = "the current spec of pipeline p reads "
	for name, test := range map[string]struct {
		users featureUsers
		want  []string
	}{
		"nobody":                         {},
		"a spec that came to it":         {featureUsers{pipelines: []pipelineUser{{name: "p", taken: bureau("1")}}}, []string{spec + "view bureau@1"}},
		"a spec that will come to it":    {featureUsers{pipelines: []pipelineUser{{name: "p", taken: bureau("1"), asks: []string{"bureau:score"}}}}, []string{spec + "view bureau@1", spec + "view bureau@2"}},
		"the version in use alone":       {featureUsers{pipelines: []pipelineUser{{name: "p", asks: []string{"bureau:score"}}}}, []string{spec + "view bureau@2"}},
		"by its number":                  {featureUsers{pipelines: []pipelineUser{{name: "p", asks: []string{"bureau@1", "credit@1"}}}}, []string{spec + "view bureau@1"}},
		"a service":                      {featureUsers{pipelines: []pipelineUser{{name: "p", asks: []string{"credit"}}}}, []string{spec + "service credit@2"}},
		"an expression by its name":      {featureUsers{pipelines: []pipelineUser{{name: "p", asks: []string{"strain"}, taken: strain}}}, []string{spec + "expression strain@1"}},
		"another version":                {featureUsers{pipelines: []pipelineUser{{name: "p", taken: bureau("3"), asks: []string{"bureau@3"}}}}, nil},
		"a champion":                     {featureUsers{models: []modelUser{{name: "m", version: 4, aliases: []string{"champion"}, taken: bureau("2")}}}, []string{"model m version 4 (champion) reads view bureau@2"}},
		"a champion's own expression":    {featureUsers{models: []modelUser{{name: "m", version: 4, aliases: []string{"champion"}, taken: strain}}}, nil},
		"what served before, or nothing": {featureUsers{models: []modelUser{{name: "m", version: 3, aliases: []string{"previous"}, taken: bureau("2")}, {name: "m", version: 2, taken: bureau("1")}}}, nil},
	} {
		require.Equal(t, test.want, test.users.reading(catalogue, []feature.Change{
			{Kind: feature.KindEntity, Name: "credit", Version: 1}, {Kind: feature.KindView, Name: "bureau", Version: 1}, {Kind: feature.KindView, Name: "bureau", Version: 2},
			{Kind: feature.KindExpression, Name: "strain", Version: 1}, {Kind: feature.KindService, Name: "credit", Version: 2},
		}), name)
	}
}
