package registry

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/fault"
)

// Policy is a registered policy document under its digest, see decision.Policy.
type Policy struct {
	Digest   string          `json:"digest"`
	Document json.RawMessage `json:"document"`
}

// Read is the policy that the document says.
func (p Policy) Read() (decision.Policy, error) { return decision.ReadPolicy(p.Document, p.Digest) }

// PolicyNamed is the one of a model's policies, given by their digests, that is or begins with named. Invalid when several do, NotFound when none.
func PolicyNamed(model string, digests []string, named string) (string, error) {
	var found []string
	for _, digest := range digests {
		if strings.HasPrefix(digest, named) && !slices.Contains(found, digest) {
			found = append(found, digest)
		}
	}
	switch len(found) {
	case 0:
		return "", fault.New(fault.NotFound, "no spec of %s declared a policy %q; `loanops policy history %s` shows those that there are", model, named, model)
	case 1:
		return found[0], nil
	}
	return "", fault.New(fault.Invalid, "%d policies of %s begin with %q; give more digits", len(found), model, named)
}
