package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/report"
)

// The page has the log of every step that ran, each under its own step, and is one of the run's artifacts.
func TestASummaryHasEveryLog(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	put := func(text string) *artifact.Ref {
		ref, err := b.objects.Put(t.Context(), []byte(text), textType, "txt")
		require.NoError(t, err)
		return &ref
	}
	var shown report.Integration
	summaries := Summaries{Objects: b.objects, Page: func(i report.Integration) ([]byte, error) {
		shown = i
		return report.IntegrationHTML(i)
	}}
	in := SummaryInput{
		Repository: "loans", Ref: "main", Commit: CommitOutput{Commit: "c0ffee", Subject: "better", Merged: "ba5e", Tree: artifact.Ref{SHA256: "7ree"}, Pipeline: "small-loans"},
		Refused: ci.ValidateSample, Reasons: []string{"no rows"},
		Steps: []StepOutcome{
			{Name: ci.CheckSpec, Status: ci.Passed, Said: "fine", Cached: true, Log: put("the spec's log")},
			{Name: ci.ValidateSample, Status: ci.Refused, Reasons: []string{"no rows"}, Log: put("the sample's log")},
			{Name: ci.TestQuality, Status: ci.NotRun},
		},
	}
	out, err := summaries.Write(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, report.Integration{
		Pipeline: "small-loans", Repository: "loans", Ref: "main", Commit: "c0ffee", Subject: "better", Merged: "ba5e", Tree: "7ree",
		Refused: ci.ValidateSample, Reasons: []string{"no rows"},
		Steps: []report.IntegrationStep{
			{Name: ci.CheckSpec, Status: ci.Passed, Said: "fine", Cached: true, Log: "the spec's log", LogRole: "log_CheckSpec"},
			{Name: ci.ValidateSample, Status: ci.Refused, Reasons: []string{"no rows"}, Log: "the sample's log", LogRole: "log_ValidateSample"},
			{Name: ci.TestQuality, Status: ci.NotRun, LogRole: "log_TestQuality"},
		},
	}, shown)
	require.Equal(t, map[string]artifact.Ref{artifact.IntegrationHTML: out.HTML}, out.Artifacts())
	require.Contains(t, string(b.objects.bytes[out.HTML.SHA256]), "the sample&#39;s log")

	in.Steps[0].Log = &artifact.Ref{URI: "memory://gone", SHA256: "90ne"}
	_, err = summaries.Write(t.Context(), in)
	require.Error(t, err, "a page without a log that there is would hide it")
}

// A log is loaded to be shown up to a size that a worker has room for; of a larger one the page says how large it is, and where it lies.
func TestALargeLogIsNotLoaded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	most, err := b.objects.Put(t.Context(), []byte("the log"), textType, "txt")
	require.NoError(t, err)
	most.Bytes = 32 << 20
	larger := artifact.Ref{URI: "memory://not-asked-for", SHA256: "1a49e", Bytes: 32<<20 + 1}
	out, err := (&Summaries{Objects: b.objects, Page: report.IntegrationHTML}).Write(t.Context(), SummaryInput{Steps: []StepOutcome{
		{Name: ci.CheckSpec, Status: ci.Passed, Log: &most}, {Name: ci.RunCommands, Status: ci.Refused, Log: &larger},
	}})
	require.NoError(t, err)
	page := string(b.objects.bytes[out.HTML.SHA256])
	require.Contains(t, page, "the log")
	require.Contains(t, page, "33554433 bytes are left out here; the artifact log_RunCommands has them")
}
