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
	Name   string // in lower case
	URL    string
	Secret string // as the file has it
}

var alertName = regexp.MustCompile(`^[A-Z0-9_]{1,40}$`)

// AlertEndpoints are the endpoints of the environment, by name. An empty URL is none. What is half, or cannot be read, is fault.Invalid.
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
	secret, err := os.ReadFile(s.Environment[file])
	if err != nil {
		return AlertEndpoint{}, fault.New(fault.Invalid, "%s is set: set %s to a file that can be read and holds the secret that signs what is sent there", variable, file)
	}
	return AlertEndpoint{Name: strings.ToLower(name), URL: address, Secret: strings.TrimSpace(string(secret))}, nil
}
