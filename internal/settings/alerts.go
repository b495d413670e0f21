package settings

import (
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/webhook"
)

// AlertPrefix begins the variables that name who is told of alerts: LOANOPS_ALERT_<NAME>_URL and, a file with the secret that signs them,
// LOANOPS_ALERT_<NAME>_SECRET_FILE.
const AlertPrefix = "LOANOPS_ALERT_"

const urlSuffix, secretSuffix = "_URL", "_SECRET_FILE"

var alertName = regexp.MustCompile(`^[A-Z0-9_]{1,40}$`)

// AlertEndpoints are who is told of alerts, by name, in lower case. An empty URL is none, and what is half is fault.Invalid. Their keys are not read yet:
// one that cannot be read says nothing of the other endpoints.
func (s Settings) AlertEndpoints() ([]webhook.Endpoint, error) {
	var endpoints []webhook.Endpoint
	for _, name := range s.named(AlertPrefix) {
		endpoint, err := s.alertEndpoint(name, s.Environment[AlertPrefix+name+urlSuffix])
		if err != nil {
			return nil, err
		}
		endpoints = append(endpoints, endpoint)
	}
	return endpoints, nil
}

// named are the names that have a URL among the variables of a prefix, sorted. An empty URL is none.
func (s Settings) named(prefix string) (names []string) {
	for _, variable := range slices.Sorted(maps.Keys(s.Environment)) {
		name, isURL := strings.CutSuffix(variable, urlSuffix)
		name, ours := strings.CutPrefix(name, prefix)
		if ours && isURL && s.Environment[variable] != "" {
			names = append(names, name)
		}
	}
	return names
}

func (s Settings) alertEndpoint(name, address string) (webhook.Endpoint, error) {
	variable := AlertPrefix + name + urlSuffix
	if !alertName.MatchString(name) {
		return webhook.Endpoint{}, fault.New(fault.Invalid, "%s: the name between %s and %s is at most 40 capital letters, digits and underscores", variable, AlertPrefix, urlSuffix)
	}
	at, err := url.Parse(address)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" || at.User != nil {
		return webhook.Endpoint{}, fault.New(fault.Invalid, "%s: a URL such as https://host/path is wanted, without a password", variable)
	}
	file := AlertPrefix + name + secretSuffix
	secretless := fault.New(fault.Invalid, "%s is set: set %s to a file that can be read and holds the secret that signs what is sent there", variable, file)
	holds := s.Environment[file]
	if holds == "" {
		return webhook.Endpoint{}, secretless
	}
	name = strings.ToLower(name)
	return webhook.Endpoint{Name: name, URL: address, Key: func() ([]byte, error) {
		secret, err := os.ReadFile(holds)
		if err != nil {
			return nil, secretless
		}
		key, err := webhook.ParseSecret(string(secret))
		return key, fault.Wrap(fault.Invalid, err, "the secret of the alert endpoint %q", name)
	}}, nil
}
