// Package artifact keeps immutable objects in an S3 store under their own digest, with a local copy of what was read.
package artifact

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/sha256hex"
)

// Config says where artifacts are.
type Config struct {
	// Bucket is made when it is absent.
	Bucket string
	// CacheDir is the folder of local copies, made when it is absent. It may be removed at any time.
	CacheDir string
	// S3 says how the store is reached, where it is not the standard AWS environment of this process that does.
	S3 S3
}

// S3 is a store and who asks it. What is empty comes from the standard AWS environment.
type S3 struct {
	Endpoint, Region                           string
	AccessKeyID, SecretAccessKey, SessionToken string
}

// S3Of takes what the standard AWS variables say by value.
func S3Of(environment map[string]string) S3 {
	return S3{
		Endpoint:    cmp.Or(environment["AWS_ENDPOINT_URL_S3"], environment["AWS_ENDPOINT_URL"]),
		Region:      cmp.Or(environment["AWS_REGION"], environment["AWS_DEFAULT_REGION"]),
		AccessKeyID: environment["AWS_ACCESS_KEY_ID"], SecretAccessKey: environment["AWS_SECRET_ACCESS_KEY"],
		SessionToken: environment["AWS_SESSION_TOKEN"],
	}
}

func (c S3) options() []func(*awsconfig.LoadOptions) error {
	options := []func(*awsconfig.LoadOptions) error{awsconfig.WithRegion(c.Region)} // an empty one is none
	if c.AccessKeyID != "" {
		options = append(options, awsconfig.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)))
	}
	return options
}

// Client asks the store.
func (c S3) Client(ctx context.Context) (*s3.Client, error) {
	aws, err := awsconfig.LoadDefaultConfig(ctx, c.options()...)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "AWS configuration")
	}
	return s3.NewFromConfig(aws, func(o *s3.Options) {
		if c.Endpoint != "" {
			o.BaseEndpoint = &c.Endpoint
		}
		// An endpoint of one's own has no DNS name per bucket.
		o.UsePathStyle = o.BaseEndpoint != nil
	}), nil
}

// Store reads and writes artifacts. It is safe for concurrent use.
type Store struct {
	client   *s3.Client
	bucket   string
	cache    string
	verified verified
}

// Open connects and makes sure that the bucket is there.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Bucket == "" || cfg.CacheDir == "" {
		return nil, fault.New(fault.Invalid, "an artifact store needs a bucket and a cache folder")
	}
	client, err := cfg.S3.Client(ctx)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.CacheDir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "artifact cache")
	}
	s := &Store{client: client, bucket: cfg.Bucket, cache: cfg.CacheDir}
	return s, s.makeBucket(ctx)
}

func (s *Store) makeBucket(ctx context.Context) error {
	if _, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &s.bucket}); err == nil {
		return nil
	}
	_, err := s.client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &s.bucket})
	var mine *types.BucketAlreadyOwnedByYou
	var exists *types.BucketAlreadyExists
	if err == nil || errors.As(err, &mine) || errors.As(err, &exists) {
		return nil
	}
	return objectFault(err, "bucket "+s.bucket)
}

// At is the reference of an object with that digest and size in this store, whether it is there or not.
func (s *Store) At(digest string, size int64, mediaType, extension string) Ref {
	key := fmt.Sprintf("artifacts/sha256/%s/%s.%s", digest[:min(2, len(digest))], digest, extension)
	return Ref{URI: "s3://" + s.bucket + "/" + key, SHA256: digest, Bytes: size, MediaType: mediaType}
}

// Put writes data under its digest and returns its reference. Writing the same bytes again changes nothing but how old they are, see All.
func (s *Store) Put(ctx context.Context, data []byte, mediaType, extension string) (Ref, error) {
	ref := s.At(sha256hex.Of(data), int64(len(data)), mediaType, extension)
	return ref, s.put(ctx, ref, bytes.NewReader(data))
}

// PutFile does the same with a file, which is never in memory as a whole.
func (s *Store) PutFile(ctx context.Context, path, mediaType, extension string) (Ref, error) {
	digest, size, err := file.Digest(path)
	if err != nil {
		return Ref{}, fault.Wrap(fault.Invalid, err, "reading a file to store")
	}
	ref := s.At(digest, size, mediaType, extension)
	from, err := os.Open(path)
	if err != nil {
		return Ref{}, fault.Wrap(fault.Invalid, err, "reading a file to store")
	}
	defer from.Close()
	return ref, s.put(ctx, ref, from)
}

// fresh is for how long an object that is there need not be written again. Objects that nothing names are removed by their age, a day at least, see
// Store.Delete: who puts one has then half a day to name it.
const fresh = 12 * time.Hour

func (s *Store) put(ctx context.Context, ref Ref, content io.ReadSeeker) error {
	written, err := s.written(ctx, ref)
	if err != nil || !written.IsZero() && time.Since(written) < fresh {
		return err
	}
	bucket, key, err := split(ref.URI)
	if err != nil {
		return err
	}
	_, err = s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: content, ContentType: &ref.MediaType})
	return objectFault(err, ref.URI)
}

// List returns the objects below an s3://bucket/prefix, in the order of their names.
func (s *Store) List(ctx context.Context, uri string) ([]string, error) {
	bucket, prefix, err := split(uri)
	if err != nil {
		return nil, err
	}
	var found []string
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, objectFault(err, uri)
		}
		for _, object := range page.Contents {
			if !strings.HasSuffix(*object.Key, "/") { // a marker of a folder
				found = append(found, "s3://"+bucket+"/"+*object.Key)
			}
		}
	}
	return found, nil
}

