package features

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/loanops/loanops/api/bearer"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/problem"
)

// right is what a key allows.
type right string

const (
	read  right = "read"  // to ask for features
	write right = "write" // to post events
)

// entry is what the file of keys says of a caller.
type entry struct {
	Rights []right `json:"rights"`
}

// readKeys reads {"name": {"sha256": "hex of the key's SHA-256", "rights": ["read", "write"]}}.
func readKeys(path string) (bearer.Callers[entry], error) {
	callers, err := bearer.Read[entry](path, `{"name": {"sha256": "…", "rights": ["read", "write"]}}`)
	for _, who := range callers {
		if rights := who.Says.Rights; len(rights) == 0 || slices.ContainsFunc(rights, func(r right) bool { return r != read && r != write }) {
			return nil, fault.New(fault.Invalid, "%s: the rights of %q are one or both of read and write", path, who.Name)
		}
	}
	return callers, err
}

// allowed lets requests pass whose key has the right.
func (s *Server) allowed(to right, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		who := s.callers.Of(c.Request().Header.Get(echo.HeaderAuthorization))
		switch {
		case who == nil:
			return problem.New(http.StatusUnauthorized, "send Authorization: Bearer and a key of the feature store")
		case !slices.Contains(who.Says.Rights, to):
			return problem.New(http.StatusForbidden, "the key has no right to "+string(to))
		}
		return next(c)
	}
}
