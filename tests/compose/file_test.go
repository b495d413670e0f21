package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/tests/compose/standin"
)

const root = "../.."

// services are those of ours, with the image and the roles of the program that each runs.
var services = map[string]struct {
	image string
	roles []string
}{
	"agent":    {"loanops", []string{settings.Agent}},
	"gateway":  {"loanops-api", nil}, // it takes flags only
	"features": {"loanops", []string{settings.Features}},
	"worker":   {"loanops-worker", settings.WorkerRoles()},
	"hooks":    {"loanops", []string{settings.Hooks}},
	"cli":      {"loanops", []string{settings.Operator, settings.Ledger}},
}

// theirs are the others, which LoanOps stands on.
var theirs = []string{"postgresql", "temporal-schema", "temporal", "temporal-namespace", "temporal-ui", "s3", "registry", "balancer"}

// elsewhere are the variables of the reference that no service is given, and why.
var elsewhere = map[string]string{
	"LOANOPS_BIN_DIR":                "the image knows where its programs are",
	"LOANOPS_TERRAFORM":              "the image has it on PATH",
	"LOANOPS_HEALTH_ADDRESS":         "the image's, as its health check is",
	"LOANOPS_CI_COMMANDS":            "commands of repositories need a worker that is root, or share its rights: nobody is root here",
	"LOANOPS_CI_USERS":               "as LOANOPS_CI_COMMANDS",
	"LOANOPS_CI_DIR":                 "as LOANOPS_CI_COMMANDS",
	"LOANOPS_CI_NETWORK":             "as LOANOPS_CI_COMMANDS",
	"LOANOPS_CI_ENVIRONMENT":         "as LOANOPS_CI_COMMANDS",
	"LOANOPS_CONNECTION_<NAME>_FILE": "a lender's own database: whoever has one names it, and its secret, in a file beside this one",
	"LOANOPS_API_KEY":                "LOANOPS_API_KEY_FILE",
	"LOANOPS_OPERATOR":               "a person's, given to the one command",
	"LOANOPS_OPERATOR_KEY_FILE":      "a person's, given to the one command",
	"LOANOPS_STATE":                  "of the platform on one machine",
}

// loaded is the file as Compose reads it in a clean clone after secrets.sh, and the folder of that clone, which has nothing else in it.
func loaded(t *testing.T) (*types.Project, string) {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"docker-compose.yml", "infra/compose/secrets.sh"} {
		content, err := os.ReadFile(filepath.Join(root, file))
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), content, 0o755))
	}
	for range 2 { // the second time it changes nothing
		out, err := exec.CommandContext(t.Context(), "sh", filepath.Join(dir, "infra/compose/secrets.sh")).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	options, err := cli.NewProjectOptions([]string{filepath.Join(dir, "docker-compose.yml")}, cli.WithWorkingDirectory(dir), cli.WithEnvFiles(filepath.Join(dir, ".env")), cli.WithDotEnv, cli.WithProfiles([]string{"*"}))
	require.NoError(t, err)
	project, err := options.LoadProject(t.Context())
	require.NoError(t, err)
	return project, dir
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, file))
	require.NoError(t, err)
	return string(content)
}

func TestEveryProgramIsAService(t *testing.T) {
	t.Parallel()
	project, _ := loaded(t)
	wanted := slices.Clone(theirs)
	for name, of := range services {
		wanted = append(wanted, name)
		if there, err := project.GetService(name); err == nil {
			require.Equal(t, of.image+":latest", there.Image, name)
		}
	}
	slices.Sort(wanted)
	require.Equal(t, wanted, slices.Sorted(slices.Values(project.ServiceNames())))
}

