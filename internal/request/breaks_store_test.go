package request_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
)

// What a challenger may ask of the feature store: as long as defaults are used nobody is refused for it; what refuses must have refused before, for the same
// features of the same entities. Wanted by hand of api/predictor's rule: a feature that is not known or too old refuses where the spec says so.
func TestBreaksByTheFeatureStore(t *testing.T) {
	t.Parallel()
	const missing, stale = "is refused where the feature store does not know it, and was not", "is refused where the feature store has only an old value, and was not"
	without := pipeline.Spec{
		Entity: "id", Time: "day", Ignore: []string{"customer", "household"},
		Columns: []pipeline.Column{{Name: "debt", Type: pipeline.Number}, {Name: "region", Type: pipeline.Category}},
	}
	with := func(missing, stale pipeline.Fallback, change func(looked []pipeline.Column) []pipeline.Column) pipeline.Spec {
		spec := without
		spec.FeatureStore = pipeline.FeatureStore{Missing: missing, Stale: stale}
		spec.Look(change([]pipeline.Column{
			{Name: "late", Type: pipeline.Integer, Feature: "payments@2:late_90d", Keys: map[string]string{"applicant_id": "customer"}, Default: "1"},
			{Name: "rate", Type: pipeline.Number, Feature: "regions@1:rate", Keys: map[string]string{"region_id": "region"}, MissingMax: 1, Unused: true},
			{Name: "burden", Type: pipeline.Number, Expression: "debt * rate + late", MissingMax: 1},
		}))
		return spec
	}
	same := func(c []pipeline.Column) []pipeline.Column { return c }
	fewer := func(c []pipeline.Column) []pipeline.Column { return c[1:2] }
	use, refuse := pipeline.DefaultValue, pipeline.RefuseDecision
	for name, test := range map[string]struct {
		before, after pipeline.Spec
		want          []request.Break
	}{
		"features with defaults, of nobody's key before": {without, with(use, use, same), nil},
		"features that refuse, where there were none": {without, with(refuse, refuse, same), []request.Break{
			{Field: "late", Text: missing}, {Field: "late", Text: stale}, {Field: "rate", Text: missing}, {Field: "rate", Text: stale}}},
		"what is missing refuses now":   {with(use, use, same), with(refuse, use, same), []request.Break{{Field: "late", Text: missing}, {Field: "rate", Text: missing}}},
		"what is stale refuses now":     {with(use, use, same), with(use, refuse, same), []request.Break{{Field: "late", Text: stale}, {Field: "rate", Text: stale}}},
		"it has always refused":         {with(refuse, refuse, same), with(refuse, refuse, same), nil},
		"it does not refuse any more":   {with(refuse, refuse, same), with(use, use, same), nil},
		"of fewer features":             {with(refuse, refuse, same), with(refuse, refuse, fewer), []request.Break{{Field: "customer", Text: "is gone: a request with it would be refused"}}},
		"one more feature that refuses": {with(refuse, use, fewer), with(refuse, use, same), []request.Break{{Field: "late", Text: missing}}},
		"another version of the view, of which nobody may be known": {with(refuse, use, same), with(refuse, use, func(c []pipeline.Column) []pipeline.Column {
			c[0].Feature = "payments@3:late_90d"
			return c
		}), []request.Break{{Field: "late", Text: missing}}},
		"the same feature under another name": {with(refuse, use, same), with(refuse, use, func(c []pipeline.Column) []pipeline.Column {
			c[0].Name, c[2].Expression = "late_90d", "debt * rate + late_90d"
			return c
		}), nil},
		"by another field": {with(refuse, use, same), with(refuse, use, func(c []pipeline.Column) []pipeline.Column {
			c[0].Keys = map[string]string{"applicant_id": "household"}
			return c
		}), []request.Break{{Field: "customer", Text: "is gone: a request with it would be refused"}, {Field: "late", Text: missing}}},
	} {
		require.Equal(t, test.want, request.Breaks(request.Of(test.before), request.Of(test.after)), name)
	}
}
