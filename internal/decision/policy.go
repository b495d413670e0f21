// Package decision makes verdicts and reasons of scores: a pure function of a model, what its scores mean, a policy and an application.
package decision

import (
	"bytes"
	"encoding/json"
	"io"

	"golang.org/x/text/unicode/norm"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/sha256hex"
)

// MaxPolicyBytes bounds a policy document: that of a spec with as many columns, names and reasons as it may have takes less.
const MaxPolicyBytes = 1 << 20

// Policy is what makes a decision of a score, one document per pipeline. It is not part of a model bundle: changing it needs no training.
type Policy struct {
	// Cutoff: with pipeline.MeaningDefault, probabilities at or above it are declined; with MeaningApproval, those below it are.
	Cutoff float64 `json:"cutoff"`
	// Reasons are the texts that an applicant reads, by the field that is a principal reason of a decline. A field without one is called by
	// its name.
	Reasons map[string]string `json:"reasons,omitempty"`
}

// PolicyOf is the policy that a spec declares.
func PolicyOf(spec pipeline.Spec) Policy {
	p := Policy{Cutoff: spec.Policy.Cutoff}
	for _, column := range spec.Columns {
		if column.Reason != "" {
			if p.Reasons == nil {
				p.Reasons = map[string]string{}
			}
			p.Reasons[column.Name] = norm.NFC.String(column.Reason) // as Terraform has every text: another form would be another digest there
		}
	}
	return p
}

// Document is the policy's one text: JSON without white space, keys in order. The same policy gives the same bytes, however a spec wrote it.
func (p Policy) Document() []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(p); err != nil {
		panic("decision: a cutoff that no spec can have: " + err.Error())
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// Digest is the policy's identity: the SHA-256 of its document in lower-case hexadecimal.
func (p Policy) Digest() string { return sha256hex.Of(p.Document()) }

// ReadPolicy reads a document whose SHA-256 must be digest. A key that this version does not know is refused: to leave out a rule would be to
// decide by another policy. Every fault is Invalid.
func ReadPolicy(document []byte, digest string) (Policy, error) {
	if len(document) > MaxPolicyBytes {
		return Policy{}, fault.New(fault.Invalid, "the policy document has %d bytes, at most %d are read", len(document), MaxPolicyBytes)
	}
	if got := sha256hex.Of(document); got != digest {
		return Policy{}, fault.New(fault.Invalid, "the policy document's SHA-256 is %s, %s is wanted: it was changed or is another one", got, digest)
	}
	var p Policy
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return Policy{}, fault.New(fault.Invalid, "the policy document is not readable by this version: %s", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Policy{}, fault.New(fault.Invalid, "the policy document goes on after its end")
	}
	if !pipeline.ValidCutoff(p.Cutoff) {
		return Policy{}, fault.New(fault.Invalid, "the policy's cutoff is %v; a probability strictly between 0 and 1 is wanted", p.Cutoff)
	}
	return p, nil
}
