package source_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/source"
)

// tree makes empty files of the names in a new folder.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for _, name := range names {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
	return dir
}

func names(t *testing.T, dir string, files []source.File) (list []string) {
	t.Helper()
	for _, f := range files {
		name, err := filepath.Rel(dir, f.Name)
		require.NoError(t, err)
		list = append(list, name)
	}
	return list
}

func TestListIsSortedAndWithoutWhatIsNoData(t *testing.T) {
	t.Parallel()
	dir := tree(t, "b.csv", "a.csv.gz", ".hidden.csv", "_SUCCESS", "sub/c.csv", "x[1].csv", "z.txt")
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe.csv"), 0o600))
	for uri, want := range map[string][]string{
		"":          {"a.csv.gz", "b.csv", "x[1].csv", "z.txt"},
		"*.csv*":    {"a.csv.gz", "b.csv", "x[1].csv"},
		"*/*":       {"sub/c.csv"},
		"x[1].csv":  {"x[1].csv"},
		"[ab].csv*": {"a.csv.gz", "b.csv"},
	} {
		list, err := source.List(filepath.Join(dir, uri))
		require.NoError(t, err, uri)
		require.Equal(t, want, names(t, dir, list), uri)
	}
	for uri, code := range map[string]fault.Code{"none.csv": fault.NotFound, "*.none": fault.NotFound, "pipe.csv": fault.Invalid, "[.csv": fault.Invalid} {
		_, err := source.List(filepath.Join(dir, uri))
		require.Equal(t, code, fault.CodeOf(err), uri)
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	dir := tree(t, "data/a.csv", "data/sub/b.csv", "data2/c.csv", "other/secret.csv")
	require.NoError(t, os.Symlink(filepath.Join(dir, "other/secret.csv"), filepath.Join(dir, "data/out.csv")))
	require.NoError(t, os.Symlink(filepath.Join(dir, "other"), filepath.Join(dir, "data/folder")))
	require.NoError(t, os.Symlink(filepath.Join(dir, "data/a.csv"), filepath.Join(dir, "data/in.csv")))
	require.NoError(t, os.Symlink(filepath.Join(dir, "data"), filepath.Join(dir, "linked")))
	places, err := source.NewPlaces([]string{filepath.Join(dir, "linked")})
	require.NoError(t, err)
	for path, allowed := range map[string]bool{
		"data": true, "data/a.csv": true, "data/sub/b.csv": true, "data/in.csv": true, "linked/a.csv": true, "other/../data/a.csv": true,
		"data2/c.csv": false, "other/secret.csv": false, "data/out.csv": false, "data/folder/secret.csv": false, "data/../other/secret.csv": false,
		"data/folder/../data2/c.csv": false, "other/none.csv": false, "": false,
	} {
		err := places.Allow(dir + "/" + path)
		if allowed {
			require.NoError(t, err, path)
			continue
		}
		require.ErrorContains(t, err, "LOANOPS_DATA_DIRS", path)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), path)
	}
	require.Equal(t, fault.NotFound, fault.CodeOf(places.Allow(filepath.Join(dir, "linked/none.csv"))))
	require.Error(t, source.Places{}.Allow(filepath.Join(dir, "data/a.csv")), "no folder allows nothing")

	list, err := places.List(filepath.Join(dir, "linked/sub"))
	require.NoError(t, err)
	require.Equal(t, []source.File{{Name: filepath.Join(dir, "linked/sub/b.csv"), Path: filepath.Join(dir, "data/sub/b.csv")}}, list)
	for _, uri := range []string{"data", "data/*.csv", "other/*", "*/*.csv"} {
		_, err := places.List(filepath.Join(dir, uri))
		require.ErrorContains(t, err, "LOANOPS_DATA_DIRS", uri)
	}
}
