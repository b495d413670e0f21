package artifact

import (
	"context"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/loanops/loanops/internal/fault"
)

// Stored is an object that the store keeps under its digest.
type Stored struct {
	URI    string
	SHA256 string
	// Extension is what follows the digest, such as parquet or csv.gz: it says what the object is.
	Extension string
	Bytes     int64
	Modified  time.Time // when it was written last
}

// Ref is the reference under which it is read. It knows no media type.
func (s Stored) Ref() Ref { return Ref{URI: s.URI, SHA256: s.SHA256, Bytes: s.Bytes} }

// addressed is the form of a key that says what the object holds, see Store.At.
var addressed = regexp.MustCompile(`^artifacts/sha256/([0-9a-f]{2})/([0-9a-f]{64})\.(.+)$`)

// stored takes a key of that form apart.
func stored(key string) (digest, extension string, is bool) {
	parts := addressed.FindStringSubmatch(key)
	if parts == nil || parts[2][:2] != parts[1] {
		return "", "", false
	}
	return parts[2], parts[3], true
}

// All returns every object that is kept under its digest, in the order of their names, and how many others are in the bucket: states of
// Terraform and their locks, and what people have put there.
func (s *Store) All(ctx context.Context) (all []Stored, others int, err error) {
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, 0, objectFault(err, "bucket "+s.bucket)
		}
		for _, object := range page.Contents {
			digest, extension, is := stored(*object.Key)
			if !is || object.LastModified == nil || object.Size == nil {
				others++
				continue
			}
			all = append(all, Stored{"s3://" + s.bucket + "/" + *object.Key, digest, extension, *object.Size, object.LastModified.UTC()})
		}
	}
	return all, others, nil
}

// Delete removes objects that are kept under their digest and were written last before limit, and returns those that it has removed. What is younger
// stays: somebody has put it again since the caller looked, see fresh. What is not there is no fault. A URI of anything else is fault.Invalid, and then
// nothing is removed.
//
// S3 has no condition on deleting. So the bucket is listed anew, and what of a page goes is gone before the next page is asked for: an object that is
// put between these two requests is lost all the same.
func (s *Store) Delete(ctx context.Context, uris []string, limit time.Time) (deleted []string, err error) {
	goes := map[string]bool{}
	for _, uri := range uris {
		bucket, key, err := split(uri)
		if err != nil {
			return nil, err
		}
		if _, _, is := stored(key); !is || bucket != s.bucket {
			return nil, fault.New(fault.Invalid, "%s is no object that is kept under its digest in bucket %s, and is not deleted", uri, s.bucket)
		}
		goes[key] = true
	}
	if len(goes) == 0 {
		return nil, nil
	}
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx) // of at most as many keys as S3 deletes in one request
		if err != nil {
			return deleted, objectFault(err, "bucket "+s.bucket)
		}
		var keys []types.ObjectIdentifier
		for _, object := range page.Contents {
			if goes[*object.Key] && object.LastModified != nil && object.LastModified.Before(limit) {
				keys = append(keys, types.ObjectIdentifier{Key: object.Key})
			}
		}
		done, err := s.deleteAll(ctx, keys)
		deleted = append(deleted, done...)
		if err != nil {
			return deleted, err
		}
	}
	return deleted, nil
}

// deleteAll removes keys in one request, and returns the URIs of those that it has removed.
func (s *Store) deleteAll(ctx context.Context, keys []types.ObjectIdentifier) (deleted []string, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	quiet := true
	done, err := s.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &s.bucket, Delete: &types.Delete{Objects: keys, Quiet: &quiet}})
	if err != nil {
		return nil, objectFault(err, "bucket "+s.bucket)
	}
	failed := map[string]bool{}
	for _, e := range done.Errors {
		failed[text(e.Key)] = true
	}
	for _, key := range keys {
		if !failed[*key.Key] {
			deleted = append(deleted, "s3://"+s.bucket+"/"+*key.Key)
		}
	}
	if len(done.Errors) > 0 {
		first := done.Errors[0]
		return deleted, fault.New(fault.Unavailable, "%d objects could not be deleted, the first of them s3://%s/%s: %s", len(done.Errors), s.bucket, text(first.Key), text(first.Message))
	}
	return deleted, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
