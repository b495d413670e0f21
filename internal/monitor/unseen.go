package monitor

import (
	"fmt"
	"slices"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/transform"
)

// Unseen is the fresh rows whose value of a category the champion cannot have learnt, for no row that it was made of has it.
type Unseen struct {
	drift.Unseen
	// Read says that the champion reads the column.
	Read bool `json:"read"`
}

// unseenOf are the categories without a domain, of which the schema takes any text. Of one with a domain the schema says which values are new.
func unseenOf(w Watched) ([]Unseen, error) {
	found, err := drift.FindUnseen(w.Bins, w.Reference.All, w.Fresh.All)
	open := []Unseen{}
	fields := w.Champion.Signature()
	for _, u := range found {
		at := slices.IndexFunc(fields, func(f transform.Field) bool { return f.Name == u.Feature })
		if at < 0 || fields[at].Open {
			open = append(open, Unseen{u, at >= 0})
		}
	}
	return open, err
}

// unseen is about the schema, not about the distribution: values are new, as where a category has a domain, and what a spec says of these is right here too.
func (d Drift) unseen(u Unseen) Finding {
	treated := "the champion does not read the column"
	if u.Read { // as transform.Encoder has it
		treated = "the champion scores them as none of the values that it knows: the column adds nothing to their scores"
	}
	return Finding{
		Kind: OfSchema, Feature: u.Feature, Statistic: unseenValues, Value: u.Share, P: small(u.P), Limit: u.Limit, Rows: u.Window,
		Message: fmt.Sprintf("%s has values that no row has which the champion was made of: %d different ones in %d of %d fresh rows (%.2g %%, at least %.2g %%, where chance brings %.2g %%); %s",
			u.Feature, u.Values, u.Unseen.Unseen, u.Window, 100*u.Share, 100*u.Lower, 100*u.Expected, treated),
	}
}
