package workflows

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

// longAgo is until when there is what was known of a feed that is not taken any more.
const longAgo = feature.Instant(86_400_000_000)

// views makes the platform's views: both is made of the rows of payments and bureau.
func views(p *platform, env *testsuite.TestWorkflowEnvironment, refused map[string]string) {
	payments := activities.FeatureView{Name: "payments", Version: 2, Events: true}
	bureau := activities.FeatureView{Name: "bureau", Version: 1}
	both := activities.FeatureView{Name: "both", Version: 3, From: []string{"payments@2", "bureau@1"}}
	on(p, env, activities.FindViews, func(in activities.FindViewsInput) (activities.FindViewsOutput, error) {
		if slices.Equal(in.Views, []string{"bureau"}) {
			return activities.FindViewsOutput{Views: []activities.FeatureView{bureau}}, nil
		}
		return activities.FindViewsOutput{Views: []activities.FeatureView{payments, bureau, both}}, nil
	})
	on(p, env, activities.ComputeView, func(in activities.ComputeViewInput) (activities.ComputeViewOutput, error) {
		out := activities.ComputeViewOutput{View: in.View.ID(), Manifest: artifact.Ref{SHA256: "of " + in.View.ID()}, Rows: 9, Refused: refused[in.View.Name], Until: in.Now}
		if out.Refused != "" {
			out.Until = longAgo
		}
		for _, from := range in.From {
			out.Manifest.SHA256 += " < " + from.SHA256
		}
		if out.Refused == "gone" {
			return out, temporal.NewNonRetryableApplicationError("nothing was computed before", string(fault.Refused), nil)
		}
		return out, nil
	})
}

// A training takes what is there of each view of its spec's features; a view that is made of others comes after them.
func TestATrainingComputesItsViews(t *testing.T) {
	p := newPlatform()
	p.loaded.Views = []string{"both@3", "bureau@1"}
	env := p.environment(t)
	views(p, env, map[string]string{"bureau": "3 of 9 rows break rules"})
	env.ExecuteWorkflow(ContinuousTrainingName, TrainingInput{Pipeline: "loan-eligibility", RegisterOnly: true})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []any{activities.FindViewsInput{Views: []string{"both@3", "bureau@1"}}}, p.given[activities.FindViews.Name])
	require.Len(t, p.given[activities.ComputeView.Name], 3, "each once")
	last := p.given[activities.ComputeView.Name][2].(activities.ComputeViewInput)
	require.Equal(t, "both@3", last.View.ID())
	require.Equal(t, []artifact.Ref{{SHA256: "of payments@2"}, {SHA256: "of bureau@1"}}, last.From)
	read := p.given[activities.ExtractData.Name][0].(activities.ExtractInput)
	require.Equal(t, []artifact.Ref{{SHA256: "of both@3 < of payments@2 < of bureau@1"}, {SHA256: "of bureau@1"}}, read.Features, "in the spec's order; a feed that is not taken keeps nobody from training")
	require.Equal(t, longAgo, last.Now, "rows that are made of old ones are old")
	require.Greater(t, p.given[activities.ComputeView.Name][0].(activities.ComputeViewInput).Now, longAgo)
	var result Result
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, Registered, result.Verdict)
	require.Equal(t, "bureau@1: 3 of 9 rows break rules", result.Reasons[len(result.Reasons)-1])
}

// A look says in its record and in its result, once in each, whose feed was not taken.
func TestALookNamesFeedsThatWereNotTaken(t *testing.T) {
	p := newProduction()
	p.loaded.Views = []string{"bureau@1"}
	env := p.environment(t)
	views(p.platform, env, map[string]string{"bureau": "3 of 9 rows break rules"})
	env.ExecuteWorkflow(MonitorName, lookInput)
	require.NoError(t, env.GetWorkflowError())
	var result Result
	require.NoError(t, env.GetWorkflowResult(&result))
	recorded := p.given[activities.RecordLook.Name][0].(activities.LookInput).Look
	require.Equal(t, result.Reasons, recorded.Reasons)
	require.Equal(t, "bureau@1: 3 of 9 rows break rules", result.Reasons[len(result.Reasons)-1])
	require.Equal(t, 1, strings.Count(strings.Join(result.Reasons, "; "), "bureau@1"))
}

// A view is not waited for that nobody computes.
func TestViewsThatWaitForOthersForEver(t *testing.T) {
	p := newPlatform()
	p.loaded.Views = []string{"both@3"}
	env := p.environment(t)
	on(p, env, activities.FindViews, func(activities.FindViewsInput) (activities.FindViewsOutput, error) {
		return activities.FindViewsOutput{Views: []activities.FeatureView{{Name: "both", Version: 3, From: []string{"payments@2"}}}}, nil
	})
	env.ExecuteWorkflow(ContinuousTrainingName, TrainingInput{Pipeline: "loan-eligibility", RegisterOnly: true})
	require.True(t, failedWith(env.GetWorkflowError(), fault.Internal))
	require.ErrorContains(t, env.GetWorkflowError(), "views that are not to be computed are missing for both@3")
}

func TestATrainingOnAViewWithoutAnyFeedIsRefused(t *testing.T) {
	p := newPlatform()
	p.loaded.Views = []string{"bureau@1"}
	env := p.environment(t)
	views(p, env, map[string]string{"bureau": "gone"})
	env.ExecuteWorkflow(ContinuousTrainingName, TrainingInput{Pipeline: "loan-eligibility", RegisterOnly: true})
	require.NoError(t, env.GetWorkflowError())
	var result Result
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, Refused, result.Verdict)
	require.Equal(t, []string{"nothing was computed before"}, result.Reasons)
}