// Exists reports whether the object is there, with the size that the reference says.
func (s *Store) Exists(ctx context.Context, ref Ref) (bool, error) {
	written, err := s.written(ctx, ref)
	return !written.IsZero(), err
}

// written is when the object was written last; zero where it is not there with the size that the reference says.
func (s *Store) written(ctx context.Context, ref Ref) (time.Time, error) {
	bucket, key, err := split(ref.URI)
	if err != nil {
		return time.Time{}, err
	}
	head, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	if err = objectFault(err, ref.URI); err != nil {
		if fault.CodeOf(err) == fault.NotFound {
			return time.Time{}, nil
		}
		return time.Time{}, err
	}
	if head.ContentLength == nil || *head.ContentLength != ref.Bytes || head.LastModified == nil {
		return time.Time{}, nil
	}
	return *head.LastModified, nil
}

// Get returns the object's bytes after checking its digest.
func (s *Store) Get(ctx context.Context, ref Ref) ([]byte, error) {
	path, err := s.Path(ctx, ref)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "artifact cache")
	}
	return data, nil
}

// Path returns a local file with the object's bytes, whose digest was checked: by this process, and again when the file is not what it was. The
// file must not be changed.
func (s *Store) Path(ctx context.Context, ref Ref) (string, error) {
	if len(ref.SHA256) != 2*sha256.Size || strings.Trim(ref.SHA256, "0123456789abcdef") != "" {
		return "", fault.New(fault.Invalid, "%s: %q is not a SHA-256 in lower-case hexadecimal", ref.URI, ref.SHA256)
	}
	path := filepath.Join(s.cache, ref.SHA256+filepath.Ext(ref.URI))
	if s.cached(path, ref.SHA256) {
		return path, nil
	}
	digest, err := s.download(ctx, ref.URI, ref.Bytes, path)
	if err != nil {
		return "", err
	}
	if digest != ref.SHA256 {
		os.Remove(path)
		return "", fault.New(fault.Internal, "%s: the object's SHA-256 is %s, %s is wanted: it was changed in the store", ref.URI, digest, ref.SHA256)
	}
	return path, nil
}

// cached reports whether the file is there and holds what its name says.
func (s *Store) cached(path, want string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	if s.verified.holds(path, info) {
		return true
	}
	digest, _, err := file.Digest(path)
	if err != nil || digest != want {
		return false
	}
	s.verified.add(path, info, time.Now())
	return true
}

// Fetch brings a file that a person named, local or s3://bucket/key, of at most maxBytes, and returns a local path and its
// SHA-256. A local file stays where it is.
func (s *Store) Fetch(ctx context.Context, uri string, maxBytes int64) (path, digest string, err error) {
	if !strings.HasPrefix(uri, "s3://") {
		return fetchLocal(uri, maxBytes)
	}
	name := sha256.Sum256([]byte(uri))
	path = filepath.Join(s.cache, "fetched-"+hex.EncodeToString(name[:8])+filepath.Ext(uri))
	digest, err = s.download(ctx, uri, maxBytes, path)
	return path, digest, err
}

// fetchLocal takes a file where it lies. What is no regular file has no end, or none that is known, and is not read.
func fetchLocal(uri string, maxBytes int64) (path, digest string, err error) {
	info, err := os.Stat(uri)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", "", fault.New(fault.NotFound, "%s: there is no such file", uri)
	case err != nil:
		return "", "", fault.Wrap(fault.Invalid, err, "%s", uri)
	case !info.Mode().IsRegular():
		return "", "", fault.New(fault.Invalid, "%s: a regular file is wanted", uri)
	case info.Size() > maxBytes:
		return "", "", fault.New(fault.Invalid, "%s has %d bytes; limits.max_bytes is %d", uri, info.Size(), maxBytes)
	}
	digest, _, err = file.Digest(uri)
	return uri, digest, fault.Wrap(fault.Invalid, err, "%s", uri)
}

// download writes the object to path, all or nothing, and returns its digest.
func (s *Store) download(ctx context.Context, uri string, maxBytes int64, path string) (string, error) {
	bucket, key, err := split(uri)
	if err != nil {
		return "", err
	}
	object, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return "", objectFault(err, uri)
	}
	defer object.Body.Close()
	temporary, err := os.CreateTemp(s.cache, "download-")
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "artifact cache")
	}
	defer os.Remove(temporary.Name())
	defer temporary.Close()
	h := sha256.New()
	size, err := io.Copy(io.MultiWriter(temporary, h), io.LimitReader(object.Body, maxBytes+1))
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "%s: reading", uri)
	}
	if size > maxBytes {
		return "", fault.New(fault.Invalid, "%s has more than %d bytes", uri, maxBytes)
	}
	if err := errors.Join(temporary.Close(), os.Rename(temporary.Name(), path)); err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "artifact cache")
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// split takes s3://bucket/key apart.
func split(uri string) (bucket, key string, err error) {
	parsed, err := url.Parse(uri)
	if err != nil || parsed.Scheme != "s3" || parsed.Host == "" || len(parsed.Path) < 2 {
		return "", "", fault.New(fault.Invalid, "%q is not s3://bucket/key", uri)
	}
	return parsed.Host, strings.TrimPrefix(parsed.Path, "/"), nil
}

// objectFault gives an S3 error a code. nil stays nil.
func objectFault(err error, what string) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "NoSuchKey", "NotFound", "NoSuchBucket":
			return fault.New(fault.NotFound, "%s: there is no such object", what)
		case "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch":
			return fault.New(fault.Unauthorized, "%s: the S3 store refuses the credentials", what)
		}
	}
	return fault.Wrap(fault.Unavailable, err, "%s: the S3 store does not answer", what)
}
