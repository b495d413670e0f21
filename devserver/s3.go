package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

// serveS3 serves the folder's sub-folders as buckets until ctx ends. Metadata lie in files beside the objects, since not
// every file system has extended attributes.
func serveS3(ctx context.Context, o options) error {
	objects, metadata := filepath.Join(o.s3Dir, "objects"), filepath.Join(o.s3Dir, "metadata")
	for _, dir := range []string{objects, metadata} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	sidecar, err := meta.NewSideCar(metadata)
	if err != nil {
		return fmt.Errorf("S3 store: %w", err)
	}
	backend, err := posix.New(objects, sidecar, posix.PosixOpts{SideCarDir: metadata, ForceNoTmpFile: true})
	if err != nil {
		return fmt.Errorf("S3 store: %w", err)
	}
	err = embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
		RootUserAccess: os.Getenv("AWS_ACCESS_KEY_ID"), RootUserSecret: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		Region: "us-east-1", Ports: []string{fmt.Sprintf("%s:%d", o.ip, o.s3Port)},
		MaxConnections: 1000, MaxRequests: 500, MultipartMaxParts: 10_000, Quiet: true, HealthPath: "/healthz",
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("S3 store: %w", err)
	}
	return nil
}
