package settings_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/forge"
	"github.com/loanops/loanops/internal/settings"
)

func repositories(lines ...string) ([]forge.Repository, error) {
	return settings.Settings{Environment: settings.NewEnvironment(lines...), DataDirs: "/data:/srv/git"}.Repositories()
}

func TestRepositories(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("0123456789abcdef\n"), 0o600))
	none, err := repositories("LOANOPS_REPOSITORY_LOANS_URL=", "LOANOPS_REPOSITORY_LOANS_KIND=github", "LOANOPS_REPOSITORYURL=x")
	require.NoError(t, err)
	require.Empty(t, none)

	two, err := repositories(
		"LOANOPS_REPOSITORY_LOANS_URL=https://git.bank.example/risk/loans.git", "LOANOPS_REPOSITORY_LOANS_KIND=gitlab", "LOANOPS_REPOSITORY_LOANS_API=https://git.bank.example/api/v4",
		"LOANOPS_REPOSITORY_LOANS_TOKEN_FILE="+secret, "LOANOPS_REPOSITORY_LOANS_SECRET_FILE="+secret, "LOANOPS_REPOSITORY_LOANS_BRANCH=release", "LOANOPS_REPOSITORY_LOANS_POLL=1m",
		"LOANOPS_REPOSITORY_CAR_LOANS_URL=/srv/git/cars.git")
	require.NoError(t, err)
	require.Len(t, two, 2)
	for _, r := range two {
		require.Equal(t, r.Name == "loans", read(t, r.Token) == "0123456789abcdef")
		require.Equal(t, r.Name == "loans", read(t, r.Secret) == "0123456789abcdef")
	}
	for i := range two {
		two[i].Token, two[i].Secret = nil, nil
	}
	require.Equal(t, []forge.Repository{
		{Name: "car_loans", Kind: forge.Bare, URL: "/srv/git/cars.git", Branch: "main"},
		{Name: "loans", Kind: forge.GitLab, URL: "https://git.bank.example/risk/loans.git", API: "https://git.bank.example/api/v4", Branch: "release", Poll: time.Minute},
	}, two)

	s := settings.Settings{Environment: settings.NewEnvironment("LOANOPS_REPOSITORY_LOANS_URL=/data/loans"), DataDirs: "/data"}
	one, err := s.Repository("loans")
	require.NoError(t, err)
	require.Equal(t, "/data/loans", one.URL)
	_, err = s.Repository("cars")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.ErrorContains(t, err, "LOANOPS_REPOSITORY_CARS_URL")
}

// A folder is the repository's that lies there, whichever way leads to it.
func TestTheRepositoryInAFolder(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	itself, link := filepath.Join(dir, "real.git"), filepath.Join(dir, "loans.git")
	require.NoError(t, os.Mkdir(itself, 0o755))
	require.NoError(t, os.Symlink(itself, link))
	s := settings.Settings{DataDirs: dir, Environment: settings.NewEnvironment("LOANOPS_REPOSITORY_LOANS_URL="+link, "LOANOPS_REPOSITORY_WEB_URL=https://git.bank.example/risk/loans.git",
		"LOANOPS_REPOSITORY_SECOND_URL="+itself, "LOANOPS_REPOSITORY_GONE_URL="+dir+"/gone/loans.git")}
	for folder, want := range map[string]string{link: "loans", itself: "loans", itself + "/": "loans", dir + "/x/../gone/loans.git": "gone"} {
		found, err := s.Repository(folder)
		require.NoError(t, err, folder)
		require.Equal(t, want, found.Name, folder)
	}
	for _, folder := range []string{dir, itself + "x", "/git.bank.example/risk/loans.git", "real.git"} {
		_, err := s.Repository(folder)
		require.Equal(t, fault.NotFound, fault.CodeOf(err), folder)
	}
}

func read(t *testing.T, of func() (string, error)) string {
	t.Helper()
	text, err := of()
	require.NoError(t, err)
	return text
}

