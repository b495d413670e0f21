package features

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/problem"
)

// right is what a key allows.
type right string

const (
	read  right = "read"  // to ask for features
	write right = "write" // to post events
)

// caller is who has a key. The file holds the hash of the key only.
type caller struct {
	name   string
	hash   []byte
	rights []right
}

// readKeys reads {"name": {"sha256": "hex of the key's SHA-256", "rights": ["read", "write"]}}.
func readKeys(path string) ([]caller, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "--keys-file")
	}
	var entries map[string]struct {
		SHA256 string  `json:"sha256"`
		Rights []right `json:"rights"`
	}
	if err := json.Unmarshal(data, &entries); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, `%s: {"name": {"sha256": "…", "rights": ["read", "write"]}} is wanted`, path)
	}
	var callers []caller
	for name, entry := range entries {
		hash, err := hex.DecodeString(entry.SHA256)
		if err != nil || len(hash) != sha256.Size {
			return nil, fault.New(fault.Invalid, "%s: sha256 of %q is not a SHA-256 in hexadecimal", path, name)
		}
		if len(entry.Rights) == 0 || slices.ContainsFunc(entry.Rights, func(r right) bool { return r != read && r != write }) {
			return nil, fault.New(fault.Invalid, "%s: the rights of %q are one or both of read and write", path, name)
		}
		callers = append(callers, caller{name, hash, entry.Rights})
	}
	slices.SortFunc(callers, func(a, b caller) int { return strings.Compare(a.name, b.name) })
	return callers, nil
}

// allowed lets requests pass whose key has the right.
func (s *Server) allowed(to right, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		who := s.caller(c.Request().Header.Get(echo.HeaderAuthorization))
		switch {
		case who == nil:
			return problem.New(http.StatusUnauthorized, "send Authorization: Bearer and a key of the feature store")
		case !slices.Contains(who.rights, to):
			return problem.New(http.StatusForbidden, "the key has no right to "+string(to))
		}
		return next(c)
	}
}

// caller is whose key an Authorization header has; nil where it is nobody's. Every hash is compared, in constant time.
func (s *Server) caller(header string) (found *caller) {
	key, ok := strings.CutPrefix(header, "Bearer ")
	if !ok {
		return nil
	}
	hash := sha256.Sum256([]byte(key))
	for i := range s.callers {
		if subtle.ConstantTimeCompare(s.callers[i].hash, hash[:]) == 1 {
			found = &s.callers[i]
		}
	}
	return found
}
