package workflows

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/approval"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
)

// signedRecords is a registry that keeps what operators signed. Its first two versions were made by the training run-trained.
type signedRecords struct {
	registry.Registry
	mu      sync.Mutex
	entries []approval.Entry
	now     func() time.Time
}

func (s *signedRecords) Ledger(context.Context) (approval.Ledger, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return approval.Read(s.entries)
}

func (s *signedRecords) RecordSigned(_ context.Context, signed approval.Signed, countsFor string) (approval.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ledger, err := approval.Read(s.entries)
	if err != nil {
		return approval.Entry{}, err
	}
	entry, known, err := ledger.Next(signed, countsFor, s.now())
	if err == nil && !known {
		s.entries = append(s.entries, entry)
	}
	return entry, err
}

func (s *signedRecords) Version(_ context.Context, name string, version int) (registry.ModelVersion, error) {
	return registry.ModelVersion{Name: name, Version: version, RunID: "run-trained"}, nil
}

// final is a fault as an activity ends with it.
func final(err error) error {
	if err == nil {
		return nil
	}
	return temporal.NewNonRetryableApplicationError(err.Error(), string(fault.CodeOf(err)), nil)
}

func operatorKey(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// sign signs with the operator's own key, a moment ago.
func (p *platform) sign(t *testing.T, s approval.Statement) *approval.Signed {
	t.Helper()
	s.At = p.signed.now()
	signed, err := approval.Sign(s, operatorKey(s.By))
	require.NoError(t, err)
	return &signed
}

// withOperators makes ada, grace and mary operators, and trained one of them who started the training of the versions that there are.
func (p *platform) withOperators(t *testing.T, env *testsuite.TestWorkflowEnvironment, trained string) {
	t.Helper()
	p.signed.now = env.Now
	for _, name := range []string{"ada", "grace", "mary"} {
		key := operatorKey(name).Public().(ed25519.PublicKey)
		p.mustRecord(t, approval.Statement{Kind: approval.Add, By: "ada", Operator: name, PublicKey: approval.KeyText(key)}, "")
	}
	if trained != "" {
		p.mustRecord(t, approval.Statement{Kind: approval.Start, By: trained, Subject: approval.Subject{WorkflowID: "training-loan-eligibility", Model: p.spec.Name}, Input: "ab"}, "run-trained")
	}
}

func (p *platform) mustRecord(t *testing.T, s approval.Statement, run string) {
	t.Helper()
	_, err := p.signed.RecordSigned(t.Context(), *p.sign(t, s), run)
	require.NoError(t, err)
}

// approval signs what the waiting delivery says is to be signed.
func (p *platform) approval(t *testing.T, env *testsuite.TestWorkflowEnvironment, by string, spoil func(*approval.Statement)) Intervention {
	t.Helper()
	s := approval.Statement{Kind: approval.Approve, By: by, Reason: "reviewed", Subject: progressOf(t, env).Approval.Subject}
	if spoil != nil {
		spoil(&s)
	}
	return Intervention{Actor: by, Reason: "reviewed", Signed: p.sign(t, s)}
}

// failed expects an update that is taken and answered with an error.
func failed(t *testing.T, why string) *testsuite.TestUpdateCallback {
	return &testsuite.TestUpdateCallback{
		OnAccept:   func() {},
		OnReject:   func(err error) { t.Errorf("rejected: %v", err) },
		OnComplete: func(_ any, err error) { require.ErrorContains(t, err, why) },
	}
}

// bySecondPerson runs a delivery under second_person; steps are taken a minute apart while it waits.
func bySecondPerson(t *testing.T, trained string, input func(*platform) DeliveryInput, steps ...func(*platform, *testsuite.TestWorkflowEnvironment)) (*platform, Result) {
	t.Helper()
	p := newPlatform()
	p.spec.Deploy.Approval = pipeline.ApprovalSecondPerson
	env := p.environment(t)
	p.withOperators(t, env, trained)
	for i, step := range steps {
		env.RegisterDelayedCallback(func() { step(p, env) }, time.Duration(i+1)*time.Minute)
	}
	env.ExecuteWorkflow(ContinuousDelivery, input(p))
	require.NoError(t, env.GetWorkflowError())
	var result Result
	require.NoError(t, env.GetWorkflowResult(&result))
	return p, result
}

func unsignedStart(*platform) DeliveryInput {
	return DeliveryInput{Model: "loan-eligibility", Version: 2}
}

// signedStart is a start that by signed, as the command does; spoil changes it after.
func signedStart(t *testing.T, by string, spoil func(*DeliveryInput)) func(*platform) DeliveryInput {
	return func(p *platform) DeliveryInput {
		in := DeliveryInput{Model: "loan-eligibility", Version: 2, Actor: by}
		in.Signed = p.sign(t, approval.Statement{
			Kind: approval.Start, By: by, Subject: approval.Subject{WorkflowID: "default-test-workflow-id", Model: in.Model}, Input: in.Digest(),
		})
		if spoil != nil {
			spoil(&in)
		}
		return in
	}
}

func TestSecondPersonAfterAnUnsignedStartIsTwoPeople(t *testing.T) {
	p, result := bySecondPerson(t, "", unsignedStart,
		func(p *platform, env *testsuite.TestWorkflowEnvironment) {
			progress := progressOf(t, env)
			require.Equal(t, 2, progress.Approval.Missing)
			require.Contains(t, progress.Stage, "waiting for the approve update: 2 signatures are missing; ")
			env.UpdateWorkflow(ApproveUpdate, "unsigned", rejected(t, "loanops approve default-test-workflow-id --reason TEXT --as OPERATOR"), Intervention{Actor: "grace", Reason: "reviewed"})
			env.UpdateWorkflow(ApproveUpdate, "first", accepted(t), p.approval(t, env, "ada", nil))
		},
		func(p *platform, env *testsuite.TestWorkflowEnvironment) {
			require.Empty(t, p.weights, "production waits")
			progress := progressOf(t, env)
			require.Equal(t, []string{"ada"}, progress.Approval.ApprovedBy)
			require.Contains(t, progress.Stage, "1 signature is missing, approved by ada; ")
			env.UpdateWorkflow(ApproveUpdate, "twice", rejected(t, "ada has approved already"), p.approval(t, env, "ada", nil))
			env.UpdateWorkflow(ApproveUpdate, "second", accepted(t), p.approval(t, env, "grace", nil))
		})
	require.Equal(t, Promoted, result.Verdict)
	require.Equal(t, "ada and grace", p.record.Actor)
	require.Contains(t, p.record.Reason, "signed and approved by ada: reviewed; approved by grace: reviewed")
	ledger, err := p.signed.Ledger(t.Context())
	require.NoError(t, err)
	require.Len(t, ledger.Approvals("loan-eligibility", 2), 2)
}

func TestSecondPersonAfterASignedStartIsAnotherPerson(t *testing.T) {
	p, result := bySecondPerson(t, "mary", signedStart(t, "ada", nil),
		func(p *platform, env *testsuite.TestWorkflowEnvironment) {
			require.Equal(t, approval.Started{By: "ada", Trainer: "mary"}, progressOf(t, env).Approval.Started)
			require.Contains(t, progressOf(t, env).Stage, "1 signature is missing, started by ada, trained by mary; ")
			env.UpdateWorkflow(ApproveUpdate, "unsigned", rejected(t, "is not signed"), Intervention{Actor: "grace", Reason: "reviewed"})
			env.UpdateWorkflow(ApproveUpdate, "own", rejected(t, "ada started this run"), p.approval(t, env, "ada", nil))
			env.UpdateWorkflow(ApproveUpdate, "trained", rejected(t, "mary started the training of this version"), p.approval(t, env, "mary", nil))
			env.UpdateWorkflow(ApproveUpdate, "second", accepted(t), p.approval(t, env, "grace", nil))
		})
	require.Equal(t, Promoted, result.Verdict)
	require.Equal(t, "grace", p.record.Actor)
}

// What is wrong with a signature is said, it does not count, and the delivery waits on.
func TestSignaturesThatDoNotCount(t *testing.T) {
	for name, test := range map[string]struct {
		send func(*platform, *testsuite.TestWorkflowEnvironment) Intervention
		want string
	}{
		"unknown": {func(p *platform, env *testsuite.TestWorkflowEnvironment) Intervention {
			return p.approval(t, env, "mallory", nil)
		}, `no operator is called "mallory"`},
		"another run": {func(p *platform, env *testsuite.TestWorkflowEnvironment) Intervention {
			return p.approval(t, env, "grace", func(s *approval.Statement) { s.RunID = "another" })
		}, "the signature is for another run"},
		"another version": {func(p *platform, env *testsuite.TestWorkflowEnvironment) Intervention {
			return p.approval(t, env, "grace", func(s *approval.Statement) { s.Version = 1 })
		}, "the signature is for another version"},
		"another policy": {func(p *platform, env *testsuite.TestWorkflowEnvironment) Intervention {
			return p.approval(t, env, "grace", func(s *approval.Statement) { s.Policy = "lenient" })
		}, "the signature is for another policy"},
		"expired": {func(p *platform, env *testsuite.TestWorkflowEnvironment) Intervention {
			now := p.signed.now
			p.signed.now = func() time.Time { return now().Add(-2 * time.Hour) }
			defer func() { p.signed.now = now }()
			return p.approval(t, env, "grace", nil)
		}, "the signature has expired"},
		"tampered": {func(p *platform, env *testsuite.TestWorkflowEnvironment) Intervention {
			by := p.approval(t, env, "ada", nil)
			by.Actor, by.Signed.By = "grace", "grace"
			return by
		}, `the signature is not operator "grace"'s`},
		"revoked": {func(p *platform, env *testsuite.TestWorkflowEnvironment) Intervention {
			p.mustRecord(t, approval.Statement{Kind: approval.Revoke, By: "ada", Operator: "grace", Reason: "left"}, "")
			return p.approval(t, env, "grace", nil)
		}, `operator "grace" was revoked`},
	} {
		t.Run(name, func(t *testing.T) {
			p, result := bySecondPerson(t, "", signedStart(t, "ada", nil), func(p *platform, env *testsuite.TestWorkflowEnvironment) {
				env.UpdateWorkflow(ApproveUpdate, "wrong", failed(t, test.want), test.send(p, env))
			})
			require.Equal(t, Rejected, result.Verdict)
			require.Equal(t, []string{"nobody approved within 24h0m0s"}, result.Reasons)
			require.Empty(t, p.weights)
			ledger, err := p.signed.Ledger(t.Context())
			require.NoError(t, err)
			require.Empty(t, ledger.Approvals("loan-eligibility", 0), "nothing is recorded")
		})
	}
}

// Actor and reason of an update are what was signed.
func TestAnApprovalSaysWhatWasSigned(t *testing.T) {
	_, result := bySecondPerson(t, "", signedStart(t, "ada", nil), func(p *platform, env *testsuite.TestWorkflowEnvironment) {
		by := p.approval(t, env, "grace", nil)
		other := by
		other.Actor = "mary"
		env.UpdateWorkflow(ApproveUpdate, "actor", rejected(t, "are not those that were signed"), other)
		other = by
		other.Reason = "nothing"
		env.UpdateWorkflow(ApproveUpdate, "reason", rejected(t, "are not those that were signed"), other)
	})
	require.Equal(t, Rejected, result.Verdict)
}

// Two updates of one person at once: both are verified before either counts.
func TestOnePersonAtOnceIsOnePerson(t *testing.T) {
	var ended []error // in whichever order they are verified
	p, result := bySecondPerson(t, "", unsignedStart, func(p *platform, env *testsuite.TestWorkflowEnvironment) {
		by := p.approval(t, env, "ada", nil)
		for _, id := range []string{"one", "two"} {
			taken := accepted(t)
			taken.OnComplete = func(_ any, err error) { ended = append(ended, err) }
			env.UpdateWorkflow(ApproveUpdate, id, taken, by)
		}
	})
	require.Len(t, ended, 2)
	require.ErrorContains(t, errors.Join(ended...), "ada has approved already")
	require.Contains(t, ended, nil)
	require.Equal(t, Rejected, result.Verdict)
	require.Equal(t, []string{"ada approved, and nobody else within 24h0m0s"}, result.Reasons)
	require.Empty(t, p.weights)
}

// A registry that is away for a moment keeps nobody from approving.
func TestAVerificationIsTriedAgain(t *testing.T) {
	_, result := bySecondPerson(t, "", signedStart(t, "ada", nil), func(p *platform, env *testsuite.TestWorkflowEnvironment) {
		p.failures[activities.VerifyApproval.Name] = 2
		env.UpdateWorkflow(ApproveUpdate, "second", accepted(t), p.approval(t, env, "grace", nil))
	})
	require.Equal(t, Promoted, result.Verdict)
}

// An approval that was recorded and that the run has not heard of is given once more, and says what was signed first.
func TestAnApprovalThatWasNotHeardOf(t *testing.T) {
	p, result := bySecondPerson(t, "", signedStart(t, "ada", nil), func(p *platform, env *testsuite.TestWorkflowEnvironment) {
		first := p.approval(t, env, "grace", func(s *approval.Statement) { s.Reason = "read the report" })
		_, err := p.signed.RecordSigned(t.Context(), *first.Signed, first.Signed.RunID)
		require.NoError(t, err)
		env.UpdateWorkflow(ApproveUpdate, "again", accepted(t), p.approval(t, env, "grace", nil))
	})
	require.Equal(t, Promoted, result.Verdict)
	ledger, err := p.signed.Ledger(t.Context())
	require.NoError(t, err)
	require.Len(t, ledger.Approvals("loan-eligibility", 0), 1)
	require.Contains(t, p.record.Reason, "signed and approved by grace: read the report")
}

// A start whose signature is not for it starts nothing: whoever saw one in a history could start in that person's name.
func TestForgedStartsAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		input func(*platform) DeliveryInput
		want  string
	}{
		"another version": {signedStart(t, "ada", func(in *DeliveryInput) { in.Version = 1 }), "for another input"},
		"another actor":   {signedStart(t, "ada", func(in *DeliveryInput) { in.Actor = "grace" }), "for another input"},
		"a drill":         {signedStart(t, "ada", func(in *DeliveryInput) { in.Drill = "swap" }), "for another input"},
		"unknown":         {signedStart(t, "mallory", nil), `no operator is called "mallory"`},
		"another key": {signedStart(t, "ada", func(in *DeliveryInput) {
			in.Signed.Signature = ed25519.Sign(operatorKey("mallory"), in.Signed.Bytes())
		}), `the signature is not operator "ada"'s`},
		"a training's": {func(p *platform) DeliveryInput {
			in := unsignedStart(p)
			for _, e := range p.signed.entries {
				if e.Kind == approval.Start {
					in.Signed = &e.Signed
				}
			}
			return in
		}, "the signature does not start this run, nor did it start the training that this run belongs to"},
		"used": {func(p *platform) DeliveryInput {
			in := signedStart(t, "ada", nil)(p)
			if _, err := p.signed.RecordSigned(t.Context(), *in.Signed, "an earlier run"); err != nil {
				t.Error(err)
			}
			return in
		}, "the signature started run an earlier run already"},
	} {
		t.Run(name, func(t *testing.T) {
			p, result := bySecondPerson(t, "mary", test.input)
			require.Equal(t, Refused, result.Verdict)
			require.Len(t, result.Reasons, 1)
			require.Contains(t, result.Reasons[0], test.want)
			require.NotContains(t, p.steps, activities.ApplyStaging.Name, "nothing was begun")
		})
	}
}

