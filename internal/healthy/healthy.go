// Package healthy asks a server whether it is well. In an image there is no shell and no curl for a health check: each program asks for itself.
package healthy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
)

// limit is how long a server may take to answer.
const limit = 3 * time.Second

// told is how much of an answer is repeated.
const told = 300

// Check asks a URL, by no proxy and following nothing. Only 200 is good; the error says what answered instead.
func Check(ctx context.Context, at string) error {
	parsed, err := url.Parse(at)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return fault.New(fault.Invalid, "%q: a URL is wanted, such as http://127.0.0.1:8080/readyz", at)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return fault.New(fault.Invalid, "%q: %v", at, err)
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.New(fault.Unavailable, "%s does not answer within %s", at, limit)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, errors.Unwrap(err), "%s does not answer", at)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, told)) //nolint:errcheck // what came of it is told
		return fault.New(fault.Unavailable, "%s answers %s: %s", at, response.Status, strings.TrimSpace(string(body)))
	}
	return nil
}

// Command is a program's own health check, for its containers.
func Command(program, example string) *cobra.Command {
	return &cobra.Command{
		Use: "healthy URL", Short: "Ask a server of this program whether it is well, for health checks of containers",
		Example: "  " + program + " healthy " + example,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fault.New(fault.Invalid, "`%s healthy URL` is wanted", program)
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return Check(c.Context(), args[0]) },
	}
}
