// Package reference names images and artifacts by what they are made of. A tag can be moved to other bytes; a digest cannot, so that there are no
// tags here.
package reference

import (
	"regexp"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// Reference is a repository and the digest of what is meant in it. In which registry it lies is said by whoever looks there: the same
// image has the same reference in every one.
type Reference struct {
	Repository string
	// Digest is the SHA-256 of the manifest, 64 lower-case hexadecimal digits.
	Digest string
}

// The forms of the two parts, by the OCI distribution specification.
var (
	repository = regexp.MustCompile(`^[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)
	digest     = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// maxRepository keeps names usable as one line, and in a registry's paths.
const maxRepository = 200

// Parse reads "repository@sha256:…".
func Parse(text string) (Reference, error) {
	name, hex, found := strings.Cut(text, "@sha256:")
	if !found || len(name) > maxRepository || !repository.MatchString(name) || !digest.MatchString(hex) {
		return Reference{}, fault.New(fault.Invalid, "image %q: want a repository and a digest, such as loanops-api@sha256: and 64 lower-case hexadecimal digits", text)
	}
	return Reference{Repository: name, Digest: hex}, nil
}

// String is what Parse reads.
func (r Reference) String() string { return r.Repository + "@sha256:" + r.Digest }
