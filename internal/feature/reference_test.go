package feature_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

// shown is a resolution as texts: names asked for, features in order ("+" of those that only expressions read), expressions with what they read.
func shown(t *testing.T, r *feature.Resolved) (names, features, expressions []string) {
	t.Helper()
	full := func(f feature.ResolvedFeature) string {
		v, of := r.Of(f)
		return fmt.Sprintf("%s@%d:%s", v.Name, v.Version, of.Name)
	}
	for _, f := range r.Features {
		text := full(f)
		if !f.Asked {
			text = "+" + text
		}
		features = append(features, text)
	}
	for i := range r.Expressions {
		e := &r.Expressions[i]
		request, err := r.Request(e)
		require.NoError(t, err)
		var reads []string
		for _, k := range e.Features {
			reads = append(reads, full(r.Features[k]))
		}
		expressions = append(expressions, fmt.Sprintf("%s of %v and %v", e.Name, reads, request))
	}
	return r.Names, features, expressions
}

func TestReferences(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	r.apply(bureau, false)
	r.apply(with("max: 850", "max: 900"), true)                                // bureau@2 and both@2, staged
	r.apply(with("features: [bureau, payments", "features: [payments"), false) // credit@2
	c := r.catalogue()
	for _, x := range []struct {
		ask                          []string
		names, features, expressions []string
	}{
		{ask: []string{"bureau:bureau_score"}, names: []string{"bureau_score"}, features: []string{"bureau@1:bureau_score"}},
		{ask: []string{"bureau@2:bureau_score"}, names: []string{"bureau_score"}, features: []string{"bureau@2:bureau_score"}},
		{ask: []string{"visits", "bureau:segment", "visits:channel"}, names: []string{"channel", "segment"}, features: []string{"visits@1:channel", "bureau@1:segment"}},
		{
			ask: []string{"bureau@2"}, names: []string{"bureau_score", "segment", "worst_score_90d"},
			features: []string{"bureau@2:bureau_score", "bureau@2:segment", "bureau@2:worst_score_90d"},
		},
		{ask: []string{"payment_to_income"}, names: []string{"payment_to_income"}, expressions: []string{"payment_to_income of [] and [loan_amount term_months annual_income]"}},
		{
			ask: []string{"strain_per_income", "bureau:segment"}, names: []string{"strain_per_income", "segment"},
			features:    []string{"bureau@1:segment", "+both@1:strain"},
			expressions: []string{"strain_per_income of [both@1:strain] and [annual_income]"},
		},
		{ // an expression reads the version that is read anyway
			ask: []string{"strain_per_income", "both@2:strain"}, names: []string{"strain_per_income", "strain"},
			features:    []string{"both@2:strain"},
			expressions: []string{"strain_per_income of [both@2:strain] and [annual_income]"},
		},
		{
			ask: []string{"credit@1", "payments:late_90d"}, names: []string{"bureau_score", "segment", "worst_score_90d", "late_90d", "strain_per_income"},
			features:    []string{"bureau@1:bureau_score", "bureau@1:segment", "bureau@1:worst_score_90d", "payments@1:late_90d", "+both@1:strain"},
			expressions: []string{"strain_per_income of [both@1:strain] and [annual_income]"},
		},
		{
			ask: []string{"credit"}, names: []string{"late_90d", "strain_per_income"},
			features:    []string{"payments@1:late_90d", "+both@1:strain"},
			expressions: []string{"strain_per_income of [both@1:strain] and [annual_income]"},
		},
	} {
		resolved, err := c.Resolve(x.ask)
		require.NoError(t, err)
		names, features, expressions := shown(t, resolved)
		require.Equal(t, x.names, names, x.ask)
		require.Equal(t, x.features, features, x.ask)
		require.Equal(t, x.expressions, expressions, x.ask)
	}
}

