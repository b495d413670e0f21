package activities

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/serving"
)

// comparison is of a version that was trained under a changed spec against one that was trained under the shipped one.
func comparison(t *testing.T, change func(*pipeline.Spec), oldNew ...string) (Comparison, ComparisonInput) {
	t.Helper()
	b := newBench(t)
	b.spec.Source.Simulate.Rows = 1500
	b.train(t)
	b.respec(t, oldNew...)
	b.spec.Source.Simulate.Rows = 1500
	b.spec.Columns, b.spec.Ignore = slices.Clone(b.spec.Columns), slices.Clone(b.spec.Ignore)
	change(&b.spec)
	second := b.train(t).version
	return Comparison{Registry: b.registry, Objects: b.objects}, ComparisonInput{
		Candidate: b.registry.candidate(t, second.Version), Champion: serving.Track{Version: 1, Policy: "its own"},
	}
}

// What clients may send is what the specs declare: neither what the trainings' windows held nor what a model reads.
func TestCheckContract(t *testing.T) {
	most := 9e6 // nobody in the window has more
	narrower := func(s *pipeline.Spec) { s.Columns[4].Max = &most }
	for name, test := range map[string]struct {
		change func(*pipeline.Spec)
		breaks int
	}{
		"the same columns":    {func(s *pipeline.Spec) { s.Algorithm.L2 = []float64{1} }, 0},
		"another window":      {func(s *pipeline.Spec) { s.Source.Simulate.Seed++ }, 0},
		"a wider domain":      {func(s *pipeline.Spec) { s.Columns[1].Domain = append(slices.Clone(s.Columns[1].Domain), "boat") }, 0},
		"a narrower range":    {narrower, 1},
		"a column is ignored": {func(s *pipeline.Spec) { s.Ignore, s.Columns = append(s.Ignore, s.Columns[0].Name), s.Columns[1:] }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c, in := comparison(t, test.change, "target_rate: 50", "target_rate: 60")
			out, err := c.CheckContract(t.Context(), in)
			require.NoError(t, err)
			require.Len(t, out.Breaks, test.breaks)
			require.Equal(t, out.Breaks, out.Refused())
		})
	}
	c, in := comparison(t, narrower, "contract: unbroken", "contract: breaking")
	out, err := c.CheckContract(t.Context(), in)
	require.NoError(t, err)
	require.True(t, out.Meant)
	require.Empty(t, out.Refused())
	require.Equal(t, "1 breaks of the contract of requests, which the spec allows", out.Summary())
}
