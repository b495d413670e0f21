package artifact_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/artifact/s3test"
	"github.com/loanops/loanops/internal/fault"
)

// served is a store of its own, with the folder in which the server keeps the objects.
func served(t *testing.T, bucket string) (store *artifact.Store, client *s3.Client, folder string) {
	t.Helper()
	dir := t.TempDir()
	at, stop, err := s3test.Serve(dir)
	require.NoError(t, err)
	t.Cleanup(stop)
	store, err = artifact.Open(t.Context(), artifact.Config{Bucket: bucket, CacheDir: t.TempDir(), S3: at})
	require.NoError(t, err)
	client, err = at.Client(t.Context())
	require.NoError(t, err)
	return store, client, filepath.Join(dir, "s3", "objects", bucket)
}

// What is kept under its digest is listed and deleted, over several pages and requests; anything else in the bucket is neither.
func TestObjectsUnderTheirDigestsAreListedAndDeleted(t *testing.T) {
	ctx := t.Context()
	store, client, folder := served(t, "loanops")
	const n = 1001 // one more than a page of a list, and than S3 deletes at once
	var uris []string
	for i := range n {
		ref, err := store.Put(ctx, fmt.Append(nil, i), "text/plain", "csv.gz")
		require.NoError(t, err)
		uris = append(uris, ref.URI)
	}
	digest := strings.Repeat("ab", 32)
	others := []string{
		"terraform/loans/production.tfstate", "terraform/loans/production.tfstate.tflock", "uploads/rows.csv",
		"artifacts/sha256/cd/" + digest + ".json", "artifacts/sha256/ab/" + digest[2:] + ".json", "elsewhere/artifacts/sha256/ab/" + digest + ".json",
	}
	for _, key := range others {
		_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: ptr("loanops"), Key: &key, Body: strings.NewReader("theirs")})
		require.NoError(t, err)
	}
	all, left, err := store.All(ctx)
	require.NoError(t, err)
	require.Len(t, all, n)
	require.Equal(t, len(others), left)
	for _, o := range all {
		require.Contains(t, uris, o.URI)
		require.Contains(t, o.URI, o.SHA256)
		require.Equal(t, "csv.gz", o.Extension)
		require.NotZero(t, o.Bytes)
		require.WithinDuration(t, time.Now(), o.Modified, time.Minute)
		require.Equal(t, artifact.Ref{URI: o.URI, SHA256: o.SHA256, Bytes: o.Bytes}, o.Ref())
	}
	limit := time.Now().Add(time.Hour)
	for _, key := range others {
		deleted, err := store.Delete(ctx, []string{uris[0], "s3://loanops/" + key}, limit)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), key)
		require.Empty(t, deleted)
	}
	_, err = store.Delete(ctx, []string{strings.Replace(uris[0], "loanops", "another", 1)}, limit)
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "of another bucket")

	deleted, err := store.Delete(ctx, uris[1:], limit)
	require.NoError(t, err)
	require.ElementsMatch(t, uris[1:], deleted)
	all, left, err = store.All(ctx)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, uris[0], all[0].URI)
	require.Equal(t, len(others), left)
	deleted, err = store.Delete(ctx, uris, limit)
	require.NoError(t, err, "what is gone is no fault")
	require.Equal(t, uris[:1], deleted)
	_, err = os.Stat(filepath.Join(folder, others[0]))
	require.NoError(t, err)
}

// What was written at the limit or later stays, whoever named it before it was written again.
func TestWhatIsYoungIsNotDeleted(t *testing.T) {
	ctx := t.Context()
	store, _, folder := served(t, "loanops")
	limit := time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)
	var uris []string
	for i, modified := range []time.Time{limit.Add(-time.Second), limit, limit.Add(time.Hour)} {
		ref, err := store.Put(ctx, fmt.Append(nil, i), "text/plain", "txt")
		require.NoError(t, err)
		require.NoError(t, os.Chtimes(filepath.Join(folder, strings.TrimPrefix(ref.URI, "s3://loanops/")), modified, modified))
		uris = append(uris, ref.URI)
	}
	deleted, err := store.Delete(ctx, uris, limit)
	require.NoError(t, err)
	require.Equal(t, uris[:1], deleted)
	all, _, err := store.All(ctx)
	require.NoError(t, err)
	require.Len(t, all, 2)
}

// Who puts an object that is there for long makes it young, so that it is not removed before it is named.
func TestPuttingAnOldObjectMakesItYoung(t *testing.T) {
	ctx := t.Context()
	store, _, folder := served(t, "loanops")
	ref, err := store.Put(ctx, []byte("some bytes"), "text/plain", "txt")
	require.NoError(t, err)
	path := filepath.Join(folder, strings.TrimPrefix(ref.URI, "s3://loanops/"))
	for _, test := range []struct {
		age     time.Duration
		written bool
	}{{11 * time.Hour, false}, {13 * time.Hour, true}} {
		past := time.Now().Add(-test.age)
		require.NoError(t, os.Chtimes(path, past, past))
		_, err = store.Put(ctx, []byte("some bytes"), "text/plain", "txt")
		require.NoError(t, err)
		all, _, err := store.All(ctx)
		require.NoError(t, err)
		require.Len(t, all, 1)
		want := past
		if test.written {
			want = time.Now()
		}
		require.WithinDuration(t, want, all[0].Modified, time.Minute, test.age)
	}
}

func ptr[T any](v T) *T { return &v }
