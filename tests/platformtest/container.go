package platformtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"

	"github.com/loanops/loanops/internal/image"
)

// Container runs the program of an image as a container runtime does: in the image's own root and nothing else but the folders that are given to it, by the
// image's own user, with /proc and /dev of the machine. There is no network and no process namespace of its own: programs meet on loopback.
//
// A test of root needs CAP_SYS_ADMIN, CAP_SYS_CHROOT, CAP_CHOWN and CAP_SETUID: files then have the owners that the image says, and the program is not root.
// A test of anybody else needs user namespaces (user.max_user_namespaces, and on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0): the image's
// user is then whoever runs the test, and owns all files.
type Container struct {
	root   string
	config v1.Config
	shared []string
	user   int
}

// containerVariable makes the test's own program set up a container and become its program, see Contained.
const containerVariable = "LOANOPS_TEST_CONTAINER"

// contained is what it is told.
type contained struct {
	Root, Dir string
	Shared    []string
	User      int
	AsRoot    bool // the starter is root: the user is to be taken on
	Args, Env []string
}

// NewContainer writes the image's files below an empty folder, with the modes and the owners that it gives them. The shared folders are seen at their own paths.
func NewContainer(of v1.Image, root string, shared ...string) (*Container, error) {
	file, err := of.ConfigFile()
	if err != nil {
		return nil, err
	}
	c := &Container{root: root, config: file.Config, shared: shared}
	if _, err := fmt.Sscanf(file.Config.User, "%d:", &c.user); err != nil || c.user == 0 {
		return nil, fmt.Errorf("the image's user is %q: a number that is not root's is wanted", file.Config.User)
	}
	if err := image.Extract(of, root); err != nil {
		return nil, err
	}
	for _, folder := range append([]string{"/proc", "/dev"}, shared...) {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			return nil, err
		}
	}
	return c, os.Chmod(root, 0o755) //nolint:gosec // the image's user goes through it
}

// Give makes the image's user the owner of files and folders that the program reads or writes.
func (c *Container) Give(paths ...string) error {
	if os.Getuid() != 0 {
		return nil // the user is who made them
	}
	for _, path := range paths {
		if err := os.Chown(path, c.user, c.user); err != nil {
			return err
		}
	}
	return nil
}

// Command runs the image's entrypoint with the arguments; what the environment names is in place of the image's own. Its test must call Contained first of all.
func (c *Container) Command(environment []string, args ...string) (*exec.Cmd, error) {
	return c.command(environment, slices.Concat(c.config.Entrypoint, args)...)
}

// Run runs another program of the image.
func (c *Container) Run(environment []string, program string, args ...string) (string, error) {
	cmd, err := c.command(environment, append([]string{program}, args...)...)
	if err != nil {
		return "", err
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (c *Container) command(environment []string, args ...string) (*exec.Cmd, error) {
	root := os.Getuid() == 0
	told, err := json.Marshal(contained{c.root, c.config.WorkingDir, c.shared, c.user, root, args, replaced(c.config.Env, environment)})
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{containerVariable + "=" + string(told)}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if !root {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: c.user, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: c.user, HostID: os.Getgid(), Size: 1}}
		cmd.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SYS_CHROOT}
	}
	return cmd, nil
}

// replaced is an environment with the variables of another in place of its own of the same names: programs take the first of two.
func replaced(environment, by []string) []string {
	names := map[string]bool{}
	for _, variable := range by {
		name, _, _ := strings.Cut(variable, "=")
		names[name] = true
	}
	return append(slices.DeleteFunc(slices.Clone(environment), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return names[name]
	}), by...)
}

// Contained becomes the program of a container where this process was started to; else it returns at once. TestMain calls it first.
func Contained() {
	told, is := os.LookupEnv(containerVariable)
	if !is {
		return
	}
	fmt.Fprintln(os.Stderr, "container:", contain(told))
	os.Exit(125) // what container runtimes answer
}

func contain(told string) error {
	var c contained
	if err := json.Unmarshal([]byte(told), &c); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("a mount namespace of its own: %w", err)
	}
	for _, folder := range append([]string{"/proc", "/dev"}, c.Shared...) {
		if err := unix.Mount(folder, filepath.Join(c.Root, folder), "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("showing it %s: %w", folder, err)
		}
	}
	if err := syscall.Chroot(c.Root); err != nil {
		return fmt.Errorf("chroot: %w", err)
	}
	if err := os.Chdir(c.Dir); err != nil {
		return err
	}
	if c.AsRoot {
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(c.User), syscall.Setuid(c.User)); err != nil {
			return fmt.Errorf("becoming the image's user: %w", err)
		}
	} else if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	if !strings.HasPrefix(c.Args[0], "/") {
		return fmt.Errorf("%s is no whole path", c.Args[0])
	}
	return fmt.Errorf("%s: %w", c.Args[0], syscall.Exec(c.Args[0], c.Args, c.Env))
}
