package listen

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/problem"
)

// pipes is a listener whose connections are in memory, as a clock that a test turns needs them.
type pipes struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func newPipes() *pipes { return &pipes{connections: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.connections:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.connections <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// A server that is told to end goes on answering while it says that it is not ready, so that a balancer hears of it before the port is closed. Without a time for
// that it ends at once.
func TestAServerDrains(t *testing.T) {
	t.Parallel()
	for _, drain := range []time.Duration{0, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			listener := newPipes()
			client := &http.Client{Transport: &http.Transport{DialContext: listener.dial, DisableKeepAlives: true}}
			ask := func(path string) (*http.Response, error) {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://server"+path, nil)
				require.NoError(t, err)
				answer, err := client.Do(request)
				if err == nil {
					_, err = io.Copy(io.Discard, answer.Body)
					require.NoError(t, err)
					require.NoError(t, answer.Body.Close())
				}
				return answer, err
			}
			answers := func(path string, status int) *http.Response {
				t.Helper()
				answer, err := ask(path)
				require.NoError(t, err)
				require.Equal(t, status, answer.StatusCode, path)
				return answer
			}
			ctx, end := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			at := Address{drain: drain}
			go func() {
				ended <- at.serve(ctx, listener, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			}()
			answers("/readyz", http.StatusOK)
			answers("/v1/decisions", http.StatusOK)

			told := time.Now()
			end()
			synctest.Wait()
			if drain > 0 {
				require.Equal(t, problem.MediaType, answers("/readyz", http.StatusServiceUnavailable).Header.Get("Content-Type"))
				answers("/v1/decisions", http.StatusOK)
			}
			require.NoError(t, <-ended)
			require.InDelta(t, drain.Seconds(), time.Since(told).Seconds(), 0.1)
			_, err := ask("/v1/decisions")
			require.Error(t, err)
		})
	}
}

// What is under way when the port is closed has its answer still.
func TestRequestsUnderWayAreAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		listener := newPipes()
		client := &http.Client{Transport: &http.Transport{DialContext: listener.dial, DisableKeepAlives: true}}
		under, release := make(chan struct{}), make(chan struct{})
		ctx, end := context.WithCancel(t.Context())
		ended, answered := make(chan error, 1), make(chan int, 1)
		var at Address
		go func() {
			ended <- at.serve(ctx, listener, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(under); <-release }))
		}()
		go func() {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://server/v1/decisions", nil)
			if err != nil {
				answered <- 0
				return
			}
			answer, err := client.Do(request)
			if err != nil {
				answered <- 0
				return
			}
			_ = answer.Body.Close()
			answered <- answer.StatusCode
		}()
		<-under
		end()
		synctest.Wait()
		close(release)
		require.Equal(t, http.StatusOK, <-answered)
		require.NoError(t, <-ended)
	})
}
