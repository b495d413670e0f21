package report

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/ci"
)

func refusedCommit() Integration {
	return Integration{
		Pipeline: "small-loans", Repository: "loans", Ref: "main", Commit: strings.Repeat("c0ffee00", 5), Subject: "Take <b>self employed</b>", Tree: strings.Repeat("7", 64),
		Refused: ci.TestFeatures, Reasons: []string{`tests/features.yaml:5: home_ownership=rent is 0, wanted 1`},
		Steps: []IntegrationStep{
			{Name: ci.CheckSpec, Status: ci.Passed, Said: "12 columns", Cached: true, Log: "CheckSpec of the files 777", LogRole: "log_CheckSpec"},
			{Name: ci.RunCommands, Status: ci.NotApplicable, Said: "no commands", Log: "none"},
			{Name: ci.TestFeatures, Status: ci.Refused, Said: "9 cases", Reasons: []string{"home_ownership=rent is 0, wanted 1"}, Log: "</pre><script>alert(1)</script>\n"},
			{Name: ci.TestQuality, Status: ci.NotRun},
		},
	}
}

// A red build is read from the top: what refused it and why, then the log of that step, open; the others closed, and one that did not run says so.
func TestARefusedCommitIsReadFromTheTop(t *testing.T) {
	t.Parallel()
	page, err := IntegrationHTML(refusedCommit())
	require.NoError(t, err)
	text := string(page)
	require.Contains(t, text, "refused by TestFeatures")
	require.Less(t, strings.Index(text, "home_ownership=rent is 0, wanted 1"), strings.Index(text, "Steps and their logs"), "the reason stands before all else")
	require.Contains(t, text, `<details class="col bad" id="TestFeatures" open>`)
	require.Contains(t, text, `<details class="col calm" id="CheckSpec">`)
	require.Contains(t, text, "CheckSpec of the files 777")
	require.Contains(t, text, "passed, cached")
	require.Contains(t, text, "not applicable")
	require.Contains(t, text, "it waits for a step that did not pass")
	require.NotContains(t, text, "<script>alert", "what a commit says is text")
	require.NotContains(t, text, "<b>self employed")
	again, err := IntegrationHTML(refusedCommit())
	require.NoError(t, err)
	require.Equal(t, page, again)
}

// A step that had to run and did not is what refused the commit, and no step is shown as passed that did not.
func TestACommitThatPassesSaysWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	i := refusedCommit()
	i.Refused, i.Reasons = "", []string{"small-loans version 3 is published"}
	i.Steps = i.Steps[:2]
	i.Merged, i.Commit = strings.Repeat("d", 40), ""
	page, err := IntegrationHTML(i)
	require.NoError(t, err)
	require.Contains(t, string(page), "small-loans version 3 is published")
	require.Contains(t, string(page), "Files 777777777777")
	require.Contains(t, string(page), "merged into")
	require.NotContains(t, string(page), " open>")
	require.Equal(t, 1, strings.Count(string(page), `class="col calm"`))
}

func TestALongLogShowsBothEnds(t *testing.T) {
	t.Parallel()
	long := "first\n" + strings.Repeat("ok  \t0.1s\n", 50_000) + "FAIL at the end\n"
	i := refusedCommit()
	i.Steps = []IntegrationStep{{Name: ci.RunCommands, Status: ci.Refused, Log: long, LogRole: "log_RunCommands"}}
	page, err := IntegrationHTML(i)
	require.NoError(t, err)
	require.Less(t, len(page), shownLog+40_000)
	for _, want := range []string{"first\n", "FAIL at the end", "bytes are left out here; the artifact log_RunCommands has them"} {
		require.Contains(t, string(page), want)
	}
	for _, most := range []int{8, 9, 10, 11, 12, 13, 14} {
		for _, text := range []string{strings.Repeat("é€😀", 9), strings.Repeat("a\n", 30), strings.Repeat("\n", 30), "no line " + strings.Repeat("x", 40)} {
			head, tail := ends(text, most)
			require.True(t, utf8.ValidString(head) && utf8.ValidString(tail), "%q %q", head, tail)
			require.True(t, strings.HasPrefix(text, head) && strings.HasSuffix(text, tail))
			require.LessOrEqual(t, len(head)+len(tail), most)
		}
	}
	head, tail := ends("short", 5)
	require.Equal(t, []string{"short", ""}, []string{head, tail})
}
