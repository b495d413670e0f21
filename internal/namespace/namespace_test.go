package namespace_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	namespacepb "go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/namespace"
)

// server is a Temporal that knows namespaces by their names.
type server struct {
	workflowservice.WorkflowServiceClient
	ids map[string]string
}

func (s server) DescribeNamespace(_ context.Context, in *workflowservice.DescribeNamespaceRequest, _ ...grpc.CallOption) (*workflowservice.DescribeNamespaceResponse, error) {
	id, is := s.ids[in.GetNamespace()]
	if !is {
		return nil, errors.New("there is none")
	}
	return &workflowservice.DescribeNamespaceResponse{NamespaceInfo: &namespacepb.NamespaceInfo{Name: in.GetNamespace(), Id: id}}, nil
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	temporal := server{ids: map[string]string{"default": "7c1f", "nameless": ""}}
	found, err := namespace.Describe(t.Context(), temporal, "default")
	require.NoError(t, err)
	require.Equal(t, namespace.Namespace{Name: "default", ID: "7c1f"}, found)
	for _, name := range []string{"other", "nameless"} {
		_, err = namespace.Describe(t.Context(), temporal, name)
		require.Equal(t, fault.Unavailable, fault.CodeOf(err), name)
		require.ErrorContains(t, err, name)
	}
}
