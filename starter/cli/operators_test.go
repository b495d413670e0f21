package cli

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/mocks"

	"github.com/loanops/loanops/internal/approval"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/workflows"
)

// atHome gives the user a configuration folder of their own, and no operator in the environment.
func atHome(t *testing.T) (keys string) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv(operatorVariable, "")
	t.Setenv(keyVariable, "")
	return filepath.Join(home, "loanops")
}

// must runs a command that ends with 0, and tells nothing of a private key.
func (p fakePlatform) must(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := p.run(t, args...)
	require.Equal(t, 0, code, "%v: %s", args, stderr)
	require.NotContains(t, stdout+stderr, "PRIVATE KEY")
	return stdout
}

func TestOperatorsAreAddedListedAndRevoked(t *testing.T) {
	keys := atHome(t)
	p := newFakePlatform(t)
	stdout := p.must(t, "operators", "add", "ada")
	require.Contains(t, stdout, "ada is an operator, added by ada\nfingerprint SHA256:")
	info, err := os.Stat(filepath.Join(keys, "ada.key"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	// Grace makes her own key; nobody else ever has it.
	graces := filepath.Join(t.TempDir(), "grace.key")
	made, _, code := run(t, "operators", "keygen", "grace", "--key", graces, "--output", "json")
	require.Equal(t, 0, code)
	var pair map[string]string
	require.NoError(t, json.Unmarshal([]byte(made), &pair))
	stdout = p.must(t, "operators", "add", "grace", "--public", pair["public_file"], "--as", "ada")
	require.Contains(t, stdout, pair["fingerprint"])

	// The environment names operator and key.
	t.Setenv(operatorVariable, "grace")
	t.Setenv(keyVariable, graces)
	p.must(t, "operators", "add", "mary")
	require.FileExists(t, filepath.Join(keys, "mary.key"))
	p.must(t, "operators", "revoke", "mary", "--reason", "left the bank")
	p.must(t, "operators", "add", "alan", "--as", "ada", "--new-key", filepath.Join(t.TempDir(), "alan.key"))

	var listed struct {
		Operators []shownOperator `json:"operators"`
		Records   int             `json:"records"`
		Head      string          `json:"head"`
	}
	require.NoError(t, json.Unmarshal([]byte(p.must(t, "operators", "list", "--output", "json")), &listed))
	require.Equal(t, 5, listed.Records)
	require.Len(t, listed.Head, 64)
	var names, by []string
	for _, o := range listed.Operators {
		names, by = append(names, o.Name), append(by, o.AddedBy)
	}
	require.Equal(t, []string{"ada", "grace", "mary", "alan"}, names)
	require.Equal(t, []string{"ada", "ada", "grace", "ada"}, by)
	require.Equal(t, "left the bank", listed.Operators[2].Revoked.Reason)
	require.Regexp(t, `mary +SHA256:\S+ .* by grace: left the bank\n`, p.must(t, "operators", "list"))
}

func TestOperatorsThatAreNotAdded(t *testing.T) {
	keys := atHome(t)
	p := newFakePlatform(t)
	_, stderr, code := p.run(t, "operators", "add", "ada", "--new-key", "x.key")
	require.Equal(t, exitUsage, code, stderr)
	p.must(t, "operators", "add", "ada")
	open := filepath.Join(t.TempDir(), "open.key")
	_, _, code = run(t, "operators", "keygen", "open", "--key", open)
	require.Equal(t, 0, code)
	require.NoError(t, os.Chmod(open, 0o640))
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"add", "Grace"}, exitUsage, "cannot be an operator's name"},
		{[]string{"add", "grace"}, exitUsage, "one of them signs, see --as"},
		{[]string{"add", "grace", "--key", "ada.key"}, exitUsage, "--key without --as"},
		{[]string{"add", "grace", "--as", "mary"}, exitNotFound, filepath.Join(keys, "mary.key") + ": there is no private key"},
		{[]string{"add", "grace", "--as", "mary", "--key", filepath.Join(keys, "ada.key")}, exitRefused, `no operator is called "mary"`},
		{[]string{"add", "grace", "--as", "../ada"}, exitUsage, "cannot be an operator's name"},
		{[]string{"add", "grace", "--as", "ada", "--key", open}, exitUsage, "others than its owner may use it (mode 0640)"},
		{[]string{"add", "grace", "--as", "ada", "--public", filepath.Join(keys, "ada.key")}, exitUsage, "keep it to yourself"},
		{[]string{"add", "grace", "--as", "ada", "--public", filepath.Join(keys, "ada.pub")}, exitRefused, `the key is that of operator "ada"`},
		{[]string{"add", "grace", "--as", "ada", "--new-key", filepath.Join(keys, "ada.key")}, exitRefused, `the key is that of operator "ada"`},
		{[]string{"add", "ada", "--as", "ada", "--new-key", filepath.Join(keys, "again.key")}, exitRefused, "a name means one person for ever"},
		{[]string{"revoke", "ada", "--reason", "x"}, exitUsage, "an operator signs the revocation"},
		{[]string{"revoke", "ada", "--reason", "x", "--as", "ada"}, exitRefused, "the last operator"},
		{[]string{"verify", "loans"}, exitNotFound, "nobody approved loans with a signature"},
		{[]string{"verify", "loans", "0"}, exitUsage, "a number from 1"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			_, stderr, code := p.run(t, append([]string{"operators"}, test.args...)...)
			require.Equal(t, test.code, code, stderr)
			require.Contains(t, stderr, test.says)
		})
	}
	files, err := filepath.Glob(filepath.Join(keys, "*"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(keys, "ada.key"), filepath.Join(keys, "ada.pub")}, files, "no key of somebody who was not added is left")
}

