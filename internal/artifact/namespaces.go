package artifact

import (
	"context"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// namespaceFolder is where one object for each Temporal namespace says that its runs keep objects in the bucket.
const namespaceFolder = "loanops-namespaces/"

// NoteNamespace says that runs of the Temporal namespace of that ID keep objects in the bucket. It is one of perhaps several: a new Temporal does not
// know of what the old one's runs need.
func (s *Store) NoteNamespace(ctx context.Context, id string) error {
	key := namespaceFolder + id
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.bucket, Key: &key, Body: strings.NewReader(id)})
	return objectFault(err, s.NamespaceURI(id))
}

// Namespaces are the IDs that were noted and not removed since, in their order.
func (s *Store) Namespaces(ctx context.Context) (ids []string, err error) {
	noted, err := s.List(ctx, s.NamespaceURI(""))
	for _, uri := range noted {
		ids = append(ids, path.Base(uri))
	}
	return ids, err
}

// NamespaceURI is where a namespace is noted.
func (s *Store) NamespaceURI(id string) string {
	return "s3://" + s.bucket + "/" + namespaceFolder + id
}