func TestReferencesThatAreNotThere(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	r.apply(bureau, false)
	r.apply("views: [{name: fresh, entity: applicant, events: true, features: [{name: channel, type: number}, {name: annual_income, type: number}]}]", true)
	r.apply("views: [{name: twin, entity: applicant, events: true, features: [{name: strain, type: number}]}]\n"+
		"expressions: [{name: odd, expression: strain + 1, type: number}, {name: half, expression: strain / 2, features: [twin:strain], type: number}]", false)
	c := r.catalogue()
	for _, x := range []struct {
		ask  []string
		code fault.Code
		want string
	}{
		{[]string{"bureau:bureau_scor"}, fault.NotFound, `view bureau@1 has no feature "bureau_scor"; did you mean "bureau_score"?`},
		{[]string{"bureua"}, fault.NotFound, `there is no view or expression or service "bureua"; did you mean "bureau"?`},
		{[]string{"bureua:x"}, fault.NotFound, `there is no view "bureua"; did you mean "bureau"?`},
		{[]string{"applicant"}, fault.NotFound, `there is no view or expression or service "applicant"; known are`},
		{[]string{"bureau@2"}, fault.NotFound, `view "bureau" has no version 2; there is bureau@1`},
		{[]string{"fresh"}, fault.NotFound, `view "fresh" has no active version; there is fresh@1`},
		{[]string{"credit:x"}, fault.NotFound, `there is no view "credit"`},
		{[]string{"bureau@0"}, fault.Invalid, `"bureau@0" is no reference; view:feature, view, service or expression are, with a version as in view@2:feature`},
		{[]string{""}, fault.Invalid, `"" is no reference`},
		{[]string{"visits", "fresh@1"}, fault.Invalid, `visits@1:channel and fresh@1:channel have one name, and nobody could tell them apart; ask for one of them, or for each by itself`},
		{[]string{"payment_to_income", "fresh@1:annual_income"}, fault.Invalid, `expression payment_to_income@1 reads annual_income of the request, and fresh@1:annual_income has that name; list it under features of the expression, or leave it out`},
		// What only an expression reads has a name as well: the values of two are one column of a training.
		{[]string{"twin:strain", "strain_per_income"}, fault.Invalid, `expression strain_per_income@1: twin@1:strain and both@1:strain have one name`},
		{[]string{"half", "strain_per_income"}, fault.Invalid, `expression strain_per_income@1: twin@1:strain and both@1:strain have one name`},
		{[]string{"odd", "half"}, fault.Invalid, `expression odd@1 reads strain of the request, and twin@1:strain has that name`},
		{[]string{"half", "odd"}, fault.Invalid, `expression odd@1 reads strain of the request, and twin@1:strain has that name`},
	} {
		_, err := c.Resolve(x.ask)
		require.Equal(t, x.code, fault.CodeOf(err), x.ask)
		require.ErrorContains(t, err, x.want, x.ask)
	}
	_, err := (&feature.Catalogue{}).Resolve([]string{"a"})
	require.EqualError(t, err, `there is no view or expression or service "a"; nothing of the kind is declared`)
}

func TestServicesByName(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	r.apply(bureau, false)
	r.apply(with("features: [bureau, payments", "features: [payments"), true) // credit@2
	c := r.catalogue()
	for name, version := range map[string]int{"credit": 1, "credit@1": 1, "credit@2": 2} {
		found, err := c.Service(name)
		require.NoError(t, err)
		require.Equal(t, version, found.Version)
		require.Equal(t, "credit", found.Service.Name)
	}
	for name, want := range map[string]fault.Code{"credit@3": fault.NotFound, "bureau": fault.NotFound, "payment_to_income": fault.NotFound, "credit@1:x": fault.Invalid, "Credit": fault.Invalid} {
		_, err := c.Service(name)
		require.Equal(t, want, fault.CodeOf(err), name)
	}
}

func TestARegisterThatAnotherProgramWrote(t *testing.T) {
	t.Parallel()
	_, err := feature.NewCatalogue([]feature.Registered{{Nth: 3, Kind: "table", Name: "x", Document: []byte("{}")}})
	require.EqualError(t, err, `row 3 of the register is of the kind "table", which this program does not know`)
	_, err = feature.NewCatalogue([]feature.Registered{{Nth: 3, Kind: feature.KindView, Name: "x", Document: []byte("{")}})
	require.ErrorContains(t, err, "row 3 of the register: view x")
}
