package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"

	"github.com/loanops/loanops/workflows"
)

// attributesTimeout bounds what a worker does for search attributes before it starts.
const attributesTimeout = 10 * time.Second

// addSearchAttributes adds to the namespace what it lacks of the runs' search attributes. Where this worker may not (a managed
// Temporal lets its administrators alone do so), or the server cannot now, a warning names them: runs need them.
func addSearchAttributes(ctx context.Context, operator operatorservice.OperatorServiceClient, namespace string, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, attributesTimeout)
	defer cancel()
	missing := map[string]enumspb.IndexedValueType{}
	for _, attribute := range workflows.SearchAttributes() {
		missing[attribute.GetName()] = attribute.GetValueType()
	}
	there, err := operator.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err == nil {
		for name := range there.GetCustomAttributes() {
			delete(missing, name)
		}
		if len(missing) == 0 {
			return
		}
		_, err = operator.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: missing})
	}
	var exists *serviceerror.AlreadyExists
	if err == nil || errors.As(err, &exists) { // another worker was faster
		return
	}
	names := make([]string, 0, len(missing))
	for name, kind := range missing {
		names = append(names, name+"="+kind.String())
	}
	slices.Sort(names)
	logger.Warn("these search attributes may be missing; add them to the namespace", "namespace", namespace, "attributes", names, "error", err)
}
