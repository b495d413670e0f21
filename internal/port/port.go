// Package port chooses the ports of servers that are started a while later.
package port

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
)

// The ports from which one is chosen: none that needs privileges, and few that well-known servers have.
const (
	lowest  = 10_000
	highest = 65_535
)

// attempts find a port unless the system gives nearly all to clients.
const attempts = 1000

// Choose returns a port of loopback for each of the wanted ones: the same where it is free, and another where it is taken or 0. All differ.
//
// Those that are chosen anew lie outside of the range from which the system gives ports to clients: between here and the start of the server any
// program's connection could take one of those. For about a minute no other call chooses them, whoever's process it is in.
func Choose(wanted ...int) ([]int, error) {
	clients := clientRange()
	var held []net.Listener
	defer func() {
		for _, listener := range held {
			listener.Close()
		}
	}()
	var chosen []int
	for _, port := range wanted {
		listener, err := listen(port)
		if port == 0 || err != nil {
			listener, err = clients.avoid()
		}
		if err != nil {
			return nil, err
		}
		held = append(held, listener)
		address, _ := listener.Addr().(*net.TCPAddr)
		chosen = append(chosen, address.Port)
	}
	return chosen, nil
}

func listen(port int) (net.Listener, error) {
	return net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
}

// reserve listens on a port that nobody has, nor has reserved. What reserves it is a connection that it has ended: the system keeps that for a minute,
// and meanwhile refuses the port to who does not say that addresses may be reused. Servers say it, and get the port.
func reserve(port int) (net.Listener, error) {
	exclusive := net.ListenConfig{Control: func(_, _ string, socket syscall.RawConn) error { return reuseAddress(socket, 0) }}
	bound, err := exclusive.Listen(context.Background(), "tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, err
	}
	listener, _ := bound.(*net.TCPListener)
	socket, err := listener.SyscallConn()
	if err == nil {
		err = reuseAddress(socket, 1) // of the connection that is accepted
	}
	if err == nil {
		err = endOneConnection(listener)
	}
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// reuseAddress says whether the socket's address may be that of connections which have ended.
func reuseAddress(socket syscall.RawConn, may int) error {
	var err error
	if controlErr := socket.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, may) }); controlErr != nil {
		return controlErr
	}
	return err
}

// endOneConnection connects to the listener and ends that from its side.
func endOneConnection(listener net.Listener) error {
	var dialer net.Dialer
	client, err := dialer.DialContext(context.Background(), "tcp", listener.Addr().String())
	if err != nil {
		return err
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		return err
	}
	return server.Close()
}

// span is a range of ports, both ends included.
type span struct{ low, high int }

// clientRange is the range of ports that the system gives to clients.
func clientRange() span {
	const linux = "/proc/sys/net/ipv4/ip_local_port_range"
	found := span{32_768, highest} // Linux' and, higher, everybody else's
	if data, err := os.ReadFile(linux); err == nil {
		_, _ = fmt.Sscan(string(data), &found.low, &found.high)
	}
	return found
}

// avoid listens on a port outside of the range, or where none is found on any that the system gives.
func (s span) avoid() (net.Listener, error) {
	for range attempts {
		port := lowest + rand.IntN(highest-lowest+1)
		if port >= s.low && port <= s.high {
			continue
		}
		if listener, err := reserve(port); err == nil {
			return listener, nil
		}
	}
	return listen(0)
}
