package port

import (
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func portOf(t *testing.T, listener net.Listener) int {
	t.Helper()
	address, ok := listener.Addr().(*net.TCPAddr)
	require.True(t, ok)
	return address.Port
}

// What a program gets for a connection is what the system gives to clients, and no server's port may be among that.
func TestNoClientGetsAChosenPort(t *testing.T) {
	clients := clientRange()
	server, err := listen(0)
	require.NoError(t, err)
	defer server.Close()
	connection, err := net.Dial("tcp", server.Addr().String())
	require.NoError(t, err)
	defer connection.Close()
	local, ok := connection.LocalAddr().(*net.TCPAddr)
	require.True(t, ok)
	require.True(t, clients.low <= local.Port && local.Port <= clients.high, "%d is a client's, the range is %v", local.Port, clients)

	chosen, err := Choose(make([]int, 200)...)
	require.NoError(t, err)
	seen := map[int]bool{}
	for _, port := range chosen {
		require.False(t, clients.low <= port && port <= clients.high, "%d is in the clients' range %v", port, clients)
		require.False(t, seen[port], "%d is there twice", port)
		seen[port] = true
	}
}

// Addresses are kept while they are free.
func TestAFreePortIsKept(t *testing.T) {
	first, err := Choose(0, 0)
	require.NoError(t, err)
	again, err := Choose(first...)
	require.NoError(t, err)
	require.Equal(t, first, again)

	taken, err := listen(first[0])
	require.NoError(t, err)
	defer taken.Close()
	other, err := Choose(first...)
	require.NoError(t, err)
	require.NotEqual(t, first[0], other[0])
	require.Equal(t, first[1], other[1])

	same, err := Choose(first[1], first[1])
	require.NoError(t, err)
	require.Equal(t, first[1], same[0])
	require.NotEqual(t, first[1], same[1], "a port is given once")
}

// Where every port may be a client's, there is nothing to avoid.
func TestARangeOfAllPortsIsNoEnd(t *testing.T) {
	listener, err := span{1024, highest}.avoid()
	require.NoError(t, err)
	defer listener.Close()
	require.NotZero(t, portOf(t, listener))
}

// Between the choice and the server's start another program chooses too.
func TestAChosenPortIsNotChosenAgain(t *testing.T) {
	chosen, err := Choose(0)
	require.NoError(t, err)

	_, err = reserve(chosen[0])
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	server, err := listen(chosen[0])
	require.NoError(t, err, "the server for which it was chosen gets it")
	require.NoError(t, server.Close())
}