// Each has the variables of its role and no others, and what the reference lists is set somewhere, or it is said why not.
func TestServicesHaveTheSettingsOfTheirRoles(t *testing.T) {
	t.Parallel()
	project, _ := loaded(t)
	given := map[string]bool{}
	for name, of := range services {
		service, err := project.GetService(name)
		require.NoError(t, err)
		wanted, got := map[string]bool{}, map[string]bool{}
		for _, variable := range settings.Variables(of.roles...) {
			if elsewhere[variable] == "" {
				wanted[variable] = true
			}
		}
		for variable := range service.Environment {
			given[variable] = true
			ours := strings.HasPrefix(variable, "LOANOPS_") && !strings.HasPrefix(variable, settings.AlertPrefix) && !strings.HasPrefix(variable, settings.RepositoryPrefix)
			if ours && variable != "LOANOPS_API_KEY_FILE" { // of one command, not of a role
				got[variable] = true
			}
		}
		require.Equal(t, wanted, got, name)
		require.Equal(t, name == "worker", gives(service, "LOANOPS_ALERT_OPS_SECRET_FILE"), "who signs alerts is the worker alone: %s", name)
		require.Equal(t, name == "hooks", gives(service, "LOANOPS_REPOSITORY_LOANS_SECRET_FILE"), "who verifies pushes is the receiver alone: %s", name)
		require.Equal(t, name == "cli", gives(service, "LOANOPS_API_KEY_FILE"), "who decides is the command alone: %s", name)
	}
	_, table, found := strings.Cut(read(t, "docs/reference.md"), "## The environment of the programs")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n## ")
	rows := regexp.MustCompile("(?m)^\\| (`LOANOPS_[^|]*)").FindAllStringSubmatch(table, -1)
	require.Greater(t, len(rows), 20)
	for _, row := range rows {
		for _, variable := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			name := variable[1]
			example := strings.NewReplacer("REPOSITORY_<NAME>", "REPOSITORY_LOANS", "ALERT_<NAME>", "ALERT_OPS").Replace(name)
			require.NotEqual(t, given[example], elsewhere[name] != "", "%s: either a service has it, or it is said why none has", name)
		}
	}
}

func gives(service types.ServiceConfig, variable string) bool {
	_, given := service.Environment[variable]
	return given
}

// Nothing of ours can be written to, or has rights that it does not need; it says whether it is well, and has time to end.
func TestServicesOfOursHaveNoRights(t *testing.T) {
	t.Parallel()
	project, _ := loaded(t)
	for name := range services {
		service, err := project.GetService(name)
		require.NoError(t, err)
		require.True(t, service.ReadOnly, name)
		require.Equal(t, []string{"ALL"}, service.CapDrop, name)
		require.Empty(t, service.CapAdd, name)
		require.False(t, service.Privileged, name)
		require.Empty(t, service.User, "%s: the image says it", name)
		require.Equal(t, []string{"no-new-privileges:true"}, service.SecurityOpt, name)
		require.Contains(t, service.Tmpfs, "/tmp", name)
		require.Empty(t, service.Entrypoint, "%s: the image says it, and has no shell", name)
		predictors := slices.Contains([]string{"agent", "gateway", "features", "worker"}, name)
		require.Equal(t, predictors, slices.Contains(service.NetworksByPriority(), "predictors"), "%s reaches predictors", name)
		engine := slices.ContainsFunc(service.Volumes, func(v types.ServiceVolumeConfig) bool { return strings.HasSuffix(v.Source, "docker.sock") })
		require.Equal(t, name == "agent", engine, "who asks the engine is the agent alone: %s", name)
		require.Equal(t, name == "agent", len(service.GroupAdd) > 0, name)
		if name == "cli" { // a person waits for it
			continue
		}
		require.Equal(t, "unless-stopped", service.Restart, name)
		require.NotNil(t, service.StopGracePeriod, name)
		if name == "worker" { // the image's
			continue
		}
		require.NotNil(t, service.HealthCheck, name)
		require.Equal(t, "healthy", service.HealthCheck.Test[2], name)
	}
	require.True(t, project.Networks["predictors"].Internal)
	for _, name := range theirs {
		service, err := project.GetService(name)
		require.NoError(t, err)
		require.NotContains(t, service.NetworksByPriority(), "predictors", name)
		require.Empty(t, service.GroupAdd, name)
	}
	for _, service := range project.Services {
		require.Empty(t, service.NetworkMode, service.Name)
		if service.Name == "cli" { // a rollback does not wait for what is away
			continue
		}
		for on, how := range service.DependsOn {
			other, err := project.GetService(on)
			require.NoError(t, err)
			once := strings.HasPrefix(other.Restart, "on-failure")
			wanted := types.ServiceConditionHealthy
			if once {
				wanted = types.ServiceConditionCompletedSuccessfully
			}
			require.Equal(t, wanted, how.Condition, "%s on %s", service.Name, on)
		}
	}
}

