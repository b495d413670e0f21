// Package leak vetoes training data in which the label shows through: in a feature, in what is missing, in identifiers, in the order of rows, or
// across the border between training and test.
//
// A veto needs an effect beyond an absolute bound, not significance: what a data set measures must be beyond the bound with confidence, so that
// neither the noise of small data nor the power of large ones vetoes what is honest. How often honest data are vetoed all the same, and leaks
// found, is simulated: docs/leak-rates.md.
package leak

import (
	"context"
	"errors"
	"slices"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/parallel"
	"github.com/loanops/loanops/internal/pipeline"
)

// Rule is a way in which the label leaks.
type Rule string

// The rules.
const (
	// AUC: one feature alone tells the classes apart better than an honest one can.
	AUC Rule = "auc"
	// PureValues: values that repeat many times, and always with one label.
	PureValues Rule = "pure_values"
	// Missingness: whether a value is there depends on the label.
	Missingness Rule = "missingness"
	// Identifier: the order or the form of identifiers predicts the label.
	Identifier Rule = "identifier"
	// RowOrder: the position of a row predicts its label.
	RowOrder Rule = "row_order"
	// KnownLater: the spec declares a feature as known only after the outcome.
	KnownLater Rule = "known_later"
	// Duplicates: the same applications in training and in test.
	Duplicates Rule = "duplicates"
)

// Veto is one leak: what, where, how strong, beyond which bound. It holds counts and shares, never an applicant's value.
type Veto struct {
	Column string `json:"column"` // empty for rules of rows
	Rule   Rule   `json:"rule"`
	// Effect is the rule's measure: an AUC (auc, identifier, row_order), a share of one label (pure_values, and missingness where it is pure), a
	// difference of two shares (missingness), a share of rows (duplicates, known_later).
	Effect float64 `json:"effect"`
	// Bound is the largest effect that is accepted.
	Bound   float64 `json:"bound"`
	Count   int     `json:"count"` // rows concerned
	Message string  `json:"message"`
}

// Options are the bounds that a product may move.
type Options struct {
	// MaxAUC is the largest AUC of one feature alone that is accepted, from 0.5 to 1. Defaults to 0.9: the strongest features of honest lending
	// data reach 0.8.
	MaxAUC float64
	// MaxOrderAUC is the largest AUC of the order of identifiers or rows that is accepted, from 0.5 to 1. Defaults to 0.8: an order of time
	// predicts as well where the rate of positive labels drifts, by 0.6 to 0.7 where it grows fourfold, and equal rows beside each other bring
	// honest files to 0.74.
	MaxOrderAUC float64
	// MaxMissingness is the largest difference between the classes' shares of missing values that is accepted, from 0 to 1. Defaults to 0.3.
	MaxMissingness float64
}

func (o Options) withDefaults() Options {
	defaults := func(value *float64, usual float64) {
		if *value == 0 {
			*value = usual
		}
	}
	defaults(&o.MaxAUC, 0.9)
	defaults(&o.MaxOrderAUC, 0.8)
	defaults(&o.MaxMissingness, 0.3)
	return o
}

// minClass is the fewest rows of each class that say anything. Validation refuses fewer as well.
const minClass = 10

// Features looks for leaks in the spec's feature columns, in its entity column and in the order of the rows. The labels are 1, 0 and NaN for not
// known; rows without one do not count. The rows are in the order of their source. Vetoes come in the order of the spec's columns, then the
// entity's, then those of the rows; the same table gives the same ones. Columns are read one per processor at a time. A column that the table lacks is passed over: validation names it. With
// fewer than ten rows of a class only what the spec declares is vetoed.
func Features(ctx context.Context, spec pipeline.Spec, columns dataset.Columns, y []float64, o Options) ([]Veto, error) {
	o = o.withDefaults()
	s := sampleOf(y)
	var looks []func() ([]Veto, error)
	for _, column := range spec.Columns {
		looks = append(looks, func() ([]Veto, error) {
			c, err := columns(ctx, column.Name)
			if c == nil || err != nil {
				return nil, err
			}
			return feature(column, c, s, o), nil
		})
	}
	if spec.Entity != "" && s.speaks() {
		looks = append(looks, func() ([]Veto, error) {
			entity, err := columns(ctx, spec.Entity)
			if entity == nil || err != nil {
				return nil, err
			}
			return identifier(entity, s, o.MaxOrderAUC), nil
		})
	}
	if s.speaks() {
		looks = append(looks, func() ([]Veto, error) { return rowOrder(s, o.MaxOrderAUC), nil })
	}
	found := make([][]Veto, len(looks))
	failed := parallel.Each(len(looks), func(i int) (err error) {
		found[i], err = looks[i]()
		return err
	})
	return slices.Concat(found...), errors.Join(failed...)
}

// feature holds one feature column against every rule of columns.
func feature(column pipeline.Column, c *dataset.Column, s sample, o Options) []Veto {
	l := levelsOf(c, s)
	vetoes := knownLater(column, l)
	if !s.speaks() {
		return vetoes
	}
	vetoes = append(vetoes, single(column.Name, l, o.MaxAUC)...)
	vetoes = append(vetoes, pureValues(column.Name, l)...)
	vetoes = append(vetoes, missingness(column.Name, l, o.MaxMissingness)...)
	if l.identifies() {
		vetoes = append(vetoes, identifier(c, s, o.MaxOrderAUC)...)
	}
	return vetoes
}
