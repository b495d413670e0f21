package serving_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/serving"
)

// Wanted by hand.
func TestWhoWroteARecord(t *testing.T) {
	t.Parallel()
	for writer, want := range map[string][2]string{
		"delivery-loans/0190": {"delivery-loans", "0190"},
		"team/loans/0190":     {"team/loans", "0190"},
		"ada/lovelace":        {"ada", "lovelace"},
	} {
		workflow, run, isRun := serving.Author{Writer: writer}.Run()
		require.True(t, isRun, writer)
		require.Equal(t, want, [2]string{workflow, run}, writer)
	}
	for _, person := range []string{"ada", ""} {
		workflow, run, isRun := serving.Author{Writer: person}.Run()
		require.False(t, isRun, person)
		require.Empty(t, workflow+run, person)
	}
}

func TestTheRunOfARunWriter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		workflow := rapid.String().Draw(t, "workflow")
		run := rapid.String().Filter(func(s string) bool { return !strings.Contains(s, "/") }).Draw(t, "run")
		gotWorkflow, gotRun, isRun := serving.Author{Writer: serving.RunWriter(workflow, run)}.Run()
		if !isRun || gotWorkflow != workflow || gotRun != run {
			t.Fatalf("%q and %q", gotWorkflow, gotRun)
		}
	})
}
