package approval

import (
	"crypto/ed25519"
	"time"

	"github.com/loanops/loanops/internal/fault"
)

// Signed is a statement with the signature of who makes it.
type Signed struct {
	Statement
	Signature []byte `json:"signature"` // Ed25519 (RFC 8032) over Bytes
}

// Sign signs a statement. What it signs is true to the microsecond.
func Sign(s Statement, key ed25519.PrivateKey) (Signed, error) {
	s.At = s.At.UTC().Truncate(time.Microsecond)
	if err := s.complete(); err != nil {
		return Signed{}, err
	}
	return Signed{s, ed25519.Sign(key, s.Bytes())}, nil
}

// by checks that the holder of the key signed exactly this.
func (s Signed) by(key ed25519.PublicKey) error {
	if !ed25519.Verify(key, s.Bytes(), s.Signature) {
		return fault.New(fault.Refused, "the signature is not operator %q's: another key made it, or what was signed has been changed since", clip(s.By))
	}
	return nil
}

// How far the time of a signature may lie from that of its recording.
const (
	Lifetime = time.Hour       // older ones have expired
	ahead    = 5 * time.Minute // of clocks that differ
)

// timely refuses a signature that was made too long before at, or after it.
func (s Signed) timely(at time.Time) error {
	switch {
	case at.Sub(s.At) > Lifetime:
		return fault.New(fault.Refused, "the signature has expired: it was made at %s and is good for %s; sign again", s.At.UTC().Format(time.RFC3339), Lifetime)
	case s.At.Sub(at) > ahead:
		return fault.New(fault.Refused, "the signature is of %s, which is yet to come: look at the clock of the machine that signed", s.At.UTC().Format(time.RFC3339))
	}
	return nil
}

// CheckApproval refuses a statement that does not approve just this.
func (s Statement) CheckApproval(of Subject) error {
	if s.Kind != Approve {
		return fault.New(fault.Refused, "what is signed is to %s, not to %s", clip(string(s.Kind)), Approve)
	}
	switch {
	case s.WorkflowID != of.WorkflowID || s.RunID != of.RunID:
		return fault.New(fault.Refused, "the signature is for another run: %s/%s, this is %s/%s", clip(s.WorkflowID), clip(s.RunID), of.WorkflowID, of.RunID)
	case s.Model != of.Model || s.Version != of.Version || s.Digest != of.Digest:
		return fault.New(fault.Refused, "the signature is for another version: %s version %d of digest %.12s, this is %s version %d of digest %.12s",
			clip(s.Model), s.Version, s.Digest, of.Model, of.Version, of.Digest)
	case s.Policy != of.Policy:
		return fault.New(fault.Refused, "the signature is for another policy: %.12s, this is %.12s", s.Policy, of.Policy)
	}
	return nil
}

// CheckStart refuses a statement that does not start a run of the workflow with that input.
func (s Statement) CheckStart(workflowID, model, input string) error {
	switch {
	case s.Kind != Start:
		return fault.New(fault.Refused, "what is signed is to %s, not to %s", clip(string(s.Kind)), Start)
	case s.WorkflowID != workflowID || s.Model != model:
		return fault.New(fault.Refused, "the signature starts %s of %s, this is %s of %s", clip(s.WorkflowID), clip(s.Model), workflowID, model)
	case s.Input != input:
		return fault.New(fault.Refused, "the signature is for another input than this run was started with")
	}
	return nil
}
