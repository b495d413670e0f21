package e2e

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// paired is the pipeline of this test: two people stand behind what goes to production.
const paired, pairedDelivery = "paired", "delivery-paired"

// pairedSpec writes paired's spec with some of its text replaced.
func pairedSpec(t *testing.T, oldNew ...string) string {
	t.Helper()
	file := quickSpec(t, paired)
	spec, err := os.ReadFile(file)
	require.NoError(t, err)
	text := string(spec)
	oldNew = append(oldNew, "rows: 20000", "rows: 8000", "approval: automatic ", "approval: second_person ")
	for i := 0; i < len(oldNew); i += 2 {
		require.Equal(t, 1, strings.Count(text, oldNew[i]), oldNew[i])
		text = strings.Replace(text, oldNew[i], oldNew[i+1], 1)
	}
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// approvalProgress is what a delivery that waits says of who approved.
type approvalProgress struct {
	Subject    map[string]any `json:"subject"`
	ApprovedBy []string       `json:"approved_by"`
	Missing    int            `json:"missing"`
}

// awaited waits until paired's delivery waits for people, and tells what it says of that.
func (p *platform) awaited(t *testing.T) approvalProgress {
	t.Helper()
	eventually(t, "waiting for approval", 5*time.Minute, func() bool { return p.progress(t, pairedDelivery).WaitingForApproval })
	var response struct {
		QueryResult []struct {
			Approval approvalProgress `json:"approval"`
		} `json:"queryResult"`
	}
	body := map[string]any{"query": map[string]string{"queryType": "progress"}}
	require.Equal(t, http.StatusOK, p.ask(t, "/workflows/"+pairedDelivery+"/query/progress", body, &response))
	return response.QueryResult[0].Approval
}

// approves approves paired's delivery by command, and requires the exit code and what is said.
func (p *platform) approves(t *testing.T, code int, says string, as ...string) {
	t.Helper()
	ended := p.begin(t, append([]string{"approve", pairedDelivery, "--reason", complaints}, as...)...)(t)
	require.Equal(t, code, ended.Code)
	require.Contains(t, string(ended.Stdout)+string(ended.Stderr), says)
}

func TestTwoPeopleStandBehindADelivery(t *testing.T) {
	t.Parallel()
	keys := t.TempDir()
	as := func(name string) []string { return []string{"--as", name, "--key", filepath.Join(keys, name+".key")} }
	add := func(name string, by ...string) {
		_, code := shared.run(t, "operators", "keygen", name, "--key", filepath.Join(keys, name+".key"))
		require.Equal(t, 0, code)
		if len(by) == 0 {
			by = []string{"--key", filepath.Join(keys, name+".key")}
		} else {
			by = append(by, "--public", filepath.Join(keys, name+".pub"))
		}
		_, code = shared.run(t, append([]string{"operators", "add", name}, by...)...)
		require.Equal(t, 0, code)
	}
	add("ada")
	for _, name := range []string{"grace", "mary", "alan"} {
		add(name, as("ada")...)
	}

	// Ada starts it, and signs that; another person's signature is wanted, and nothing else will do.
	_, code := shared.run(t, append([]string{"ct", "start", "--pipeline", pairedSpec(t)}, as("ada")...)...)
	require.Equal(t, 0, code)
	waits := shared.awaited(t)
	require.Equal(t, 1, waits.Missing)
	shared.approves(t, 3, "loanops approve delivery-paired --reason TEXT --as OPERATOR")
	_, failure := shared.tryUpdate(t, pairedDelivery, "approve", map[string]string{"actor": "grace", "reason": complaints})
	require.Contains(t, string(failure), "is not signed", "from the Web UI")
	shared.approves(t, 3, "ada started this run", as("ada")...)
	shared.approves(t, 3, `the signature is not operator "grace"'s`, "--as", "grace", "--key", filepath.Join(keys, "alan.key"))
	forged := map[string]any{"kind": "approve", "by": "grace", "at": time.Now().UTC(), "reason": complaints, "signature": base64.StdEncoding.EncodeToString(make([]byte, 64))}
	for key, value := range waits.Subject {
		forged[key] = value
	}
	_, failure = shared.tryUpdate(t, pairedDelivery, "approve", map[string]any{"actor": "grace", "reason": complaints, "signed": forged})
	require.Contains(t, string(failure), "the signature is not operator")
	_, code = shared.run(t, append([]string{"operators", "revoke", "mary", "--reason", "left the bank"}, as("grace")...)...)
	require.Equal(t, 0, code)
	shared.approves(t, 3, `operator "mary" was revoked`, as("mary")...)
	_, code = shared.run(t, "serving", "show", paired)
	require.Equal(t, 5, code, "production waits")
	shared.approves(t, 0, "goes on to production", as("grace")...)
	shared.closed(t, pairedDelivery)
	require.Equal(t, "bootstrapped", shared.progress(t, pairedDelivery).Verdict)
	record := shared.serving(t, paired)
	require.Contains(t, record.Reason, "signed and approved by grace: "+complaints)

	// Nobody signs the next start: two people are wanted, and Ada, who trained the version, is neither.
	shared.closed(t, "training-"+paired)
	_, code = shared.run(t, "ct", "start", "--pipeline", pairedSpec(t, "cutoff: 0.25", "cutoff: 0.27"))
	require.Equal(t, 0, code)
	require.Equal(t, 2, shared.awaited(t).Missing)
	shared.approves(t, 0, "approved by grace; 1 more is wanted", as("grace")...)
	require.Equal(t, []string{"grace"}, shared.awaited(t).ApprovedBy)
	shared.approves(t, 3, "grace has approved already", as("grace")...)
	shared.approves(t, 3, "ada started the training of this version", as("ada")...)
	shared.approves(t, 0, "goes on to production", as("alan")...)
	shared.closed(t, pairedDelivery)
	require.Equal(t, "promoted", shared.progress(t, pairedDelivery).Verdict)

	// Who approved is verified later, of somebody who left since as well.
	_, code = shared.run(t, append([]string{"operators", "revoke", "grace", "--reason", "left the bank"}, as("alan")...)...)
	require.Equal(t, 0, code)
	var verified []struct {
		By        string `json:"by"`
		StartedBy string `json:"started_by"`
		Status    string `json:"status"`
	}
	shared.runJSON(t, &verified, 0, "operators", "verify", paired)
	require.Len(t, verified, 3)
	require.Equal(t, []string{"grace", "ada", "valid then"}, []string{verified[0].By, verified[0].StartedBy, verified[0].Status})
	require.Equal(t, []string{"alan", "", "valid"}, []string{verified[2].By, verified[2].StartedBy, verified[2].Status})

	// No private key is in a history, or in what the platform keeps and logs.
	for _, name := range []string{"ada", "grace", "alan"} {
		pem, err := os.ReadFile(filepath.Join(keys, name+".key"))
		require.NoError(t, err)
		secret := strings.Split(string(pem), "\n")[1]
		require.NotContains(t, shared.workflowHistory(t, pairedDelivery)+shared.workflowHistory(t, "training-"+paired), secret)
		logs, err := filepath.Glob(filepath.Join(shared.State, "logs", "*"))
		require.NoError(t, err)
		require.NotEmpty(t, logs)
		for _, file := range logs {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NotContains(t, string(data), secret, file)
		}
	}
}
