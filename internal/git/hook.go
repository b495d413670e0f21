package git

import (
	_ "embed"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
)

//go:embed post-receive.sh
var postReceive string

// HookTimeout bounds how long a push waits for the start of its tests.
const HookTimeout = 30 * time.Second

const hookName = "post-receive"

// Hook is what a repository runs after a push: a command that starts the tests of each branch that was pushed.
type Hook struct {
	// Program is the loanops command.
	Program string
	// State is the platform's state folder.
	State string
	// Environment is a file of the shell with LOANOPS_*, TEMPORAL_* and AWS_* variables, for a platform that is elsewhere; empty for none.
	Environment string
}

// Script is the hook's text, for sh.
func (h Hook) Script() string {
	return strings.NewReplacer("@PROGRAM@", quoted(h.Program), "@STATE@", quoted(h.State), "@ENVIRONMENT@", quoted(h.Environment),
		"@SECONDS@", strconv.Itoa(int(HookTimeout.Seconds()))).Replace(postReceive)
}

// quoted is a text as one word of the shell.
func quoted(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// Install puts the hook into the repository in a folder and says where. A hook that is there already and says something else is fault.Refused, unless it is
// to be overwritten.
func (h Hook) Install(path string, overwrite bool) (at string, err error) {
	r, err := Open(path)
	if err != nil {
		return "", err
	}
	config, err := r.objects.Config()
	if err != nil {
		return "", fault.Wrap(fault.Invalid, err, "the configuration of %s", path)
	}
	if elsewhere := config.Raw.Section("core").Option("hooksPath"); elsewhere != "" {
		return "", fault.New(fault.Invalid, "%s has its hooks in %s (core.hooksPath); put what `loanops ci hook print` prints into %[2]s/%[3]s", path, elsewhere, hookName)
	}
	dir, err := gitFolder(path)
	if err != nil {
		return "", err
	}
	hooks := filepath.Join(dir, "hooks")
	if err := os.MkdirAll(hooks, 0o755); err != nil {
		return "", fault.Wrap(fault.Invalid, err, "the hooks of %s", path)
	}
	script := h.Script()
	at = filepath.Join(hooks, hookName)
	there, err := os.ReadFile(at)
	switch {
	case err == nil && string(there) == script:
		return at, fault.Wrap(fault.Invalid, os.Chmod(at, 0o755), "the hook of %s", path)
	case errors.Is(err, fs.ErrNotExist), overwrite:
		return at, fault.Wrap(fault.Invalid, file.Write(at, []byte(script), 0o755), "the hook of %s", path)
	case err != nil:
		return "", fault.Wrap(fault.Invalid, err, "the hook of %s", path)
	}
	return "", fault.New(fault.Refused, "%s is there already and is not this hook; call this one from it, or overwrite it with --force", at)
}
