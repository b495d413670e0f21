package platform

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
)

// Wanted by hand: a new folder and one of this version are taken; one of another, and one that says nothing but has a database, are not.
func TestAStateFolderOfAnotherLoanOpsIsRefused(t *testing.T) {
	folder := func(files map[string]string) *Platform {
		p := &Platform{dir: t.TempDir()}
		for name, content := range files {
			require.NoError(t, os.WriteFile(filepath.Join(p.dir, name), []byte(content), 0o600))
		}
		return p
	}
	fresh := folder(nil)
	require.NoError(t, fresh.checkVersion())
	require.NoError(t, os.WriteFile(fresh.path("loanops.db"), nil, 0o600))
	require.NoError(t, fresh.checkVersion(), "it says what made it")
	for _, files := range []map[string]string{{"loanops.db": ""}, {"state_version": "4\n"}, {"state_version": "6\n", "loanops.db": ""}} {
		err := folder(files).checkVersion()
		require.Equal(t, fault.Conflict, fault.CodeOf(err), files)
		require.ErrorContains(t, err, "--state")
	}
}
