package activities

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/approval"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// ledgers is a registry of what operators signed, and of one model version.
type ledgers struct {
	rest
	entries []approval.Entry
	version registry.ModelVersion
}

func (l *ledgers) Ledger(context.Context) (approval.Ledger, error) { return approval.Read(l.entries) }

func (l *ledgers) RecordSigned(_ context.Context, signed approval.Signed, countsFor string) (approval.Entry, error) {
	ledger, err := approval.Read(l.entries)
	if err != nil {
		return approval.Entry{}, err
	}
	entry, known, err := ledger.Next(signed, countsFor, time.Now())
	if err == nil && !known {
		l.entries = append(l.entries, entry)
	}
	return entry, err
}

func (l *ledgers) Version(context.Context, string, int) (registry.ModelVersion, error) {
	return l.version, nil
}

func signedBy(t *testing.T, name string, s approval.Statement) approval.Signed {
	t.Helper()
	s.By, s.At = name, time.Now()
	signed, err := approval.Sign(s, keyOf(name))
	require.NoError(t, err)
	return signed
}

func keyOf(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// newLedgers has the operators ada and grace.
func newLedgers(t *testing.T) *ledgers {
	t.Helper()
	l := &ledgers{version: registry.ModelVersion{Name: "loans", Version: 2, RunID: "trained"}}
	for _, name := range []string{"ada", "grace"} {
		key, ok := keyOf(name).Public().(ed25519.PublicKey)
		require.True(t, ok)
		_, err := l.RecordSigned(t.Context(), signedBy(t, "ada", approval.Statement{Kind: approval.Add, Operator: name, PublicKey: approval.KeyText(key)}), "")
		require.NoError(t, err)
	}
	return l
}

func startOf(t *testing.T, by, workflowID, input string) *approval.Signed {
	signed := signedBy(t, by, approval.Statement{Kind: approval.Start, Subject: approval.Subject{WorkflowID: workflowID, Model: "loans"}, Input: input})
	return &signed
}

// A signed start is known by its own signature or by that of the training whose child the run is, and the trainer by the version's own run.
func TestVerifyStart(t *testing.T) {
	l := newLedgers(t)
	steps := Approvals{Registry: l}
	training := startOf(t, "ada", "training-loans", "ef")
	out, err := steps.VerifyStart(t.Context(), StartInput{Signed: training, WorkflowID: "training-loans", RunID: "trained", Model: "loans", Input: "ef"})
	require.NoError(t, err)
	require.Equal(t, approval.Started{By: "ada"}, out.Started)
	require.Equal(t, "started by ada, who signed", out.Summary())

	delivery := StartInput{WorkflowID: "delivery-loans", RunID: "delivered", Model: "loans", Version: 2, Input: "ab"}
	out, err = steps.VerifyStart(t.Context(), delivery)
	require.NoError(t, err)
	require.Equal(t, approval.Started{Trainer: "ada"}, out.Started)
	require.Equal(t, "nobody signed the start; trained by ada", out.Summary())

	child := delivery
	child.Signed, child.ParentID = training, "trained"
	out, err = steps.VerifyStart(t.Context(), child)
	require.NoError(t, err)
	require.Equal(t, approval.Started{By: "ada", Trainer: "ada"}, out.Started)

	for name, spoil := range map[string]func(*StartInput){
		"no parent":         func(in *StartInput) { in.ParentID = "" },
		"another parent":    func(in *StartInput) { in.ParentID = "another" },
		"another signature": func(in *StartInput) { in.Signed = startOf(t, "grace", "training-loans", "ef") },
		"of another model":  func(in *StartInput) { in.Model = "cards" },
		"in another's name": func(in *StartInput) {
			forged := *training
			forged.By = "grace"
			in.Signed = &forged
		},
	} {
		in := child
		spoil(&in)
		_, err := steps.VerifyStart(t.Context(), in)
		require.Equal(t, fault.Refused, fault.CodeOf(err), name)
		require.ErrorContains(t, err, "does not start this run, nor did it start the training", name)
	}

	own := delivery
	own.Signed = startOf(t, "grace", "delivery-loans", "ab")
	for range 2 { // tried again
		out, err = steps.VerifyStart(t.Context(), own)
		require.NoError(t, err)
		require.Equal(t, approval.Started{By: "grace", Trainer: "ada"}, out.Started)
	}
	own.RunID = "another"
	_, err = steps.VerifyStart(t.Context(), own)
	require.ErrorContains(t, err, "started run delivered already")
	own.RunID, own.Input = "third", "cd"
	_, err = steps.VerifyStart(t.Context(), own)
	require.ErrorContains(t, err, "another input")

	l.version.RunID = "unsigned"
	out, err = steps.VerifyStart(t.Context(), delivery)
	require.NoError(t, err)
	require.Equal(t, "nobody signed the start", out.Summary())
}

// What does not approve just this run is not recorded.
func TestVerifyApproval(t *testing.T) {
	l := newLedgers(t)
	steps := Approvals{Registry: l}
	subject := approval.Subject{WorkflowID: "delivery-loans", RunID: "delivered", Model: "loans", Version: 2, Digest: "ab", Policy: "cd"}
	signed := signedBy(t, "grace", approval.Statement{Kind: approval.Approve, Reason: "reviewed", Subject: subject})
	other := subject
	other.Policy = "ef"
	_, err := steps.Verify(t.Context(), ApprovalInput{Signed: signed, Subject: other})
	require.ErrorContains(t, err, "for another policy")
	require.Len(t, l.entries, 2)
	for range 2 { // tried again
		out, err := steps.Verify(t.Context(), ApprovalInput{Signed: signed, Subject: subject})
		require.NoError(t, err)
		require.Equal(t, "signed record 3", out.Summary())
	}
	require.Len(t, l.entries, 3)

	// Signed once more, it is the approval that is recorded, and says why as that does.
	again := signedBy(t, "grace", approval.Statement{Kind: approval.Approve, Reason: "as I said", Subject: subject})
	out, err := steps.Verify(t.Context(), ApprovalInput{Signed: again, Subject: subject})
	require.NoError(t, err)
	require.Equal(t, ApprovalOutput{Seq: 3, Reason: "reviewed"}, out)
	require.Len(t, l.entries, 3)
}
