package terraform

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
)

// Backend is where a workspace's state lies: an S3 bucket that is there, in which any worker finds it.
type Backend struct {
	Bucket string
	// S3 says how the bucket is reached. Without an access key it is asked for as AWS' programs do: a profile, a role.
	S3 artifact.S3
	// Pipeline and Environment name the state.
	Pipeline, Environment string
}

// The files of a backend. They are not *.tf, so that the embedded configuration alone decides about those.
const (
	backendFile     = "backend.tf.json"
	credentialsFile = "s3.credentials"
	// profile is the only one in the file; naming it keeps the AWS variables of the person at the keyboard out.
	profile = "loanops"
)

// awsSources name where AWS' programs find credentials that are in no variable.
var awsSources = []string{
	"AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
}

// key is the state's name in the bucket.
func (b Backend) key() string { return "terraform/" + b.Pipeline + "/" + b.Environment + ".tfstate" }

// lockKey is where Terraform puts the lock when use_lockfile is set.
func (b Backend) lockKey() string { return b.key() + ".tflock" }

// configuration is Terraform's backend block. No secret is in it: it would enter every saved plan.
func (b Backend) configuration(dir string) map[string]any {
	where := map[string]any{
		"bucket": b.Bucket, "key": b.key(), "use_lockfile": true,
		// Nobody but the store itself is asked about region and account: it may be one of one's own.
		"skip_credentials_validation": true, "skip_region_validation": true, "skip_requesting_account_id": true,
	}
	if b.S3.Region != "" {
		where["region"] = b.S3.Region
	}
	if b.S3.Endpoint != "" {
		where["endpoints"] = map[string]string{"s3": b.S3.Endpoint}
		where["use_path_style"] = true
	}
	if b.S3.AccessKeyID != "" {
		where["shared_credentials_files"] = []string{filepath.Join(dir, credentialsFile)}
		where["profile"] = profile
		where["skip_metadata_api_check"] = true
	}
	return map[string]any{"terraform": map[string]any{"backend": map[string]any{"s3": where}}}
}

// delivered reports whether there is a state.
func (b Backend) delivered(ctx context.Context) (bool, error) {
	client, err := b.S3.Client(ctx)
	if err != nil {
		return false, err
	}
	key := b.key()
	_, err = client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.Bucket, Key: &key})
	if is(err, "NotFound", "NoSuchKey") {
		return false, nil
	}
	return err == nil, fault.Wrap(fault.Unavailable, err, "looking for the state %s", key)
}

// write brings the backend's files into the workspace's folder. The credentials lie there for their owner alone, so that a
// person's terraform plan needs no variable.
func (b Backend) write(dir string) error {
	if err := writeJSON(filepath.Join(dir, backendFile), b.configuration(dir)); err != nil {
		return err
	}
	path := filepath.Join(dir, credentialsFile)
	if b.S3.AccessKeyID == "" {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return fault.Wrap(fault.Internal, err, "old credentials of the state")
		}
		return nil
	}
	text := fmt.Sprintf("[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", profile, b.S3.AccessKeyID, b.S3.SecretAccessKey)
	if b.S3.SessionToken != "" {
		text += fmt.Sprintf("aws_session_token = %s\n", b.S3.SessionToken)
	}
	return fault.Wrap(fault.Internal, writeFile(path, []byte(text), 0o600), "credentials of the state")
}
