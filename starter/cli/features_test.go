package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact/s3test"
	"github.com/loanops/loanops/internal/feature"
)

const bureauFeatures = `entities: [{name: applicant, keys: [applicant_id], owner: risk-data}]
views:
  - name: bureau
    entity: applicant
    description: what the credit bureau reports
    source: {csv: {uri: bureau/*.csv}}
    event_timestamp: reported_at
    created_timestamp: received_at
    features: [{name: bureau_score, type: integer, min: 300, max: 850, unit: points, reason: credit bureau score too low}]
services: [{name: credit, features: [bureau:bureau_score], owner: cards}]
`

// definitions writes the files of a folder and says where it is.
func definitions(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

func TestFeaturesFromTheFirstApplyToRetirement(t *testing.T) {
	s3test.Start(t)
	p := newFakePlatform(t)
	dir := definitions(t, map[string]string{"features.yaml": bureauFeatures, "notes.txt": "not a definition"})
	did := func(args ...string) applied {
		stdout, stderr, code := p.run(t, append(args, "--output", "json")...)
		require.Equal(t, 0, code, stderr)
		var done applied
		require.NoError(t, json.Unmarshal([]byte(stdout), &done))
		return done
	}
	stdout, stderr, code := p.run(t, "features", "list")
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stdout, "nothing is declared; `loanops features apply DIR`")

	stdout, _, code = p.run(t, "features", "apply", dir, "--dry-run")
	require.Equal(t, 0, code)
	require.Regexp(t, `(?m)^CHANGE +KIND +NAME +STAGE +WHAT\s*$`, stdout)
	require.Regexp(t, `(?m)^new +view +bureau@1 +active\s*$`, stdout)
	require.Contains(t, stdout, "3 new\nthis is what would change; nothing is done (--dry-run)\n")
	require.False(t, did("features", "apply", dir, "--dry-run").Applied)
	require.True(t, did("features", "apply", dir, "--actor", "grace").Applied)
	stdout, _, code = p.run(t, "features", "apply", dir)
	require.Equal(t, 0, code)
	require.Equal(t, "3 unchanged\n", stdout)

	next := definitions(t, map[string]string{"a.yaml": strings.NewReplacer("max: 850", "max: 900", "{csv: {uri: bureau/*.csv}}", "{csv: {uri: "+dir+"/bureau/*.csv}}").Replace(bureauFeatures)})
	staged := did("features", "apply", next, "--stage", "--actor", "ada")
	require.Equal(t, feature.Changed, staged.Changes[1].Do)
	require.Equal(t, feature.Staged, staged.Changes[1].Stage)
	stdout, _, _ = p.run(t, "features", "list")
	require.Regexp(t, `(?m)^feature +bureau:bureau_score +1 +integer +points`, stdout, "what is staged is not what the name means")
	stdout, _, code = p.run(t, "features", "show", "bureau@2")
	require.Equal(t, 0, code)
	require.Contains(t, stdout, "view bureau, version 2, while the name means version 1\n")
	require.Contains(t, stdout, "max: 900")
	require.Contains(t, stdout, "uri: "+dir+"/bureau/*.csv", "paths are absolute")
	stdout, _, _ = p.run(t, "features", "apply", next)
	require.Regexp(t, `(?m)^activated +view +bureau@2 +active +version 1 -> 2\s*$`, stdout)
	require.Contains(t, stdout, "\nbureau@2 is served as its sources say once it is materialized: loanops features materialize bureau@2\n")

	var shown shownDefinition
	stdout, _, code = p.run(t, "features", "show", "bureau:bureau_score", "--output", "json")
	require.Equal(t, 0, code)
	require.NoError(t, json.Unmarshal([]byte(stdout), &shown))
	require.Equal(t, []int{2, 2}, []int{shown.Version, shown.Active})
	require.Len(t, shown.History, 3)
	require.Equal(t, []string{"activated; version 1 -> 2", "changed; version 1 -> 2; features[bureau_score].max 850 -> 900", "new"}, []string{shown.History[0].What, shown.History[1].What, shown.History[2].What})
	require.Equal(t, []string{"ada", "grace"}, []string{shown.History[1].Actor, shown.History[2].Actor})

	stdout, _, code = p.run(t, "features", "search", "too", "low")
	require.Equal(t, 0, code)
	require.Contains(t, stdout, "bureau:bureau_score")
	require.NotContains(t, stdout, "applicant ")
	stdout, _, code = p.run(t, "features", "search", "weather")
	require.Equal(t, 0, code)
	require.Equal(t, "nothing has all of \"weather\"; `loanops features list` has what there is\n", stdout)
	stdout, _, _ = p.run(t, "features", "search", "weather", "--output", "json")
	require.Equal(t, "[]\n", stdout)

	_, stderr, code = p.run(t, "features", "retire", "bureau")
	require.Equal(t, exitRefused, code)
	require.Contains(t, stderr, "service credit@1")
	retired := did("features", "retire", "bureau@1", "--reason", "replaced")
	require.Equal(t, []string{"replaced"}, retired.Changes[0].What)
	stdout, _, _ = p.run(t, "features", "show", "bureau@1")
	require.Contains(t, stdout, "view bureau, version 1, which is retired\n")
	require.Contains(t, stdout, "retired; replaced")
}

