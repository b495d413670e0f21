package approval

import (
	"crypto/ed25519"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
)

// privatePEM is the key of RFC 8032, section 7.1, test 1, as PKCS #8; publicPEM and the fingerprint are what OpenSSL 3 made of it.
const (
	privatePEM  = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n"
	publicPEM   = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n"
	fingerprint = "SHA256:If4x36FUomFia/hUBG/SJxt77UtqvkWqWId+9H+XIbk"
)

var signedAt = time.Date(2026, 11, 28, 23, 5, 12, 123000, time.UTC)

var delivered = Subject{WorkflowID: "delivery-loans", RunID: "run-2", Model: "loans", Version: 2, Digest: "ab12", Policy: "cd34"}

func approves(by string) Statement {
	return Statement{Kind: Approve, By: by, At: signedAt, Reason: "reviewed the report", Subject: delivered}
}

func starts(by, input string) Statement {
	return Statement{Kind: Start, By: by, At: signedAt, Subject: Subject{WorkflowID: "training-loans", Model: "loans"}, Input: input}
}

// The bytes were written by hand, and the signature made by `openssl pkeyutl -sign -rawin` with the key above.
func TestWhatIsSignedIsWhatTheReferenceSays(t *testing.T) {
	const bytes = "19:loanops.statement.1,7:approve,5:grace,27:2026-11-28T23:05:12.000123Z,19:reviewed the report,14:delivery-loans,5:run-2,5:loans,1:2,4:ab12,4:cd34,0:,0:,0:,"
	const signature = "cc5817eb6ad12c92b9ac083b1014663d7f239f20b0a229a18217fbbd2a95d078d16860c46e42337ebbbe6438cc40d041e028dabeef992e1b7d4edad896612608"
	key, err := DecodePrivateKey([]byte(privatePEM))
	require.NoError(t, err)
	require.Equal(t, bytes, string(approves("grace").Bytes()))
	signed, err := Sign(approves("grace"), key)
	require.NoError(t, err)
	require.Equal(t, signature, hex.EncodeToString(signed.Signature))
	public, err := DecodePublicKey([]byte(publicPEM))
	require.NoError(t, err)
	require.NoError(t, signed.by(public))
	decoded, err := Decode([]byte(bytes))
	require.NoError(t, err)
	require.Equal(t, approves("grace"), decoded)
}

func TestKeysAreThoseOfOpenSSL(t *testing.T) {
	key, err := DecodePrivateKey([]byte(privatePEM))
	require.NoError(t, err)
	again, err := EncodePrivateKey(key)
	require.NoError(t, err)
	require.Equal(t, privatePEM, string(again))
	public := key.Public().(ed25519.PublicKey)
	text, err := EncodePublicKey(public)
	require.NoError(t, err)
	require.Equal(t, publicPEM, string(text))
	require.Equal(t, fingerprint, Fingerprint(public))
	back, err := keyOf(KeyText(public))
	require.NoError(t, err)
	require.Equal(t, public, back)

	_, err = DecodePublicKey([]byte(privatePEM))
	require.ErrorContains(t, err, "keep it to yourself")
	for _, data := range []string{"", "x", publicPEM, strings.Replace(privatePEM, "MC4C", "MC4D", 1)} {
		_, err := DecodePrivateKey([]byte(data))
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
		require.NotContains(t, err.Error(), "nZ3v", "nothing of the key")
	}
	for _, text := range []string{"", "x", KeyText(public)[1:], KeyText(public) + "\n", strings.Replace(KeyText(public), "o=", "p=", 1)} {
		_, err := keyOf(text)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), text)
	}
}

func TestOperatorsNames(t *testing.T) {
	for _, name := range []string{"ada", "ada.lovelace", "a", "7", strings.Repeat("a", 40)} {
		require.NoError(t, CheckName(name))
	}
	for _, name := range []string{"", "Ada", "../ada", "ada/b", ".ada", "ada lovelace", "ada\n", "ädä", strings.Repeat("a", 41)} {
		require.Equal(t, fault.Invalid, fault.CodeOf(CheckName(name)), name)
	}
}

