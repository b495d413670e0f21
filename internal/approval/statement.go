// Package approval is approval by people who can be told apart: operators with keys, what they sign, and the ledger that keeps it. It computes and
// verifies; whoever holds a key file or a database is elsewhere. See ADR 11.
package approval

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/loanops/loanops/internal/fault"
)

// Kind is what a statement says. The set is closed.
type Kind string

// The kinds.
const (
	Start   Kind = "start"   // By starts a run of Subject.WorkflowID with an input of the digest Input
	Approve Kind = "approve" // By lets the run's version go on to production
	Add     Kind = "add"     // By makes Operator one whose key is PublicKey
	Revoke  Kind = "revoke"  // By ends what Operator may sign
)

// Subject is the run that a statement is about, and what it delivers.
type Subject struct {
	WorkflowID string `json:"workflow_id,omitempty"`
	RunID      string `json:"run_id,omitempty"` // of an approval; a start is signed before the run has one
	Model      string `json:"model,omitempty"`
	Version    int    `json:"version,omitempty"`
	Digest     string `json:"digest,omitempty"` // of the version's bundle
	Policy     string `json:"policy,omitempty"` // digest of the policy document
}

// Statement is what an operator signs. A field that its kind does not have is empty.
type Statement struct {
	Kind   Kind      `json:"kind"`
	By     string    `json:"by"`
	At     time.Time `json:"at"` // by the clock of who signs, to the microsecond
	Reason string    `json:"reason,omitempty"`
	Subject
	Input     string `json:"input,omitempty"`      // SHA-256 of the workflow's input
	Operator  string `json:"operator,omitempty"`   // who is added or revoked
	PublicKey string `json:"public_key,omitempty"` // base64 of the 32 bytes
}

const (
	// format begins what is signed: no signature of anything else is one of a statement.
	format     = "loanops.statement.1"
	timeLayout = "2006-01-02T15:04:05.000000Z"
	// longest is how many bytes a text may have.
	longest = 1000
)

// Bytes is what is signed: every field in a fixed order as a netstring (its length in bytes, a colon, the text, a comma;
// https://cr.yp.to/proto/netstrings.txt), so that no two different statements have the same bytes.
func (s Statement) Bytes() []byte {
	return netstrings(format, string(s.Kind), s.By, s.At.UTC().Format(timeLayout), s.Reason, s.WorkflowID, s.RunID, s.Model, strconv.Itoa(s.Version),
		s.Digest, s.Policy, s.Input, s.Operator, s.PublicKey)
}

// Decode reads what Bytes wrote, and nothing else: whatever it takes, Bytes makes the same bytes of again.
func Decode(data []byte) (Statement, error) {
	wrong := fault.New(fault.Invalid, "not a signed statement of the form %s", format)
	texts, ok := readNetstrings(string(data))
	if !ok || len(texts) != 14 || texts[0] != format {
		return Statement{}, wrong
	}
	at, timeErr := time.Parse(timeLayout, texts[3])
	version, versionErr := strconv.Atoi(texts[8])
	if timeErr != nil || versionErr != nil {
		return Statement{}, wrong
	}
	s := Statement{
		Kind: Kind(texts[1]), By: texts[2], At: at, Reason: texts[4],
		Subject: Subject{WorkflowID: texts[5], RunID: texts[6], Model: texts[7], Version: version, Digest: texts[9], Policy: texts[10]},
		Input:   texts[11], Operator: texts[12], PublicKey: texts[13],
	}
	if string(s.Bytes()) != string(data) { // such as a version written +2
		return Statement{}, wrong
	}
	return s, nil
}

func netstrings(texts ...string) []byte {
	var b []byte
	for _, text := range texts {
		b = strconv.AppendInt(b, int64(len(text)), 10)
		b = append(b, ':')
		b = append(b, text...)
		b = append(b, ',')
	}
	return b
}

func readNetstrings(data string) (texts []string, ok bool) {
	for data != "" {
		digits, rest, found := strings.Cut(data, ":")
		n, err := strconv.Atoi(digits)
		if !found || err != nil || n < 0 || n >= len(rest) || rest[n] != ',' {
			return nil, false
		}
		texts = append(texts, rest[:n])
		data = rest[n+1:]
	}
	return texts, true
}

// CheckText refuses a text that people are to read in a record, such as a reason or a name, and that is not one line of at most 1,000 bytes: others would
// take its further lines for lines of the record. Its error repeats nothing of the text.
func CheckText(name, text string) error {
	if !oneLine(text) {
		return fault.New(fault.Invalid, "%q is not one line of UTF-8 of at most %d bytes", name, longest)
	}
	return nil
}

func oneLine(text string) bool {
	return len(text) <= longest && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// complete refuses a statement that says too little for its kind, or too much.
func (s Statement) complete() error {
	type field struct {
		name   string
		value  string
		wanted bool
	}
	version := ""
	if s.Version != 0 {
		version = strconv.Itoa(s.Version)
	}
	start, approve, add, revoke := s.Kind == Start, s.Kind == Approve, s.Kind == Add, s.Kind == Revoke
	if !start && !approve && !add && !revoke {
		return fault.New(fault.Invalid, "a signed statement of a kind that is not known")
	}
	for _, f := range []field{
		{"by", s.By, true}, {"reason", s.Reason, approve || revoke}, {"workflow_id", s.WorkflowID, start || approve}, {"run_id", s.RunID, approve},
		{"model", s.Model, start || approve}, {"version", version, approve}, {"digest", s.Digest, approve}, {"policy", s.Policy, approve},
		{"input", s.Input, start}, {"operator", s.Operator, add || revoke}, {"public_key", s.PublicKey, add},
	} {
		switch {
		case f.wanted && strings.TrimSpace(f.value) == "":
			return fault.New(fault.Invalid, "what is signed to %s lacks %q", s.Kind, f.name)
		case !f.wanted && f.value != "":
			return fault.New(fault.Invalid, "what is signed to %s has %q, which it does not have", s.Kind, f.name)
		case !oneLine(f.value):
			return fault.New(fault.Invalid, "%q of what is signed is not one line of at most %d bytes", f.name, longest)
		}
	}
	if s.Version < 0 {
		return fault.New(fault.Invalid, "%q of what is signed is %d; a registered version is wanted", "version", s.Version)
	}
	return nil
}
