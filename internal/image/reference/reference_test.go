package reference_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image/reference"
)

var hex = strings.Repeat("0a", 32)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, wanted := range map[string]reference.Reference{
		"loanops-api@sha256:" + hex:         {Repository: "loanops-api", Digest: hex},
		"team/loan.ops/api_1@sha256:" + hex: {Repository: "team/loan.ops/api_1", Digest: hex},
	} {
		got, err := reference.Parse(text)
		require.NoError(t, err)
		require.Equal(t, wanted, got)
		require.Equal(t, text, got.String())
	}
}

// What is no repository and digest: names of the specification's grammar, no tags, no registry, nothing that leads out of a folder.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "loanops-api", "loanops-api:latest", "@sha256:" + hex, "loanops-api@sha256:" + hex[1:], "loanops-api@sha256:" + strings.ToUpper(hex),
		"loanops-api@sha512:" + hex, "Loanops@sha256:" + hex, "127.0.0.1:5000/loanops-api@sha256:" + hex, "../api@sha256:" + hex, "a//b@sha256:" + hex,
		"/api@sha256:" + hex, "api/@sha256:" + hex, "api @sha256:" + hex, "api@sha256:" + hex + "\n", "a@sha256:" + hex + "@sha256:" + hex,
		strings.Repeat("a", 201) + "@sha256:" + hex,
	} {
		_, err := reference.Parse(text)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%q: %v", text, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("loanops-api@sha256:" + hex)
	f.Add("a/b@sha256:")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := reference.Parse(text); err == nil && got.String() != text {
			t.Fatalf("%q is read as %q", text, got)
		}
	})
}
