package registry

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
)

func TestPolicyNamed(t *testing.T) {
	digests := []string{"ab1", "cd", "ab2", "ab1"}
	for _, test := range []struct {
		named, want string
		code        fault.Code
		says        string
	}{
		{"ab1", "ab1", "", ""}, // twice the same is one
		{"c", "cd", "", ""},
		{"ab", "", fault.Invalid, `2 policies of loans begin with "ab"`},
		{"", "", fault.Invalid, "3 policies"},
		{"cde", "", fault.NotFound, "loanops policy history loans"},
	} {
		found, err := PolicyNamed("loans", digests, test.named)
		require.Equal(t, test.want, found, test.named)
		if test.code != "" {
			require.Equal(t, test.code, fault.CodeOf(err), test.named)
			require.ErrorContains(t, err, test.says)
		} else {
			require.NoError(t, err)
		}
	}
}
