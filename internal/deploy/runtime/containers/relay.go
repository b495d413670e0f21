package containers

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"time"

	"github.com/loanops/loanops/internal/fault"
)

// relay lets predictors ask a feature store that listens on this machine's loopback. It answers in their network alone, at the store's own port, so that an
// address that a predictor was told stays good when this process is another one.
type relay struct {
	url    string
	server *http.Server
}

func isLoopback(address string) bool {
	at, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(at.Hostname())
	return at.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}

func openRelay(ctx context.Context, store string, host netip.Addr) (*relay, error) {
	target, err := url.Parse(store)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the feature store's address (LOANOPS_FEATURES)")
	}
	port := target.Port()
	if port == "" {
		port = target.Scheme // as listeners take it, 80 or 443
	}
	address := net.JoinHostPort(host.String(), port)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "predictors are to reach the feature store at %s", address)
	}
	r := &relay{url: "http://" + listener.Addr().String(), server: &http.Server{
		Handler:           &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target) }},
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
	}}
	go func() { _ = r.server.Serve(listener) }() // until it is closed
	return r, nil
}

func (r *relay) close() { _ = r.server.Close() }