// losing is a registry whose answer to what is signed does not come back, whether it was recorded or not.
type losing struct {
	registry.Registry
	records bool
}

func (l losing) RecordSigned(ctx context.Context, s approval.Signed, countsFor string) (approval.Entry, error) {
	if l.records {
		if _, err := l.Registry.RecordSigned(ctx, s, countsFor); err != nil {
			return approval.Entry{}, err
		}
	}
	return approval.Entry{}, fault.New(fault.Unavailable, "the database is away")
}

// A name and a key that were recorded are taken for ever: the private key stays until it is certain that they were not, and the same command again
// finds out.
func TestAnOperatorWhoseAdditionWasNotHeardOf(t *testing.T) {
	for name, records := range map[string]bool{"recorded": true, "not recorded": false} {
		t.Run(name, func(t *testing.T) {
			keys := atHome(t)
			p := newFakePlatform(t)
			reg := p.registry(t)
			for i, person := range []struct {
				name string
				by   signer
				args []string
			}{
				{"ada", signer{}, []string{"operators", "add", "ada", "--output", "json"}},
				{"grace", signer{name: "ada"}, []string{"operators", "add", "grace", "--as", "ada", "--output", "json"}},
			} {
				ledger, err := reg.Ledger(t.Context())
				require.NoError(t, err)
				a := &app{err: os.Stderr}
				err = a.addOperator(t.Context(), losing{reg, records}, ledger, person.name, &person.by, "", "")
				require.Equal(t, fault.Unavailable, fault.CodeOf(err))
				require.ErrorContains(t, err, "the same command again finds out")
				private, err := readKey(filepath.Join(keys, person.name+".key"))
				require.NoError(t, err, "the key is kept")

				var added shownOperator
				require.NoError(t, json.Unmarshal([]byte(p.must(t, person.args...)), &added))
				require.Equal(t, approval.KeyText(private.Public().(ed25519.PublicKey)), added.PublicKey)
				require.Equal(t, "ada", added.AddedBy)
				require.WithinDuration(t, time.Now(), added.AddedAt, time.Minute)
				ledger, err = reg.Ledger(t.Context())
				require.NoError(t, err)
				require.Len(t, ledger.Entries(), i+1, "added once")
			}
			p.must(t, "operators", "revoke", "grace", "--reason", "left", "--as", "ada")
			_, stderr, code := p.run(t, "operators", "add", "grace", "--as", "ada")
			require.Equal(t, exitRefused, code)
			require.Contains(t, stderr, "a name means one person for ever")
			require.FileExists(t, filepath.Join(keys, "grace.key"), "a key that was there before is nobody's to remove")
		})
	}
}