func TestWrongRepositoriesNameTheirVariable(t *testing.T) {
	t.Parallel()
	const url = "LOANOPS_REPOSITORY_LOANS_URL=https://git/risk/loans.git"
	for _, test := range []struct{ lines, names string }{
		{"LOANOPS_REPOSITORY_loans_URL=https://git/x", "LOANOPS_REPOSITORY_loans_URL"},
		{"LOANOPS_REPOSITORY__URL=https://git/x", "LOANOPS_REPOSITORY__URL"},
		{"LOANOPS_REPOSITORY_LOANS_URL=https://ada:T0KEN@git/x", "LOANOPS_REPOSITORY_LOANS_URL"},
		{"LOANOPS_REPOSITORY_LOANS_URL=https://git/x?T0KEN", "LOANOPS_REPOSITORY_LOANS_URL"},
		{"LOANOPS_REPOSITORY_LOANS_URL=ssh://git@git/x", "LOANOPS_REPOSITORY_LOANS_URL"},
		{"LOANOPS_REPOSITORY_LOANS_URL=git@git:x", "LOANOPS_REPOSITORY_LOANS_URL"},
		{"LOANOPS_REPOSITORY_LOANS_URL=data/loans", "LOANOPS_REPOSITORY_LOANS_URL"},
		{"LOANOPS_REPOSITORY_LOANS_URL=/etc", "LOANOPS_DATA_DIRS"},
		{"LOANOPS_REPOSITORY_LOANS_URL=/data/../etc", "LOANOPS_DATA_DIRS"},
		{"LOANOPS_REPOSITORY_LOANS_URL=/database", "LOANOPS_DATA_DIRS"},
		{"LOANOPS_REPOSITORY_LOANS_URL=/data/loans LOANOPS_REPOSITORY_LOANS_KIND=github", "LOANOPS_REPOSITORY_LOANS_URL"},
		{url + " LOANOPS_REPOSITORY_LOANS_KIND=GitHub", "LOANOPS_REPOSITORY_LOANS_KIND"},
		{url + " LOANOPS_REPOSITORY_LOANS_API=git/api", "LOANOPS_REPOSITORY_LOANS_API"},
		{url + " LOANOPS_REPOSITORY_LOANS_API=https://T0KEN@git/api", "LOANOPS_REPOSITORY_LOANS_API"},
		{url + " LOANOPS_REPOSITORY_LOANS_POLL=often", "LOANOPS_REPOSITORY_LOANS_POLL"},
		{url + " LOANOPS_REPOSITORY_LOANS_POLL=1s", "LOANOPS_REPOSITORY_LOANS_POLL"},
		{url + " LOANOPS_REPOSITORY_LOANS_POLL=-1h", "LOANOPS_REPOSITORY_LOANS_POLL"},
	} {
		_, err := repositories(strings.Fields(test.lines)...)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), test.lines)
		require.ErrorContains(t, err, test.names)
		require.NotContains(t, err.Error(), "T0KEN")
	}
}

// A secret that is away, short or of several lines is none, and is repeated nowhere.
func TestSecretsOfRepositories(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	rs, err := repositories("LOANOPS_REPOSITORY_LOANS_URL=https://git/x", "LOANOPS_REPOSITORY_LOANS_SECRET_FILE="+file, "LOANOPS_REPOSITORY_LOANS_TOKEN_FILE="+file)
	require.NoError(t, err)
	for _, content := range []string{"", "\n", "s3cret", "s3cretsecrets3cret\ns3cretsecret"} {
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		_, err := rs[0].Secret()
		require.Equal(t, fault.Invalid, fault.CodeOf(err), content)
		require.ErrorContains(t, err, "LOANOPS_REPOSITORY_LOANS_SECRET_FILE")
		require.NotContains(t, err.Error(), "s3cret")
	}
	require.NoError(t, os.Remove(file))
	_, err = rs[0].Token()
	require.ErrorContains(t, err, "LOANOPS_REPOSITORY_LOANS_TOKEN_FILE")
}
