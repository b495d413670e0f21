package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/tests/platformtest"
)

// ruled is the pipeline of these tests: its policy and its contract change, its data do not.
const ruled = "ruled"

// ruledSpec writes ruled's spec with some of its text replaced.
func ruledSpec(t *testing.T, oldNew ...string) string {
	t.Helper()
	file := quickSpec(t, ruled)
	spec, err := os.ReadFile(file)
	require.NoError(t, err)
	text := strings.Replace(string(spec), "rows: 20000", "rows: 8000", 1)
	for i := 0; i < len(oldNew); i += 2 {
		require.Equal(t, 1, strings.Count(text, oldNew[i]), oldNew[i])
		text = strings.Replace(text, oldNew[i], oldNew[i+1], 1)
	}
	changed := filepath.Join(t.TempDir(), ruled+".yaml")
	require.NoError(t, os.WriteFile(changed, []byte(text), 0o600))
	return changed
}

// settleRuled has a champion under the spec as it was at first.
func (p *platform) settleRuled(t *testing.T) platformtest.Track {
	t.Helper()
	var r result
	p.runJSON(t, &r, 0, "ct", "start", "--pipeline", ruledSpec(t), "--wait")
	require.Contains(t, []string{"bootstrapped", "promoted", "nothing"}, r.Verdict)
	return *p.serving(t, ruled).Champion
}

// client asks ruled all the time and fails the test when a request fails.
func (p *platform) client(t *testing.T, model string, version int) (stop func()) {
	t.Helper()
	caller := p.caller(t, model, version)
	return always(t, func() error {
		_, err := caller.Ask()
		return err
	})
}

// shownPolicy is what `loanops policy show` prints.
type shownPolicy struct {
	Digest   string `json:"digest"`
	Document struct {
		Cutoff  float64           `json:"cutoff"`
		Reasons map[string]string `json:"reasons"`
	} `json:"document"`
	Aliases []string `json:"aliases"`
}

// A policy is changed as a model is: by a delivery, which trains nothing, and back by a rollback. No client notices but by the verdicts.
func TestAChangedPolicyIsDeliveredAndRolledBack(t *testing.T) {
	before := shared.settleRuled(t)
	unharmed := shared.client(t, ruled, before.Version)

	var r result
	file := ruledSpec(t, "cutoff: 0.25", "cutoff: 0.27", "the purpose of the loan", "what the loan is for")
	shared.runJSON(t, &r, 0, "ct", "start", "--pipeline", file, "--wait")
	require.Equal(t, "promoted", r.Verdict)
	record := shared.serving(t, ruled)
	require.Equal(t, before.Version, record.Champion.Version, "nothing was trained")
	require.NotEqual(t, before.Policy, record.Champion.Policy)
	require.Equal(t, before, *record.Previous)
	decided, err := shared.caller(t, ruled, before.Version).Ask()
	require.NoError(t, err)
	require.Equal(t, *record.Champion, decided)
	var policy shownPolicy
	shared.runJSON(t, &policy, 0, "policy", "show", ruled)
	require.Equal(t, record.Champion.Policy, policy.Digest)
	require.InDelta(t, 0.27, policy.Document.Cutoff, 0)
	require.Equal(t, "what the loan is for", policy.Document.Reasons["purpose"])

	shared.runJSON(t, &r, 0, "rollback", ruled, "--reason", complaints)
	require.Equal(t, "rolled_back", r.Verdict)
	require.Equal(t, before, *shared.serving(t, ruled).Champion)
	decided, err = shared.caller(t, ruled, before.Version).Ask()
	require.NoError(t, err)
	require.Equal(t, before, decided)

	// The newest spec still declares the other policy; a delivery may name the one that is meant.
	shared.runJSON(t, &r, 0, "cd", "start", ruled, "--policy", before.Policy[:10], "--wait")
	require.Contains(t, []string{"nothing", "restored"}, r.Verdict)
	require.Equal(t, before, *shared.serving(t, ruled).Champion)
	unharmed()
}

// A challenger that would answer 422 to today's clients is refused before anything is tried, whatever its quality.
func TestABrokenContractIsRefused(t *testing.T) {
	before := shared.settleRuled(t)
	unharmed := shared.client(t, ruled, before.Version)
	var r result
	file := ruledSpec(t, "ignore: [institution,", "ignore: [employment, institution,",
		`  - {name: employment, type: category, domain: [salaried, self_employed, contract, retired, unemployed], reason: "the kind of employment"}`+"\n", "",
		"name: loan_amount, type: number, min: 500, max: 1000000", "name: loan_amount, type: number, min: 500, max: 900000")
	shared.runJSON(t, &r, 3, "ct", "start", "--pipeline", file, "--wait")
	require.Equal(t, "refused", r.Verdict)
	require.Equal(t, []string{
		`field "employment" is gone: a request with it would be refused`,
		`field "loan_amount" takes numbers up to 900000, and took larger ones`,
	}, r.Reasons)
	require.Greater(t, r.Model.Version, before.Version)
	require.Equal(t, before, *shared.serving(t, ruled).Champion)
	unharmed()
}

// With the break allowed by the spec the mirror stops it: it answers 422 to copies of what clients send.
func TestABreakThatClientsAreNotReadyForIsStoppedByTheMirror(t *testing.T) {
	before := shared.settleRuled(t)
	unharmed := shared.client(t, ruled, before.Version)
	var r result
	file := ruledSpec(t, "contract: unbroken ", "contract: breaking ", "max_verdict_shift: 0.1 ", "max_verdict_shift: 1 ",
		"ignore: [institution,", "ignore: [employment, institution,",
		`  - {name: employment, type: category, domain: [salaried, self_employed, contract, retired, unemployed], reason: "the kind of employment"}`+"\n", "")
	shared.runJSON(t, &r, 4, "ct", "start", "--pipeline", file, "--wait")
	require.Equal(t, "aborted", r.Verdict)
	require.Regexp(t, `^refused: .*\(after \d+ requests of clients\)$`, r.Reasons[0])
	require.Equal(t, before, *shared.serving(t, ruled).Champion)
	unharmed()
}
