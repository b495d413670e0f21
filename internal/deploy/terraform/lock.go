package terraform

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/loanops/loanops/internal/fault"
)

// Step names one attempt at a step of a run in Temporal's terms. The zero Step is nobody's.
type Step struct {
	Workflow string `json:"workflow"` // ID
	Run      string `json:"run"`
	Activity string `json:"activity"` // ID within the run
	Attempt  int32  `json:"attempt"`
}

// Holder is the writer who took a lock: a step, and the generation of the serving record that it follows.
type Holder struct {
	Step
	Generation int64 `json:"generation"`
}

// Lock is who holds a state.
type Lock struct {
	ID, Who, Operation string
	Created            time.Time
	// Holder is nil when it is not one of ours: a person's Terraform.
	Holder *Holder
	etag   string
}

// LockedError is a state that is held; a fault.Conflict.
type LockedError struct {
	Lock Lock
	dir  string
}

func (e *LockedError) Error() string {
	text := fmt.Sprintf("the state of %s is locked by %s since %s", e.dir, e.Lock.Who, e.Lock.Created.UTC().Format(time.RFC3339))
	if e.Lock.Holder != nil {
		text += fmt.Sprintf(" for %s/%s, generation %d", e.Lock.Holder.Workflow, e.Lock.Holder.Run, e.Lock.Holder.Generation)
	}
	return text + ", lock " + e.Lock.ID
}

// Unwrap gives the error its code.
func (e *LockedError) Unwrap() error { return &fault.Error{Code: fault.Conflict, Message: e.Error()} }

// document is a lock as Terraform writes it beside the state. We take the lock ourselves, in the same place and form, and run
// Terraform without one: only so does a lock say for certain whose it is (Info), and a worker that outlives its Terraform
// gives it back.
type document struct {
	ID        string
	Operation string
	Info      string
	Who       string
	Version   string
	Created   time.Time
	Path      string
}

// locks is the lock of one state.
type locks struct {
	client  *s3.Client
	backend Backend
}

func (b Backend) locks(ctx context.Context) (locks, error) {
	client, err := b.S3.Client(ctx)
	return locks{client, b}, err
}

// releaseTimeout bounds giving a lock back, which happens also when the operation was cancelled.
const releaseTimeout = 10 * time.Second

// take takes the lock for holder. It is a LockedError when somebody has it.
func (l locks) take(ctx context.Context, dir, operation string, holder Holder) (release func(), err error) {
	info, err := json.Marshal(holder)
	if err != nil {
		return nil, err
	}
	host, _ := os.Hostname() // without it the holder still is named
	mine := document{
		ID: rand.Text(), Operation: operation, Info: string(info), Who: "loanops@" + host, Created: time.Now().UTC(),
		Path: l.backend.Bucket + "/" + l.backend.key(),
	}
	data, err := json.Marshal(mine)
	if err != nil {
		return nil, err
	}
	key, absent := l.backend.lockKey(), "*"
	_, err = l.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &l.backend.Bucket, Key: &key, Body: bytes.NewReader(data), IfNoneMatch: &absent})
	if err != nil && !is(err, "PreconditionFailed", "ConditionalRequestConflict") {
		return nil, fault.Wrap(fault.Unavailable, err, "locking the state of %s", dir)
	}
	held, err := l.read(ctx) // says also whether a write whose reply was lost was ours
	if err != nil {
		return nil, fault.Wrap(fault.Conflict, err, "the state of %s was locked a moment ago", dir)
	}
	if held.ID != mine.ID {
		return nil, &LockedError{held, dir}
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
		defer cancel()
		_ = l.remove(ctx, held) // what stays is broken once this step is gone
	}, nil
}

// read is the lock as it is; NotFound without one.
func (l locks) read(ctx context.Context) (Lock, error) {
	key := l.backend.lockKey()
	object, err := l.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &l.backend.Bucket, Key: &key})
	if is(err, "NoSuchKey") {
		return Lock{}, fault.New(fault.NotFound, "nobody holds %s", key)
	}
	if err != nil {
		return Lock{}, fault.Wrap(fault.Unavailable, err, "reading the lock %s", key)
	}
	defer object.Body.Close()
	var found document
	if err := json.NewDecoder(object.Body).Decode(&found); err != nil {
		return Lock{}, fault.Wrap(fault.Conflict, err, "the lock %s", key)
	}
	lock := Lock{ID: found.ID, Who: found.Who, Operation: found.Operation, Created: found.Created, etag: *object.ETag}
	var holder Holder
	if json.Unmarshal([]byte(found.Info), &holder) == nil && holder.Generation > 0 {
		lock.Holder = &holder
	}
	return lock, nil
}

// remove takes this very lock away, never one that took its place. When it is gone already, that is fine.
func (l locks) remove(ctx context.Context, lock Lock) error {
	key := l.backend.lockKey()
	_, err := l.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &l.backend.Bucket, Key: &key, IfMatch: &lock.etag})
	if err == nil || is(err, "NoSuchKey", "PreconditionFailed") {
		return nil
	}
	return fault.Wrap(fault.Unavailable, err, "unlocking %s", key)
}

// is reports whether S3 answered with one of the codes.
func is(err error, codes ...string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode())
}
