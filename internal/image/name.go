package image

import (
	"path"
	"strings"

	"github.com/loanops/loanops/internal/image/reference"
)

// Name is how tools that know no LoanOps ask for what a reference means: host[:port][/prefix]/repository@sha256:….
func (r Registry) Name(ref reference.Reference) (string, error) {
	address, err := r.address()
	if err != nil {
		return "", err
	}
	return path.Join(address.Host, strings.Trim(address.Path, "/"), ref.String()), nil
}
