package settings

import (
	"os"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// ConnectionPrefix begins the variables that name the files with the URLs of databases: LOANOPS_CONNECTION_<NAME>_FILE.
const ConnectionPrefix = "LOANOPS_CONNECTION_"

// Connection is the URL of a database by the name that specs call it: a spec holds no credentials.
func (s Settings) Connection(name string) (string, error) {
	variable := ConnectionPrefix + strings.ToUpper(name) + "_FILE"
	file, set := s.Environment[variable]
	if !set {
		return "", fault.New(fault.Invalid, "there is no connection %q: set %s to a file that holds the URL of its database", name, variable)
	}
	url, err := os.ReadFile(file)
	if err != nil {
		return "", fault.New(fault.Invalid, "the connection %q cannot be read: %s names no file that can be read", name, variable)
	}
	return strings.TrimSpace(string(url)), nil
}
