package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
)

// compile makes a C program or library, found by who needs it through arguments to the linker.
func compile(t *testing.T, dir, out, source string, args ...string) {
	t.Helper()
	file := filepath.Join(dir, out+".c")
	require.NoError(t, os.WriteFile(file, []byte(source), 0o600))
	told, err := exec.Command("cc", append([]string{"-o", filepath.Join(dir, out), file}, args...)...).CombinedOutput()
	require.NoError(t, err, string(told))
}

// A program needs liba, which needs libb; each names the folder beside itself, as the loader reads it (ld.so(8), $ORIGIN).
func TestLibrariesOfLibrariesAreFoundAsTheLoaderFindsThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	beside := "-Wl,-rpath,$ORIGIN"
	compile(t, dir, "libb.so", "int b(void) { return 2; }", "-shared", "-fPIC")
	compile(t, dir, "liba.so", "int b(void); int a(void) { return b(); }", "-shared", "-fPIC", "-L"+dir, "-lb", beside)
	compile(t, dir, "program", "int a(void); int main(void) { return a(); }", "-L"+dir, "-la", "-Wl,--allow-shlib-undefined", beside)
	code := 0
	if err := exec.Command(filepath.Join(dir, "program")).Run(); err != nil {
		code = err.(*exec.ExitError).ExitCode() //nolint:errorlint // nothing wraps it
	}
	require.Equal(t, 2, code, "the loader finds them")

	found, err := linkedTo(filepath.Join(dir, "program"), loaderFolders())
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "liba.so"), found.libraries["liba.so"])
	require.Equal(t, filepath.Join(dir, "libb.so"), found.libraries["libb.so"])
	require.Contains(t, found.libraries, "libc.so.6")
	require.NotEmpty(t, found.loaderFile)

	require.NoError(t, os.Rename(filepath.Join(dir, "libb.so"), filepath.Join(dir, "libc.so")))
	_, err = linkedTo(filepath.Join(dir, "program"), loaderFolders())
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.ErrorContains(t, err, "liba.so needs libb.so, which is in none of "+dir)
}

// A library of that name for another machine is passed over, as the loader does.
func TestALibraryForAnotherMachineIsPassedOver(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	compile(t, dir, "liba.so", "int a(void) { return 1; }", "-shared", "-fPIC")
	compile(t, dir, "program", "int a(void); int main(void) { return a(); }", "-L"+dir, "-la")
	foreign, err := os.ReadFile(filepath.Join(dir, "liba.so"))
	require.NoError(t, err)
	foreign[18], foreign[19] = 0xf3, 0 // e_machine: EM_RISCV
	require.NoError(t, os.WriteFile(filepath.Join(other, "liba.so"), foreign, 0o600))
	found, err := linkedTo(filepath.Join(dir, "program"), append([]string{other, dir}, loaderFolders()...))
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "liba.so"), found.libraries["liba.so"])
}
