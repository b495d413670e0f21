package sha256hex_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/sha256hex"
)

// Wanted values: the example "abc" of FIPS 180-2, appendix B.1, and sha256sum of nothing.
func TestOf(t *testing.T) {
	require.Equal(t, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", sha256hex.Of([]byte("abc")))
	require.Equal(t, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", sha256hex.Of(nil))
}
