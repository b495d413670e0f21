// Package port chooses the ports of servers that are started a while later.
package port

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
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
// program's connection could take one of those.
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
		if listener, err := listen(port); err == nil {
			return listener, nil
		}
	}
	return listen(0)
}
