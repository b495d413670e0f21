package hooks

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Who sends from ever more addresses takes no more memory than the senders that are told apart.
func TestSendersAreBounded(t *testing.T) {
	t.Parallel()
	var s senders
	for i := range 2*maxSenders + 7 {
		require.True(t, s.allow(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&0xff, i&0xff)))
		require.LessOrEqual(t, len(s.known), maxSenders)
	}
	require.Len(t, s.known, 7)
}

// A sender is the other end of a connection, and one in whatever form and from whatever port; of IPv6 it is a network.
func TestWhoIsOneSender(t *testing.T) {
	t.Parallel()
	for remote, sender := range map[string]string{
		"192.0.2.1:80":          "192.0.2.1",
		"[::ffff:192.0.2.1]:81": "192.0.2.1",
		"[2001:db8:1:2:3::4]:1": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:1":      "fe80::/64",
		"@":                     "@", // a socket of the machine's own
	} {
		var s senders
		require.True(t, s.allow(remote))
		require.Contains(t, s.known, sender, remote)
	}
}