// awaits is a run that waits for approval of the version, as its progress says.
func awaits(v registry.ModelVersion, policy string) workflows.Progress {
	return workflows.Progress{Pipeline: v.Name, WaitingForApproval: true, Approval: &workflows.ApprovalProgress{Rule: "second_person", Missing: 1, Subject: approval.Subject{
		WorkflowID: "delivery-loans", RunID: "run-1", Model: v.Name, Version: v.Version, Digest: v.Digest, Policy: policy,
	}}}
}

// asked is a Temporal that answers the progress query.
func asked(t *testing.T, progress workflows.Progress) *mocks.Client {
	value := &mocks.Value{}
	value.On("Get", mock.Anything).Run(func(args mock.Arguments) {
		to, ok := args.Get(0).(*workflows.Progress)
		require.True(t, ok)
		*to = progress
	}).Return(nil)
	c := mocks.NewClient(t)
	c.On("QueryWorkflow", mock.Anything, "delivery-loans", "", workflows.ProgressQuery).Return(value, nil)
	return c
}

// What is signed is what the run waits with and the registry knows; a run that says another thing gets no signature.
func TestAnApprovalIsSignedForWhatTheRegistryKnows(t *testing.T) {
	keys := atHome(t)
	p := newFakePlatform(t)
	p.must(t, "operators", "add", "ada")
	reg := p.registry(t)
	v := version(t, reg, "loans", "a", 0.7)
	policy := strings.Repeat("c", 64)
	require.NoError(t, reg.PutPipeline(t.Context(), registry.PipelineSpec{Name: "loans", Digest: "spec", YAML: []byte("x"), Policy: registry.Policy{Digest: policy, Document: []byte(`{}`)}}))
	a := &app{err: os.Stderr}
	by := &signer{name: "ada", file: filepath.Join(keys, "ada.key")}
	run := registry.Run{WorkflowID: "delivery-loans", Pipeline: "loans"}

	progress := awaits(v, policy)
	signed, err := a.signApproval(t.Context(), reg, asked(t, progress), run, by, "reviewed")
	require.NoError(t, err)
	require.NoError(t, signed.CheckApproval(progress.Approval.Subject))
	_, err = reg.RecordSigned(t.Context(), *signed, "run-1")
	require.NoError(t, err)

	for name, test := range map[string]struct {
		spoil func(*workflows.Progress)
		want  string
	}{
		"not waiting":    {func(p *workflows.Progress) { p.WaitingForApproval = false }, "does not wait for approval now"},
		"another digest": {func(p *workflows.Progress) { p.Approval.Subject.Digest = "ff" }, "nothing was signed"},
		"another model":  {func(p *workflows.Progress) { p.Approval.Subject.Model = "cards" }, "there is no version 1"},
		"another run":    {func(p *workflows.Progress) { p.Approval.Subject.WorkflowID = "delivery-cards" }, "nothing was signed"},
		"no such policy": {func(p *workflows.Progress) { p.Approval.Subject.Policy = "ff" }, "no spec of pipeline"},
	} {
		t.Run(name, func(t *testing.T) {
			progress := awaits(v, policy)
			test.spoil(&progress)
			_, err := a.signApproval(t.Context(), reg, asked(t, progress), run, by, "reviewed")
			require.Contains(t, []fault.Code{fault.Refused, fault.NotFound}, fault.CodeOf(err))
			require.ErrorContains(t, err, test.want)
		})
	}

	require.NoError(t, reg.PutRun(t.Context(), registry.Run{ID: "run-1", WorkflowID: "delivery-loans", Pipeline: "loans", ParentID: "run-0", StartedAt: time.Unix(1, 0)}))
	var verified []shownApproval
	require.NoError(t, json.Unmarshal([]byte(p.must(t, "operators", "verify", "loans", "1", "--output", "json")), &verified))
	require.Len(t, verified, 1)
	require.Equal(t, "ada", verified[0].By)
	require.Equal(t, "valid", verified[0].Status)
	p.must(t, "operators", "add", "grace", "--as", "ada")
	p.must(t, "operators", "revoke", "ada", "--reason", "left", "--as", "grace")
	require.Regexp(t, `1 +run-1 +ada .*valid then +reviewed\n`, p.must(t, "operators", "verify", "loans"))
}