// Clients reach the gateway and the feature store by the balancer, which reaches them and nothing else; either says that it is about to end, and so can be replaced
// while they ask. What is replaced is all that is of this project, by the script of the runbook.
func TestWhatClientsAskCanBeReplaced(t *testing.T) {
	t.Parallel()
	project, _ := loaded(t)
	balancer, err := project.GetService("balancer")
	require.NoError(t, err)
	require.Equal(t, []string{"entrance"}, balancer.NetworksByPriority())
	require.True(t, balancer.ReadOnly)
	require.Equal(t, []string{"ALL"}, balancer.CapDrop)
	var ports []string
	for _, port := range balancer.Ports {
		require.Equal(t, "127.0.0.1", port.HostIP)
		ports = append(ports, port.Published)
	}
	require.Equal(t, []string{"8080", "8095"}, ports)
	config := read(t, "infra/compose/haproxy.cfg")
	for name, at := range map[string]string{"gateway": "8080", "features": "8095"} {
		service, err := project.GetService(name)
		require.NoError(t, err)
		require.Empty(t, service.Ports, "two of %s cannot have the same", name)
		require.Contains(t, strings.Join(service.Command, " "), "--address 0.0.0.0:"+at+" --drain 3s", name)
		require.Equal(t, "http://127.0.0.1:"+at+"/readyz", service.HealthCheck.Test[3], name)
		require.Contains(t, config, "  server-template "+name+" 4 "+name+":"+at+" check\n")
	}
	for _, service := range project.Services {
		wanted := slices.Contains([]string{"balancer", "gateway", "features"}, service.Name)
		require.Equal(t, wanted, slices.Contains(service.NetworksByPriority(), "entrance"), service.Name)
	}
	require.Contains(t, config, "\n  retry-on conn-failure\n", "a decision is asked for once")
	script := read(t, "infra/compose/upgrade.sh")
	for name := range services {
		require.Equal(t, name != "cli", slices.Contains(ours, name), name)
		if name != "cli" {
			require.Regexp(t, `(?m)^((replace|alone) )?`+name+`( "|$)`, script)
		}
	}
}

// Every image is a target of the Dockerfile, or a public one of a fixed version that `make compose-test` has a stand-in for, and so are those on which targets stand.
func TestImagesExist(t *testing.T) {
	t.Parallel()
	project, _ := loaded(t)
	stands, err := standin.Maker{Repository: root}.Names()
	require.NoError(t, err)
	stages := map[string]bool{"scratch": true}
	for _, from := range regexp.MustCompile(`(?m)^FROM (\S+)(?: AS (\S+))?`).FindAllStringSubmatch(read(t, "Dockerfile"), -1) {
		require.True(t, stages[from[1]] || slices.Contains(stands, from[1]), "FROM %s", from[1])
		stages[from[2]] = true
	}
	for _, service := range project.Services {
		if service.Build == nil {
			require.Contains(t, stands, service.Image, service.Name)
			continue
		}
		require.True(t, stages[service.Build.Target], "%s: the Dockerfile has no target %s", service.Name, service.Build.Target)
		require.Equal(t, service.Build.Target+":latest", service.Image, service.Name)
	}
}

// What stands in for a server is of the version that `loanops up` has in loanops-devserver, and so is the public image.
func TestServersAreThoseOfOneMachine(t *testing.T) {
	t.Parallel()
	requires := func(file string) map[string]string {
		found := map[string]string{}
		for _, line := range regexp.MustCompile(`(?m)^\t(\S+) (v\S+)$`).FindAllStringSubmatch(read(t, file), -1) {
			found[line[1]] = line[2]
		}
		return found
	}
	programs, devserver := requires("tests/compose/programs/go.mod"), requires("devserver/go.mod")
	for _, module := range []string{"go.temporal.io/server", "github.com/temporalio/ui-server/v2", "github.com/versity/versitygw", "github.com/distribution/distribution/v3"} {
		require.NotEmpty(t, devserver[module], module)
		require.Equal(t, devserver[module], programs[module], module)
	}
}
