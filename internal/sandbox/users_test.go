package sandbox_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/sandbox"
)

func TestParseUsers(t *testing.T) {
	t.Parallel()
	for text, wanted := range map[string]sandbox.Users{
		"": {First: 65520, Last: 65531}, "5000": {First: 5000, Last: 5000}, "5000-5009": {First: 5000, Last: 5009}, "65520-65533": {First: 65520, Last: 65533},
	} {
		users, err := sandbox.ParseUsers(text)
		require.NoError(t, err, text)
		require.Equal(t, wanted, users)
		again, err := sandbox.ParseUsers(users.String())
		require.NoError(t, err)
		require.Equal(t, users, again)
	}
	usual, err := sandbox.ParseUsers("")
	require.NoError(t, err)
	for who, id := range map[string]uint32{"the user of this project's images, and of distroless ones": 65532, "nobody": 65534, "the last of systemd's dynamic users": 65519} {
		require.False(t, usual.First <= id && id <= usual.Last, who)
	}
	for _, text := range []string{"0", "root", "999", "0-5000", "5000-4999", "5000-", "-5000", "5000-7000", "4294967296", "5000,5001"} {
		_, err := sandbox.ParseUsers(text)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), text)
	}
}
