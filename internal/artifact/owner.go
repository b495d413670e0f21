package artifact

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/loanops/loanops/internal/fault"
)

// ownerKey names the object that says whose the bucket is. Its content is the identity of a metadata database, see registry.Registry.Identity.
const ownerKey = "loanops-database"

// Claim makes the bucket that database's, where it is nobody's yet. Another one's is fault.Refused: two platforms in one bucket would take each other's
// states of Terraform for their own, and prune each other's objects.
func (s *Store) Claim(ctx context.Context, database string) error {
	err := s.OwnedBy(ctx, database)
	if fault.CodeOf(err) != fault.NotFound {
		return err
	}
	key, onlyNew := ownerKey, "*"
	_, err = s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.bucket, Key: &key, Body: strings.NewReader(database), IfNoneMatch: &onlyNew})
	var api smithy.APIError
	if errors.As(err, &api) && (api.ErrorCode() == "PreconditionFailed" || api.ErrorCode() == "ConditionalRequestConflict") { // another one was faster
		return s.OwnedBy(ctx, database)
	}
	return objectFault(err, "bucket "+s.bucket)
}

// OwnedBy holds the bucket against a database: nobody's is fault.NotFound, another one's fault.Refused.
func (s *Store) OwnedBy(ctx context.Context, database string) error {
	key := ownerKey
	object, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return objectFault(err, "s3://"+s.bucket+"/"+ownerKey)
	}
	defer object.Body.Close()
	owner, err := io.ReadAll(io.LimitReader(object.Body, 1024))
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "s3://%s/%s: reading", s.bucket, ownerKey)
	}
	if string(owner) != database {
		return fault.New(fault.Refused, "bucket %s holds the objects of another metadata database than that of LOANOPS_DATABASE (s3://%s/%s names it): every database has a bucket of its own", s.bucket, s.bucket, ownerKey)
	}
	return nil
}