func TestFeaturesThatCannotBeApplied(t *testing.T) {
	p := newFakePlatform(t)
	good := definitions(t, map[string]string{"features.yaml": bureauFeatures})
	_, stderr, code := p.run(t, "features", "apply", good)
	require.Equal(t, 0, code, stderr)
	wrong := definitions(t, map[string]string{"a.yaml": strings.Replace(bureauFeatures, "entity: applicant", "entity: aplicant", 1), "b.yml": "services: [{name: b, features: [bureau:scor]}]\n"})
	breaks := definitions(t, map[string]string{"a.yaml": "views: [{name: bureau, entity: applicant, events: true, features: [{name: x, type: number}]}]\n"})
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"apply", wrong}, exitUsage, filepath.Join(wrong, "a.yaml") + `:4:13: there is no entity "aplicant"; did you mean "applicant"?`},
		{[]string{"apply", wrong}, exitUsage, filepath.Join(wrong, "b.yml") + `:1:33: view bureau@`},
		{[]string{"apply", breaks}, exitRefused, "service credit@1: view bureau@2 has no feature \"bureau_score\""},
		{[]string{"apply", filepath.Join(wrong, "none")}, exitNotFound, "there is no such folder that can be read"},
		{[]string{"apply", t.TempDir()}, exitNotFound, "has no file of definitions"},
		{[]string{"apply", good, "--actor", " "}, exitUsage, "--actor must say something"},
		{[]string{"apply", good, "--actor", "a\nb"}, exitUsage, "one line"},
		{[]string{"apply"}, exitUsage, "0 arguments"},
		{[]string{"show", "bureu"}, exitNotFound, `did you mean "bureau"?`},
		{[]string{"show", "bureau@7"}, exitNotFound, "no version 7"},
		{[]string{"show", "bureau@x"}, exitUsage, "NAME or NAME@VERSION is wanted"},
		{[]string{"retire", "bureu"}, exitNotFound, `did you mean "bureau"?`},
		{[]string{"retire", "credit", "--reason", "a\nb"}, exitUsage, "one line"},
	} {
		_, stderr, code := p.run(t, append([]string{"features"}, c.args...)...)
		require.Equal(t, c.code, code, "%v: %s", c.args, stderr)
		require.Contains(t, stderr, c.says)
	}
	stdout, _, _ := p.run(t, "features", "show", "bureau", "--output", "json")
	var shown shownDefinition
	require.NoError(t, json.Unmarshal([]byte(stdout), &shown))
	require.Len(t, shown.History, 1, "nothing is half-written")

	empty := t.TempDir()
	_, stderr, code = run(t, "features", "list", "--state", empty)
	require.Equal(t, exitNotFound, code)
	require.Contains(t, stderr, "no platform runs on "+empty)
	t.Setenv("LOANOPS_FEATURES_DATABASE", "sqlite://"+filepath.Join(empty, "features.db"))
	_, stderr, code = run(t, "features", "apply", good, "--state", empty)
	require.Equal(t, 0, code, "the feature database is all that they need: %s", stderr)
}
