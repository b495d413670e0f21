// Command temporal stands in for Temporal's CLI, which cannot be built as a dependency of another module: the three subcommands that
// infra/compose/namespace.sh calls, with the same flags.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/types/known/durationpb"
)

const usage = "usage: temporal operator {cluster health | namespace describe | namespace create} [--address HOST:PORT] [--namespace NAME] [--retention DURATION]"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 3 || args[0] != "operator" {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet("temporal", flag.ContinueOnError)
	address := flags.String("address", os.Getenv("TEMPORAL_ADDRESS"), "")
	namespace := flags.String("namespace", os.Getenv("TEMPORAL_NAMESPACE"), "")
	retention := flags.Duration("retention", 72*time.Hour, "")
	if err := flags.Parse(args[3:]); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	connection, err := grpc.NewClient(*address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	service := workflowservice.NewWorkflowServiceClient(connection)
	switch command := args[1:3]; {
	case slices.Equal(command, []string{"cluster", "health"}):
		return healthy(ctx, connection)
	case slices.Equal(command, []string{"namespace", "describe"}):
		_, err = service.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: *namespace})
		return err
	case slices.Equal(command, []string{"namespace", "create"}):
		_, err = service.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{Namespace: *namespace, WorkflowExecutionRetentionPeriod: durationpb.New(*retention)})
		return err
	}
	return errors.New(usage)
}

func healthy(ctx context.Context, connection *grpc.ClientConn) error {
	answer, err := grpc_health_v1.NewHealthClient(connection).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "temporal.api.workflowservice.v1.WorkflowService"})
	if err == nil && answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		err = fmt.Errorf("the server is %s", answer.GetStatus())
	}
	return err
}
