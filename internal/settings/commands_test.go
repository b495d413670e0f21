package settings_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/settings"
)

func TestWhetherCommandsAreAllowed(t *testing.T) {
	t.Parallel()
	for given, wanted := range map[[2]string]settings.CommandRights{
		{"", ""}: {}, {"", "allow"}: {Network: true}, {"allow", ""}: {Run: true}, {"allow", "allow"}: {Run: true, Network: true},
		{"allow-same-user", ""}: {Run: true, SameUser: true},
	} {
		got, err := settings.Settings{CICommands: given[0], CINetwork: given[1]}.CommandRights()
		require.NoError(t, err)
		require.Equal(t, wanted, got, given)
	}
	for variable, s := range map[string]settings.Settings{"LOANOPS_CI_COMMANDS": {CICommands: "yes"}, "LOANOPS_CI_NETWORK": {CINetwork: "Allow"}} {
		rights, err := s.CommandRights()
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
		require.ErrorContains(t, err, variable)
		require.Zero(t, rights)
	}
}

// A worker's variables reach a command by name alone, and the platform's never.
func TestTheEnvironmentOfCommands(t *testing.T) {
	t.Parallel()
	s := settings.Settings{Environment: settings.NewEnvironment("PATH=/bin", "GOPROXY=off", "GOMODCACHE=/m", "AWS_SECRET_ACCESS_KEY=s", "HOME=/root", "OTHER=x")}
	for list, wanted := range map[string][]string{
		"": {"PATH=/bin"}, "GOPROXY": {"PATH=/bin", "GOPROXY=off"}, "GOMODCACHE, GOPROXY,": {"PATH=/bin", "GOMODCACHE=/m", "GOPROXY=off"},
	} {
		s.CIEnvironment = list
		environment, err := s.CommandEnvironment()
		require.NoError(t, err, list)
		require.Equal(t, wanted, environment)
	}
	for list, said := range map[string]string{
		"AWS_SECRET_ACCESS_KEY": "is the platform's", "TEMPORAL_API_KEY": "is the platform's", "LOANOPS_DATABASE": "is the platform's",
		"HOME": "already", "GOPRIVATE": "no variable GOPRIVATE", "GOPROXY=off": "no name", "A B": "no name",
	} {
		s.CIEnvironment = list
		_, err := s.CommandEnvironment()
		require.Equal(t, fault.Invalid, fault.CodeOf(err), list)
		require.ErrorContains(t, err, said)
		require.ErrorContains(t, err, "LOANOPS_CI_ENVIRONMENT")
	}
}

func TestWhatAWorkerIsGivenForCommands(t *testing.T) {
	t.Parallel()
	require.Empty(t, settings.NewEnvironment("GOPROXY=off", "PATH=/bin").ForCommands())
	require.Equal(t, []string{"GOPROXY=off", "LOANOPS_CI_COMMANDS=allow", "LOANOPS_CI_ENVIRONMENT=GOPROXY,GONOSUMDB"},
		settings.NewEnvironment("GOPROXY=off", "GOMODCACHE=/m", "PATH=/bin", "LOANOPS_CI_COMMANDS=allow", "LOANOPS_CI_ENVIRONMENT=GOPROXY,GONOSUMDB").ForCommands())
}