func TestATrainingWithoutFeaturesAsksForNone(t *testing.T) {
	p := newPlatform()
	env := p.environment(t)
	env.ExecuteWorkflow(ContinuousTrainingName, TrainingInput{Pipeline: "loan-eligibility", RegisterOnly: true})
	require.NoError(t, env.GetWorkflowError())
	require.Empty(t, p.given[activities.FindViews.Name])
	require.Empty(t, p.given[activities.ExtractData.Name][0].(activities.ExtractInput).Features)
}

func TestMaterialize(t *testing.T) {
	for name, test := range map[string]struct {
		view    string
		refused string
		written int
		failing error
		want    Verdict
		reason  string
	}{
		"written":                    {view: "bureau", written: 7, want: Published, reason: "bureau@1: 7 entities, as known until "},
		"nothing is new":             {view: "bureau", want: Nothing, reason: "bureau@1: nothing is new until "},
		"the feed is not taken":      {view: "bureau", refused: "3 of 9 rows break rules", written: 7, want: Refused, reason: "bureau@1: 3 of 9 rows break rules"},
		"made of others":             {view: "both", written: 1, want: Published, reason: "both@3: 1 entities"},
		"made of one that is not":    {view: "both", refused: "3 of 9 rows break rules", written: 1, want: Refused, reason: "bureau@1: 3 of 9 rows break rules"},
		"the online store is behind": {view: "bureau", failing: errors.New("no"), want: ""},
		"no feed was ever taken":     {view: "bureau", refused: "gone", want: Refused, reason: "nothing was computed before"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlatform()
			env := p.environment(t)
			views(p, env, map[string]string{"bureau": test.refused})
			var given activities.MaterializeViewInput
			on(p, env, activities.MaterializeView, func(in activities.MaterializeViewInput) (activities.MaterializeViewOutput, error) {
				given = in
				if test.failing != nil {
					return activities.MaterializeViewOutput{}, temporal.NewNonRetryableApplicationError("another writer", string(fault.Conflict), nil)
				}
				return activities.MaterializeViewOutput{View: in.View.ID(), Entities: test.written, Until: in.Until}, nil
			})
			describes(p, env, nil)
			env.ExecuteWorkflow(MaterializeName, MaterializeInput{View: test.view})
			require.True(t, env.IsWorkflowCompleted())
			if test.want == "" {
				require.Error(t, env.GetWorkflowError())
				return
			}
			require.NoError(t, env.GetWorkflowError())
			var result Result
			require.NoError(t, env.GetWorkflowResult(&result))
			require.Equal(t, test.want, result.Verdict)
			require.Contains(t, result.Reasons[0], test.reason)
			if test.refused == "gone" {
				require.Equal(t, &Materialized{View: test.view}, result.Materialized)
				require.NotContains(t, p.steps, activities.MaterializeView.Name)
				return
			}
			require.Equal(t, test.view, given.View.Name)
			require.Contains(t, given.Manifest.SHA256, "of "+given.View.ID())
			require.Equal(t, &Materialized{View: given.View.ID(), Entities: test.written, Until: given.Until.Time()}, result.Materialized)
			if test.refused != "" {
				require.Equal(t, longAgo, given.Until, "what is served is as old as the feed that was taken last")
				require.Len(t, result.Reasons, 1)
			} else {
				require.Greater(t, given.Until, longAgo)
			}
		})
	}
}

// describes makes statistics, or fails to.
func describes(p *platform, env *testsuite.TestWorkflowEnvironment, failing error) {
	on(p, env, activities.DescribeView, func(activities.DescribeViewInput) (activities.DescribeViewOutput, error) {
		return activities.DescribeViewOutput{View: "bureau@1"}, failing
	})
}

// Statistics are those of what was written, after it was: what is served waits for none, and is there whatever becomes of them.
func TestStatisticsComeAfterWhatIsServed(t *testing.T) {
	for name, failing := range map[string]error{"computed": nil, "not to be had": temporal.NewNonRetryableApplicationError("a sum is too large", string(fault.Invalid), nil)} {
		t.Run(name, func(t *testing.T) {
			p := newPlatform()
			env := p.environment(t)
			views(p, env, nil)
			describes(p, env, failing)
			on(p, env, activities.MaterializeView, func(in activities.MaterializeViewInput) (activities.MaterializeViewOutput, error) {
				return activities.MaterializeViewOutput{View: in.View.ID(), Entities: 7}, nil
			})
			env.ExecuteWorkflow(MaterializeName, MaterializeInput{View: "bureau"})
			require.NoError(t, env.GetWorkflowError())
			var result Result
			require.NoError(t, env.GetWorkflowResult(&result))
			require.Equal(t, Published, result.Verdict)
			require.Equal(t, []activities.DescribeViewInput{{Manifest: artifact.Ref{SHA256: "of bureau@1"}}}, given(p, activities.DescribeView))
			require.Less(t, slices.Index(p.steps, activities.MaterializeView.Name), slices.Index(p.steps, activities.DescribeView.Name))
		})
	}
}

func TestMaterializeNeedsAView(t *testing.T) {
	p := newPlatform()
	env := p.environment(t)
	env.ExecuteWorkflow(MaterializeName, MaterializeInput{})
	require.ErrorContains(t, env.GetWorkflowError(), `give {"view":"payments"}`)
}