// A signature is verified under `required` as well, and an unsigned approval is enough there.
func TestRequiredTakesSignedApprovals(t *testing.T) {
	p := newPlatform()
	p.spec.Deploy.Approval = pipeline.ApprovalRequired
	env := p.environment(t)
	p.withOperators(t, env, "")
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow(ApproveUpdate, "wrong", failed(t, "for another run"), p.approval(t, env, "grace", func(s *approval.Statement) { s.RunID = "another" }))
	}, time.Minute)
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow(ApproveUpdate, "approve", accepted(t), p.approval(t, env, "grace", nil))
	}, 2*time.Minute)
	env.ExecuteWorkflow(ContinuousDelivery, unsignedStart(p))
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, "grace", p.record.Actor)
	require.NotContains(t, p.steps, activities.VerifyStart.Name, "nobody signed a start, and nothing asks who did")
}

// A training that a person starts with their signature carries it to its delivery, whose parent it is: that person is not the second one.
func TestWhoStartedATrainingIsNotTheSecondPerson(t *testing.T) {
	for name, spoil := range map[string]func(*TrainingInput){"signed": nil, "forged": func(in *TrainingInput) { in.AsOf = "2026-01-31" }} {
		t.Run(name, func(t *testing.T) {
			p := newPlatform()
			p.spec.Deploy.Approval = pipeline.ApprovalSecondPerson
			env := p.environment(t)
			p.withOperators(t, env, "")
			input := TrainingInput{Pipeline: p.spec.Name, Actor: "ada", ApprovalExpires: "1h"}
			input.Signed = p.sign(t, approval.Statement{
				Kind: approval.Start, By: "ada", Subject: approval.Subject{WorkflowID: "default-test-workflow-id", Model: p.spec.Name}, Input: input.Digest(),
			})
			if spoil != nil {
				spoil(&input)
			}
			env.ExecuteWorkflow(ContinuousTraining, input)
			require.NoError(t, env.GetWorkflowError())
			var result Result
			require.NoError(t, env.GetWorkflowResult(&result))
			if spoil != nil {
				require.Equal(t, Refused, result.Verdict)
				require.Contains(t, result.Reasons[0], "for another input")
				require.NotContains(t, p.steps, activities.LoadPipeline.Name)
				return
			}
			require.Equal(t, Rejected, result.Verdict, result.Reasons)
			ledger, err := p.signed.Ledger(t.Context())
			require.NoError(t, err)
			require.Equal(t, "ada", ledger.Entries()[3].By)
			require.Equal(t, []string{activities.VerifyStart.Name, activities.LoadPipeline.Name}, p.steps[1:3], "before anything else")
		})
	}
}
