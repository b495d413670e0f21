package activities

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/ci"
)

// What a command says in lines that begin with "reason: " is why it is refused, and nothing else that it prints: that may be anything.
func TestReasonsOfACommand(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 400)
	many := make([]string, 0, 12)
	for n := range 6 {
		many = append(many, fmt.Sprintf("reason: %d", n), fmt.Sprintf("reason: %d", n))
	}
	for name, test := range map[string]struct {
		printed []string
		want    []string
	}{
		"it says nothing":         {nil, []string{"command unit: ended with 1"}},
		"what else it prints":     {[]string{"applicant 4711 earns 5000", "the reason: none", "reasons: no", "reason:", "reason: "}, []string{"command unit: ended with 1"}},
		"one among other lines":   {[]string{"ok", "    reason: a.json: another step \t", "FAIL"}, []string{"command unit: a.json: another step", "command unit: ended with 1"}},
		"a line like a reason":    {[]string{"the same", "reason: the same"}, []string{"command unit: the same", "command unit: ended with 1"}},
		"many, each of them once": {many, []string{"command unit: 0", "command unit: 1", "command unit: 2", "command unit: 3", "command unit: 4", "command unit: ended with 1; its log has 1 more reasons"}},
		"a long one":              {[]string{"reason: x" + long}, []string{"command unit: x" + strings.Repeat("ä", 249) + "…", "command unit: ended with 1"}}, // 499 bytes, and half a letter
	} {
		got := reasonsOf("unit", CommandEnd{Printed: test.printed, Why: "ended with 1"})
		require.Equal(t, test.want, got, name)
		require.True(t, utf8.ValidString(strings.Join(got, "")), name)
	}
}

// Commands of TestArtifacts hold components that are the repository's own code, beside the worker's: the step passes where both do. Commands that were
// not run refuse the commit, though the worker's components made all that they declare; those of other steps are not run here.
func TestComponentsThatAreTheRepositorys(t *testing.T) {
	t.Parallel()
	command := func(step ci.Step) [3]string {
		return [3]string{"ci.yaml", "# commands:\n#   - {name", fmt.Sprintf("commands:\n  - {name: components, step: %s, run: [x]}\n  - {name", step)}
	}
	var ran []string
	runs := func(why string) Commands {
		return func(_ context.Context, _ *ci.Tree, c ci.Command) (CommandEnd, error) {
			ran = append(ran, c.Name)
			return CommandEnd{Printed: []string{"reason: ProfileData forgets the profile"}, Why: why}, nil
		}
	}
	for name, test := range map[string]struct {
		step     ci.Step
		commands Commands
		stranger bool
		want     ci.Status
		reasons  []string
		ran      []string
	}{
		"they pass":                {ci.TestArtifacts, runs(""), false, ci.Passed, nil, []string{"components"}},
		"they fail":                {ci.TestArtifacts, runs("ended with 1"), false, ci.Refused, []string{"command components: ProfileData forgets the profile", "command components: ended with 1"}, []string{"components"}},
		"nobody allowed them":      {ci.TestArtifacts, nil, false, ci.Refused, []string{"command components of ci.yaml: the settings of this worker allow none; set LOANOPS_CI_COMMANDS=allow, or take it out"}, nil},
		"of a fork":                {ci.TestArtifacts, runs(""), true, ci.Refused, []string{"command components of ci.yaml: the merge request comes from a fork; read it, and have this commit of it tested by hand: loanops ci start --repo NAME --ref HASH --against BRANCH"}, nil},
		"those of another step":    {ci.ReplayHistories, runs("ended with 1"), false, ci.Passed, nil, nil},
		"a step without, not told": {ci.ReplayHistories, nil, false, ci.Passed, nil, nil},
	} {
		i, said := newIntegrations(t), ""
		i.of.Commands, ran = test.commands, nil
		tree := i.put(t, example(t, command(test.step)))
		i.take(t, tree, ci.ValidateSample, i.of.ValidateSample)
		out, err := i.of.TestArtifacts(t.Context(), TestInput{Tree: tree, KnownAt: "2026-07-01", Fork: test.stranger, Made: GivenTo(ci.TestArtifacts, TestInput{}, i.made).Made})
		require.NoError(t, err, name)
		require.Equal(t, test.want, out.Status, name)
		require.Equal(t, test.reasons, out.Reasons, name)
		require.Equal(t, test.ran, ran, name)
		require.Contains(t, out.Said, "7 components", name)
		switch {
		case test.ran != nil:
			said = "; 1 commands"
		case test.want == ci.Refused:
			said = "; its commands may not be run"
		}
		require.True(t, strings.HasSuffix(out.Said, "artifacts"+said), "%s: %s", name, out.Said)
		log := string(i.objects.bytes[out.Log.SHA256])
		require.Contains(t, log, "ProfileData: 2 artifacts declared, 0 complaints", name)
		require.Equal(t, test.ran != nil, strings.Contains(log, "command components\n"), name)
	}
}
