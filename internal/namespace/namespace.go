// Package namespace tells Temporal namespaces apart.
package namespace

import (
	"context"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/loanops/loanops/internal/fault"
)

// Namespace is one of one Temporal.
type Namespace struct {
	Name string
	// ID is its own, whatever it is called: every Temporal may have a namespace "default".
	ID string
}

// Describe asks Temporal for its namespace of that name.
func Describe(ctx context.Context, temporal workflowservice.WorkflowServiceClient, name string) (Namespace, error) {
	described, err := temporal.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: name})
	if err != nil {
		return Namespace{}, fault.Wrap(fault.Unavailable, err, "asking Temporal for its namespace %q", name)
	}
	id := described.GetNamespaceInfo().GetId()
	if id == "" {
		return Namespace{}, fault.New(fault.Unavailable, "Temporal tells no ID of its namespace %q", name)
	}
	return Namespace{name, id}, nil
}
