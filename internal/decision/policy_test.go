package decision_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/sha256hex"
)

// The wanted values are what sha256sum says of the text, without a line's end.
func TestPolicyDigest(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		digest string
		policy decision.Policy
	}{
		`{"cutoff":0.25}`: {"18f9fda985476933d6925e137fc59f0b0e823eed994e521cb6e1d818992579fe", decision.Policy{Cutoff: 0.25}},
		`{"cutoff":1e-7}`: {"ea82788ad5bd28dfecd9b4a9db8ac172fa1943b1e8bbcc232f51a24116465752", decision.Policy{Cutoff: 1e-7}},
		`{"cutoff":0.5,"reasons":{"a":"so & so","b":"é <br>"}}`: {
			"6dfc4407acc20d79c81b29c9147b25a1059e840df985a8fac0886b370b62704a",
			decision.Policy{Cutoff: 0.5, Reasons: map[string]string{"b": "é <br>", "a": "so & so"}},
		},
	} {
		require.Equal(t, text, string(want.policy.Document()))
		require.Equal(t, want.digest, want.policy.Digest(), text)
	}
}

const columns = `
columns:
  - {name: income, type: number, reason: "income too low"}
  - {name: home, type: category, domain: [own, rent]}
`

func parse(t *testing.T, text string) pipeline.Spec {
	t.Helper()
	spec, err := pipeline.Parse("loans.yaml", []byte("name: loans\nsource: {uri: loans.csv}\nlabel: {column: bad, positive: \"1\", negative: \"0\", meaning: default}\n"+text))
	require.NoError(t, err)
	return spec
}

// However a file writes a policy, it is the same one; what does not decide is no part of it.
func TestPolicyIsOfTheSpecsCutoffAndReasons(t *testing.T) {
	t.Parallel()
	policy := decision.PolicyOf(parse(t, columns))
	require.Equal(t, decision.Policy{Cutoff: 0.5, Reasons: map[string]string{"income": "income too low"}}, policy)
	for text, same := range map[string]bool{
		columns + "policy: {cutoff: 0.5}\n":                              true,
		columns + "policy:\n  cutoff: 5.0e-1\ndescription: another\n":    true,
		strings.Replace(columns, "[own, rent]", "[own, rent, other]", 1): true,
		columns + "policy: {cutoff: 0.51}\n":                             false,
		strings.Replace(columns, "too low", "is too low", 1):             false,
	} {
		require.Equal(t, same, decision.PolicyOf(parse(t, text)).Digest() == policy.Digest(), text)
	}
	require.Equal(t, `{"cutoff":0.5}`, string(decision.PolicyOf(parse(t, "columns: [{name: x, type: number}]\n")).Document()), "no texts")
}

func TestADocumentIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := decision.Policy{Cutoff: rapid.Float64Range(math.SmallestNonzeroFloat64, math.Nextafter(1, 0)).Draw(t, "cutoff")}
		if texts := rapid.MapOf(rapid.StringMatching(`[a-z_]{1,9}`), rapid.StringN(1, 20, 80)).Draw(t, "reasons"); len(texts) > 0 {
			p.Reasons = texts
		}
		read, err := decision.ReadPolicy(p.Document(), p.Digest())
		require.NoError(t, err)
		require.Equal(t, p, read)
	})
}

func TestReadPolicyRefuses(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		``:                               "not readable",
		`{}`:                             "cutoff is 0",
		`{"cutoff":0}`:                   "cutoff is 0",
		`{"cutoff":1}`:                   "cutoff is 1",
		`{"cutoff":-0.1}`:                "cutoff is -0.1",
		`{"cutoff":"0.5"}`:               "not readable",
		`{"cutoff":0.5,"review":0.2}`:    "not readable by this version",
		`{"cutoff":0.5,"reasons":["x"]}`: "not readable",
		`{"cutoff":0.5}{"cutoff":0.9}`:   "goes on after its end",
		`{"cutoff":0.5} x`:               "goes on after its end",
		strings.Repeat(" ", 1<<20) + "1": "at most 1048576 are read",
	} {
		_, err := decision.ReadPolicy([]byte(text), sha256hex.Of([]byte(text)))
		require.Equal(t, fault.Invalid, fault.CodeOf(err), text[:min(len(text), 40)])
		require.ErrorContains(t, err, says)
	}
	_, err := decision.ReadPolicy([]byte(`{"cutoff":0.9}`), decision.Policy{Cutoff: 0.5}.Digest())
	require.ErrorContains(t, err, "it was changed or is another one")
}

func FuzzReadPolicy(f *testing.F) {
	f.Add([]byte(`{"cutoff":0.5,"reasons":{"a":"b"}}`))
	f.Add([]byte(`{"cutoff":1e400}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		p, err := decision.ReadPolicy(document, sha256hex.Of(document))
		if err != nil {
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
			return
		}
		require.True(t, p.Cutoff > 0 && p.Cutoff < 1)
		require.True(t, json.Valid(p.Document()))
	})
}

// The largest that pipeline's rules let through: 1,000 columns whose names (100 bytes) and reasons (300) double when written as JSON.
func TestThePolicyOfTheLargestSpecIsRead(t *testing.T) {
	t.Parallel()
	p := decision.Policy{Cutoff: 0.12345678901234567, Reasons: map[string]string{}}
	for i := range 1000 {
		p.Reasons[fmt.Sprintf("%s%04d", strings.Repeat(`"`, 96), i)] = strings.Repeat("\u2028", 100)
	}
	read, err := decision.ReadPolicy(p.Document(), p.Digest())
	require.NoError(t, err)
	require.Equal(t, p, read)
}

// Terraform composes every text that it passes on (NFC): a document with another form would have another digest there, and no delivery would find it.
func TestReasonsAreComposed(t *testing.T) {
	t.Parallel()
	spec := pipeline.Spec{Policy: pipeline.Policy{Cutoff: 0.5}, Columns: []pipeline.Column{{Name: "income", Reason: "revenu trop e\u0301leve\u0301"}, {Name: "debt", Reason: "\u212b"}}}
	require.Equal(t, map[string]string{"income": "revenu trop \u00e9lev\u00e9", "debt": "\u00c5"}, decision.PolicyOf(spec).Reasons)
}
