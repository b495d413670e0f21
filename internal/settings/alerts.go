package settings

import (
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// AlertPrefix begins the variables that name who is told of alerts: LOANOPS_ALERT_<NAME>_URL and, a file with the secret that signs them,
// LOANOPS_ALERT_<NAME>_SECRET_FILE.
const AlertPrefix = "LOANOPS_ALERT_"

const urlSuffix, secretSuffix = "_URL", "_SECRET_FILE"

// AlertEndpoint is who is told of alerts.
type AlertEndpoint struct {
	Name string // in lower case
	URL  string
	// variables are those of the URL and of the secret's file, whose value is file.
	variables [2]string
	file      string
}

var alertName = regexp.MustCompile(`^[A-Z0-9_]{1,40}$`)

// AlertEndpoints are the endpoints of the environment, by name. An empty URL is none, and what is half is fault.Invalid. Secrets are not read, see
// AlertEndpoint.Secret: one that cannot be read says nothing of the other endpoints.
func (s Settings) AlertEndpoints() ([]AlertEndpoint, error) {
	var endpoints []AlertEndpoint
	for _, variable := range slices.Sorted(maps.Keys(s.Environment)) {
		name, isURL := strings.CutSuffix(variable, urlSuffix)
		name, ours := strings.CutPrefix(name, AlertPrefix)
		if !ours || !isURL || s.Environment[variable] == "" {
			continue
		}
		endpoint, err := s.alertEndpoint(name, s.Environment[variable])
		if err != nil {
			return nil, err
		}
		endpoints = append(endpoints, endpoint)
	}
	return endpoints, nil
}

func (s Settings) alertEndpoint(name, address string) (AlertEndpoint, error) {
	variable := AlertPrefix + name + urlSuffix
	if !alertName.MatchString(name) {
		return AlertEndpoint{}, fault.New(fault.Invalid, "%s: the name between %s and %s is at most 40 capital letters, digits and underscores", variable, AlertPrefix, urlSuffix)
	}
	at, err := url.Parse(address)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" || at.User != nil {
		return AlertEndpoint{}, fault.New(fault.Invalid, "%s: a URL such as https://host/path is wanted, without a password", variable)
	}
	file := AlertPrefix + name + secretSuffix
	e := AlertEndpoint{Name: strings.ToLower(name), URL: address, variables: [2]string{variable, file}, file: s.Environment[file]}
	if e.file == "" {
		return AlertEndpoint{}, e.secretless()
	}
	return e, nil
}

// Secret is what the endpoint's file has now: it may be changed at any time. fault.Invalid where it cannot be read.
func (e AlertEndpoint) Secret() (string, error) {
	secret, err := os.ReadFile(e.file)
	if err != nil {
		return "", e.secretless()
	}
	return strings.TrimSpace(string(secret)), nil
}

func (e AlertEndpoint) secretless() error {
	return fault.New(fault.Invalid, "%s is set: set %s to a file that can be read and holds the secret that signs what is sent there", e.variables[0], e.variables[1])
}
