package platform

import (
	"os"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/settings"
)

// environment is everything that the platform's programs and a person's commands are told, secrets among it.
func (p *Platform) environment(s3Secret string) settings.Environment {
	return settings.NewEnvironment(append(p.Settings.Environ(append(settings.WorkerRoles(), settings.Agent, settings.Operator)...),
		"TEMPORAL_ADDRESS="+p.endpoints.Temporal, "TEMPORAL_NAMESPACE="+p.endpoints.Namespace,
		"AWS_ENDPOINT_URL_S3="+p.endpoints.S3, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=loanops", "AWS_SECRET_ACCESS_KEY="+s3Secret)...)
}

// serviceEnvironments says by name what each service gets: what it needs, and nothing else of the platform's environment or of this
// process's.
func (p *Platform) serviceEnvironments() map[string][]string {
	everything := p.Settings.Environment.Environ()
	named := func(prefixes ...string) []string {
		return slices.DeleteFunc(slices.Clone(everything), func(line string) bool {
			return !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(line, prefix) })
		})
	}
	system := systemEnvironment()
	return map[string][]string{
		// The S3 store checks the keys that the others use.
		"devserver": slices.Concat(system, named("AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=")),
		"agent":     slices.Concat(system, named("AWS_"), p.Settings.Environ(settings.Agent)),
		"worker": slices.Concat(system, named("AWS_", "TEMPORAL_"), p.Settings.Environ(settings.WorkerRoles()...),
			ofThePerson(settings.ConnectionPrefix, settings.AlertPrefix), withoutSecrets(ofThePerson(settings.RepositoryPrefix)), settings.NewEnvironment(os.Environ()...).ForCommands()),
		"hooks": slices.Concat(system, named("TEMPORAL_"), p.Settings.Environ(settings.Hooks), ofThePerson(settings.RepositoryPrefix)),
		// It knows its database, and has nothing to tell to the rest of the platform.
		"features": p.Settings.Environ(settings.Features),
		// The gateway reads what callers send: it has nothing to tell.
		"gateway": nil,
	}
}

// ofThePerson are the variables of those prefixes that whoever started the platform has set: connections to databases, receivers of alerts, repositories.
func ofThePerson(prefixes ...string) []string {
	return slices.DeleteFunc(os.Environ(), func(line string) bool {
		return !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(line, prefix) })
	})
}

// withoutSecrets leaves out what verifies webhooks: no worker takes any.
func withoutSecrets(repositories []string) []string {
	return slices.DeleteFunc(repositories, func(line string) bool {
		name, _, _ := strings.Cut(line, "=")
		return settings.IsSecret(name)
	})
}

// systemEnvironment is what programs find other programs, their user's files and a place for temporary files by.
func systemEnvironment() []string {
	var system []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		if value, set := os.LookupEnv(name); set {
			system = append(system, name+"="+value)
		}
	}
	return system
}
