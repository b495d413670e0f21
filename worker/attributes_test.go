package main

import (
	"bytes"
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"google.golang.org/grpc"
)

// operator is a namespace's search attributes.
type operator struct {
	operatorservice.OperatorServiceClient // what is not used
	attributes                            map[string]enumspb.IndexedValueType
	asked, added                          int
	failure                               error
}

func (o *operator) ListSearchAttributes(_ context.Context, in *operatorservice.ListSearchAttributesRequest, _ ...grpc.CallOption) (*operatorservice.ListSearchAttributesResponse, error) {
	o.asked++
	if in.GetNamespace() != "loans" {
		return nil, serviceerror.NewNamespaceNotFound(in.GetNamespace())
	}
	there := map[string]enumspb.IndexedValueType{}
	for name, kind := range o.attributes {
		there[name] = kind
	}
	return &operatorservice.ListSearchAttributesResponse{CustomAttributes: there}, nil
}

func (o *operator) AddSearchAttributes(_ context.Context, in *operatorservice.AddSearchAttributesRequest, _ ...grpc.CallOption) (*operatorservice.AddSearchAttributesResponse, error) {
	if o.failure != nil {
		return nil, o.failure
	}
	for name, kind := range in.GetSearchAttributes() {
		if _, there := o.attributes[name]; there {
			return nil, serviceerror.NewAlreadyExists(name)
		}
		o.attributes[name] = kind
		o.added++
	}
	return &operatorservice.AddSearchAttributesResponse{}, nil
}

func TestAWorkerAddsTheSearchAttributesThatAreMissing(t *testing.T) {
	keyword, number := enumspb.INDEXED_VALUE_TYPE_KEYWORD, enumspb.INDEXED_VALUE_TYPE_INT
	server := &operator{attributes: map[string]enumspb.IndexedValueType{"LoanOpsStage": keyword, "Theirs": number}}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	for range 2 { // the second worker finds all of them
		addSearchAttributes(t.Context(), server, "loans", logger)
	}
	require.Equal(t, map[string]enumspb.IndexedValueType{
		"LoanOpsPipeline": keyword, "LoanOpsTrigger": keyword, "LoanOpsStage": keyword, "LoanOpsModelVersion": number, "LoanOpsVerdict": keyword, "Theirs": number,
	}, server.attributes)
	require.Equal(t, 4, server.added)
	require.Equal(t, 2, server.asked)
	require.Empty(t, log.String())
}

func TestSearchAttributesThatCannotBeAddedAreNamedInAWarning(t *testing.T) {
	for name, test := range map[string]struct {
		failure   error
		namespace string
		says      string
	}{
		"not allowed":         {serviceerror.NewPermissionDenied("ask your administrator", ""), "loans", "ask your administrator"},
		"no such namespace":   {nil, "elsewhere", "elsewhere"},
		"another was faster":  {serviceerror.NewAlreadyExists("LoanOpsPipeline"), "loans", ""},
		"the server is going": {serviceerror.NewUnavailable("going"), "loans", "going"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			server := &operator{attributes: map[string]enumspb.IndexedValueType{}, failure: test.failure}
			addSearchAttributes(t.Context(), server, test.namespace, slog.New(slog.NewTextHandler(&log, nil)))
			if test.says == "" {
				require.Empty(t, log.String())
				return
			}
			require.Contains(t, log.String(), "level=WARN")
			require.Contains(t, log.String(), "LoanOpsModelVersion=Int LoanOpsPipeline=Keyword LoanOpsStage=Keyword LoanOpsTrigger=Keyword LoanOpsVerdict=Keyword")
			require.Contains(t, log.String(), test.says)
		})
	}
}
