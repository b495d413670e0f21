package activities_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

// lossy writes the renewal and loses the reply.
type lossy struct{ *site }

func (l lossy) TakeGeneration(ctx context.Context, next serving.Record) (serving.Record, error) {
	_, _ = l.site.TakeGeneration(ctx, next)
	return serving.Record{}, fault.New(fault.Unavailable, "reply lost")
}

func TestRenewalWhoseReplyIsLostDoesNotOvertakeItsWriter(t *testing.T) {
	s := newSite(&terraform.Lock{ID: "L", Holder: &terraform.Holder{Step: dead, Generation: 1}})
	s.gone = true
	e := s.stage()
	e.Registry = lossy{s}
	_, err := e.Adopt(t.Context(), activities.FollowInput{Model: product, Generation: 1})
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)
	e.Registry = s
	_, err = e.Adopt(t.Context(), activities.FollowInput{Model: product, Generation: 1})
	require.NoError(t, err)
}
