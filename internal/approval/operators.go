package approval

import (
	"time"

	"github.com/loanops/loanops/internal/fault"
)

// Operator is a person whose signature counts.
type Operator struct {
	Name      string    `json:"name"`
	PublicKey string    `json:"public_key"` // base64 of the 32 bytes
	AddedBy   string    `json:"added_by"`   // the first one by themselves
	AddedAt   time.Time `json:"added_at"`
	// Revoked says since when it does not count any more; nil while it does.
	Revoked *Revocation `json:"revoked"`
}

// Revocation ends what an operator may sign. What was recorded before stays good.
type Revocation struct {
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Fingerprint is that of the operator's key.
func (o Operator) Fingerprint() string {
	key, err := keyOf(o.PublicKey)
	if err != nil { // none that the ledger admits
		return ""
	}
	return Fingerprint(key)
}

// Operators are all that ever were, in the order in which they were added.
func (l Ledger) Operators() []Operator { return append([]Operator{}, l.operators...) }

func (l Ledger) operator(name string) (Operator, bool) {
	for _, o := range l.operators {
		if o.Name == name {
			return o, true
		}
	}
	return Operator{}, false
}

// admitsNew refuses a name or a key that is, or was, somebody's: two names of one key would be two people.
func (l Ledger) admitsNew(s Statement) error {
	if err := CheckName(s.Operator); err != nil {
		return err
	}
	if _, err := keyOf(s.PublicKey); err != nil {
		return err
	}
	for _, o := range l.operators {
		switch {
		case o.Name == s.Operator:
			return fault.New(fault.Refused, "there is, or was, an operator called %q: a name means one person for ever", o.Name)
		case o.PublicKey == s.PublicKey:
			return fault.New(fault.Refused, "the key is that of operator %q: every operator has their own", o.Name)
		}
	}
	return nil
}

// admitsFirst lets the first operator of all sign for themselves.
func (l Ledger) admitsFirst(s Signed, at time.Time) error {
	if s.By != s.Operator {
		return fault.New(fault.Refused, "there is no operator yet, so %q cannot add one: the first signs for themselves", clip(s.By))
	}
	key, err := keyOf(s.PublicKey)
	if err != nil {
		return err
	}
	if err := s.by(key); err != nil {
		return err
	}
	return s.timely(at)
}

// admitsRevocation keeps one operator at least, for nobody could ever be added again.
func (l Ledger) admitsRevocation(s Statement) error {
	revoked, found := l.operator(s.Operator)
	if !found {
		return fault.New(fault.Refused, "no operator is called %q; `loanops operators list` shows those that there are", clip(s.Operator))
	}
	if revoked.Revoked != nil {
		return fault.New(fault.Refused, "operator %q was revoked already, at %s", revoked.Name, revoked.Revoked.At.Format(time.RFC3339))
	}
	for _, o := range l.operators {
		if o.Revoked == nil && o.Name != s.Operator {
			return nil
		}
	}
	return fault.New(fault.Refused, "%q is the last operator: add another one first, or nobody could ever be added again", s.Operator)
}
