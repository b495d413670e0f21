package derive_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/derive"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

func ptr(x float64) *float64 { return &x }

// columns are fields of a request, features of the store and what is computed of both; of the latter one needs another that comes after it.
func columns() []pipeline.Column {
	return []pipeline.Column{
		{Name: "amount", Type: pipeline.Number}, {Name: "income", Type: pipeline.Number, MissingMax: 0.5}, {Name: "home", Type: pipeline.Category},
		{Name: "late_90d", Type: pipeline.Integer, Feature: "payments@1:late_90d", Default: "0"},
		{Name: "score", Type: pipeline.Integer, Min: ptr(300), Max: ptr(850), MissingMax: 1, Feature: "bureau@1:score"},
		{Name: "channel", Type: pipeline.Category, Domain: []string{"app", "mail"}, Feature: "payments@1:channel", Default: "app"},
		{Name: "burden_and_late", Type: pipeline.Number, MissingMax: 1, Expression: "burden + late_90d"},
		{Name: "burden", Type: pipeline.Number, Max: ptr(100), MissingMax: 1, Expression: "amount / income"},
		{Name: "owner", Type: pipeline.Boolean, MissingMax: 1, Expression: `home == "own" && channel == "app"`},
	}
}

func number(x float64) transform.Value            { return transform.Value{Number: x} }
func category(t string) transform.Value           { return transform.Value{Text: t} }
func with(v ...transform.Value) []transform.Value { return v }

var none = transform.Value{Missing: true}

// Wanted by hand.
func TestRow(t *testing.T) {
	t.Parallel()
	d, err := derive.New(columns())
	require.NoError(t, err)
	for name, test := range map[string]struct{ given, want []transform.Value }{
		"all is known": {
			with(number(10), number(4), category("own"), number(2), number(700), category("mail"), none, none, none),
			with(number(10), number(4), category("own"), number(2), number(700), category("mail"), number(4.5), number(2.5), number(0)),
		},
		"nothing of the store": {
			with(number(10), number(4), category("own"), none, none, none, none, none, none),
			with(number(10), number(4), category("own"), number(0), none, category("app"), number(2.5), number(2.5), number(1)),
		},
		"what is computed of what is missing": {
			with(number(10), none, none, number(2), number(700), category("mail"), none, none, none),
			with(number(10), none, none, number(2), number(700), category("mail"), none, none, none),
		},
		"no finite number": {
			with(number(10), number(0), category("own"), number(2), none, category("app"), none, none, none),
			with(number(10), number(0), category("own"), number(2), none, category("app"), none, none, number(1)),
		},
		"beyond what it can be, and what is made of it": {
			with(number(1000), number(1), category("own"), number(2), none, category("app"), none, none, none),
			with(number(1000), number(1), category("own"), number(2), none, category("app"), none, none, number(1)),
		},
		"what a caller says of a computed one does not count": {
			with(number(10), number(4), category("own"), number(2), none, category("app"), number(7), number(8), number(0)),
			with(number(10), number(4), category("own"), number(2), none, category("app"), number(4.5), number(2.5), number(1)),
		},
	} {
		d.Row(test.given)
		require.Equal(t, test.want, test.given, name)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(c []pipeline.Column){
		"the expression of burden_and_late is made of itself": func(c []pipeline.Column) { c[7].Expression = "burden_and_late / 2" },
		"the expression of burden: 1:10: ":                    func(c []pipeline.Column) { c[7].Expression = "amount / wages" },
		"the default of late_90d is no integer":               func(c []pipeline.Column) { c[3].Default = "0.5" },
		"the default of channel is outside of what it can be": func(c []pipeline.Column) { c[5].Default = "branch" },
		"the default of score is outside of what it can be":   func(c []pipeline.Column) { c[4].Default = "900" },
	} {
		all := columns()
		change(all)
		_, err := derive.New(all)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), want)
		require.ErrorContains(t, err, want)
	}
}