// A start is signed for the input that is sent, as the workflow computes it.
func TestAStartIsSignedForItsInput(t *testing.T) {
	atHome(t)
	p := newFakePlatform(t)
	p.must(t, "operators", "add", "ada")
	by := &signer{name: "ada"}
	require.NoError(t, by.resolve())
	input := workflows.TrainingInput{Pipeline: "loans", Actor: "ada", Uploads: map[string][]string{"b": {"1"}, "a": {"2"}}}
	signed, err := by.start(workflows.TrainingID("loans"), "loans", input.Digest())
	require.NoError(t, err)
	input.Signed = signed
	data, err := json.Marshal(input)
	require.NoError(t, err)
	var received workflows.TrainingInput
	require.NoError(t, json.Unmarshal(data, &received))
	require.NoError(t, received.Signed.CheckStart("training-loans", "loans", received.Digest()))
	_, err = p.registry(t).RecordSigned(t.Context(), *received.Signed, "run-1")
	require.NoError(t, err, "a signature crosses Temporal as JSON")
}

func TestWhoSignsAnApproval(t *testing.T) {
	atHome(t)
	p := newFakePlatform(t)
	reg := p.registry(t)
	require.NoError(t, reg.PutRun(t.Context(), registry.Run{ID: "run-1", WorkflowID: "delivery-loans", Pipeline: "loans", StartedAt: time.Unix(1, 0)}))
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"approve", "run-1", "--reason", "x", "--key", "ada.key"}, exitUsage, "--key without --as"},
		{[]string{"approve", "run-1", "--reason", "x", "--as", "ada", "--actor", "bob"}, exitUsage, "leave --actor out"},
		{[]string{"abort", "run-1", "--reason", "x", "--as", "ada"}, exitUsage, "unknown flag: --as"},
	} {
		_, stderr, code := p.run(t, test.args...)
		require.Equal(t, test.code, code, stderr)
		require.Contains(t, stderr, test.says)
	}
}

// oneRun is a registry of a run, or of what keeps it from being read.
type oneRun struct {
	registry.Registry
	err error
}

func (o oneRun) Run(context.Context, string) (registry.Run, error) { return registry.Run{}, o.err }

// An audit that cannot read who started a run says so, and not that nobody did.
func TestAnAuditHidesNoFault(t *testing.T) {
	by, err := startedBy(t.Context(), oneRun{err: fault.New(fault.NotFound, "no such run")}, approval.Ledger{}, "run-1")
	require.NoError(t, err)
	require.Empty(t, by, "a run that is not recorded has no parent that is known")
	_, err = startedBy(t.Context(), oneRun{err: fault.New(fault.Unavailable, "the database is away")}, approval.Ledger{}, "run-1")
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
}

// Who audits has the database, and no way to what serves.
func TestAnAuditNeedsTheDatabaseAlone(t *testing.T) {
	atHome(t)
	p := newFakePlatform(t)
	p.must(t, "operators", "add", "ada")
	data, err := os.ReadFile(filepath.Join(p.dir, settings.PlatformEnv))
	require.NoError(t, err)
	for _, line := range strings.Split(string(data), "\n") {
		if name, value, _ := strings.Cut(line, "="); name == "LOANOPS_DATABASE" {
			t.Setenv(name, value)
		}
	}
	stdout, stderr, code := run(t, "operators", "list", "--state", t.TempDir())
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stdout, "ada")
	_, stderr, code = run(t, "operators", "verify", "loans", "--state", t.TempDir())
	require.Equal(t, exitNotFound, code, stderr)
	require.Contains(t, stderr, "nobody approved loans with a signature")
}