// Each kind says what it must, and nothing else.
func TestSignRefusesWhatIsIncomplete(t *testing.T) {
	key := keyNamed("ada")
	for name, test := range map[string]struct {
		of    Statement
		spoil func(*Statement)
		want  string
	}{
		"no kind":           {approves("ada"), func(s *Statement) { s.Kind = "" }, "kind that is not known"},
		"another kind":      {approves("ada"), func(s *Statement) { s.Kind = "reject" }, "kind that is not known"},
		"nobody":            {approves("ada"), func(s *Statement) { s.By = "" }, `lacks "by"`},
		"no reason":         {approves("ada"), func(s *Statement) { s.Reason = "  " }, `lacks "reason"`},
		"no run":            {approves("ada"), func(s *Statement) { s.RunID = "" }, `lacks "run_id"`},
		"no version":        {approves("ada"), func(s *Statement) { s.Version = 0 }, `lacks "version"`},
		"version below 1":   {approves("ada"), func(s *Statement) { s.Version = -1 }, "is -1"},
		"no digest":         {approves("ada"), func(s *Statement) { s.Digest = "" }, `lacks "digest"`},
		"no policy":         {approves("ada"), func(s *Statement) { s.Policy = "" }, `lacks "policy"`},
		"an input":          {approves("ada"), func(s *Statement) { s.Input = "ef" }, `has "input"`},
		"two lines":         {approves("ada"), func(s *Statement) { s.Reason = "a\nb" }, `"reason" of what is signed is not one line`},
		"too long":          {approves("ada"), func(s *Statement) { s.Reason = strings.Repeat("a", longest+1) }, `"reason" of what is signed is not one line`},
		"no UTF-8":          {approves("ada"), func(s *Statement) { s.Reason = "K\xf6ln" }, `"reason" of what is signed is not one line`},
		"a start of no run": {starts("ada", "ef"), func(s *Statement) { s.WorkflowID = "" }, `lacks "workflow_id"`},
		"a start of a run":  {starts("ada", "ef"), func(s *Statement) { s.RunID = "run" }, `has "run_id"`},
		"no input":          {starts("ada", "ef"), func(s *Statement) { s.Input = "" }, `lacks "input"`},
	} {
		t.Run(name, func(t *testing.T) {
			test.spoil(&test.of)
			_, err := Sign(test.of, key)
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
			require.ErrorContains(t, err, test.want)
		})
	}
}

// anyStatement draws one of texts that try to be mistaken for others.
func anyStatement(t *rapid.T) Statement {
	text := func(label string) string {
		return rapid.OneOf(rapid.SampledFrom([]string{"", "1:a,", "0:,", ",", "ada"}), rapid.String()).Draw(t, label)
	}
	return Statement{
		Kind: Kind(text("kind")), By: text("by"), At: signedAt.Add(time.Duration(rapid.Int64Range(-1e9, 1e9).Draw(t, "at")) * time.Microsecond), Reason: text("reason"),
		Subject: Subject{WorkflowID: text("workflow"), RunID: text("run"), Model: text("model"), Version: rapid.Int().Draw(t, "version"), Digest: text("digest"), Policy: text("policy")},
		Input:   text("input"), Operator: text("operator"), PublicKey: text("key"),
	}
}

func TestStatementsComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyStatement(t)
		decoded, err := Decode(s.Bytes())
		require.NoError(t, err)
		require.Equal(t, s, decoded)
		other := anyStatement(t)
		require.Equal(t, s == other, string(s.Bytes()) == string(other.Bytes()), "different statements have different bytes")
	})
}

// Whatever field a bit is flipped in, and whichever bit of the signature, the signature is good for nothing.
func TestAFlippedBitIsSeen(t *testing.T) {
	key := keyNamed("ada")
	public := key.Public().(ed25519.PublicKey)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom([]Statement{approves("ada"), starts("ada", "ef"), adds("ada", "grace"), revokes("ada", "grace")}).Draw(t, "statement")
		signed, err := Sign(s, key)
		require.NoError(t, err)
		require.NoError(t, signed.by(public))
		flip := func(data []byte, label string) []byte {
			bit := rapid.IntRange(0, 8*len(data)-1).Draw(t, label)
			data[bit/8] ^= 1 << (bit % 8)
			return data
		}
		texts := []*string{
			(*string)(&signed.Kind), &signed.By, &signed.Reason, &signed.WorkflowID, &signed.RunID, &signed.Model, &signed.Digest, &signed.Policy,
			&signed.Input, &signed.Operator, &signed.PublicKey,
		}
		switch field := rapid.IntRange(0, len(texts)+2).Draw(t, "field"); {
		case field == len(texts):
			signed.Version ^= 1 << rapid.IntRange(0, 62).Draw(t, "bit of the version")
		case field == len(texts)+1:
			signed.At = time.UnixMicro(signed.At.UnixMicro() ^ 1<<rapid.IntRange(0, 50).Draw(t, "bit of the time"))
		case field == len(texts)+2:
			signed.Signature = flip(append([]byte{}, signed.Signature...), "bit of the signature")
		case *texts[field] == "":
			*texts[field] = "x"
		default:
			*texts[field] = string(flip([]byte(*texts[field]), "bit"))
		}
		require.Equal(t, fault.Refused, fault.CodeOf(signed.by(public)))
	})
}

func FuzzDecode(f *testing.F) {
	for _, s := range []Statement{approves("ada"), starts("ada", "ef"), adds("ada", "grace"), {}} {
		f.Add(s.Bytes())
	}
	f.Add([]byte("19:loanops.statement.1,-1:,999999999999999999999:,"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Decode(data)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
			return
		}
		require.Equal(t, string(data), string(s.Bytes()))
	})
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte(privatePEM))
	f.Add([]byte(publicPEM))
	f.Fuzz(func(t *testing.T, data []byte) {
		if key, err := DecodePublicKey(data); err == nil {
			require.Len(t, key, ed25519.PublicKeySize)
		}
		if key, err := DecodePrivateKey(data); err == nil {
			require.Len(t, key, ed25519.PrivateKeySize)
		}
	})
}
