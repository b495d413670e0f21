// Package terraform plans and applies an environment through Terraform.
package terraform

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/hashicorp/terraform-exec/tfexec"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
)

// Config says where a Terraform workspace is and what it needs.
type Config struct {
	// Dir is the workspace's folder, see Dir. Made when absent.
	Dir string
	// Terraform is the executable: a path, or a name to be found on PATH.
	Terraform string
	// ProviderBinary is terraform-provider-loanops.
	ProviderBinary string
	// Configuration holds the environment's *.tf files.
	Configuration fs.FS
	// AgentURL and AgentTokenFile are what the provider connects to.
	AgentURL, AgentTokenFile string
	// Backend is where the state lies.
	Backend Backend
	// Step is who works in the workspace.
	Step Step
}

// Dir is the folder of a pipeline's environment below a work folder.
func Dir(workDir, pipeline, environment string) string {
	return filepath.Join(workDir, "terraform", pipeline, environment)
}

// Workspace is one pipeline's environment as Terraform sees it: a folder with the embedded configuration and two files of
// variables, for a state that any worker finds. A person may run terraform plan in it. One operation at a time in a folder, and
// one at a time that changes the state: another one meanwhile, of this process or not, is a Conflict.
type Workspace struct{ cfg Config }

// NewWorkspace returns the workspace in cfg.Dir; nothing is written before the first operation.
func NewWorkspace(cfg Config) *Workspace { return &Workspace{cfg: cfg} }

// The files of a workspace. Terraform reads *.auto.tfvars.json by itself (TF_VAR_* is refused by terraform-exec).
const (
	platformFile = "platform.auto.tfvars.json"
	deliveryFile = "delivery.auto.tfvars.json" // what was applied last
	plannedFile  = "planned.tfvars.json"       // what is only planned: a veto leaves the delivery as it was
	planFile     = "planned.tfplan"
	lockFile     = ".terraform.lock.hcl"
	markerFile   = ".loanops-init" // provider and backend for which init was run
	mirrorDir    = "plugins"
)

// waitDelay is how long Terraform may take to stop when it is cancelled, before it is killed with its work half done.
const waitDelay = 2 * time.Minute

// Prepare brings the folder up to date: configuration, provider, addresses. Every operation does it too; it is for the
// start of a platform, so that a person's terraform plan works although agent or provider are not what they were.
func (w *Workspace) Prepare(ctx context.Context) error {
	return w.locked(func(dir string) error { return w.prepare(ctx, dir) })
}

// Plan says what making the environment like desired would change. It changes nothing, neither there nor what is taken as
// delivered, so it needs no lock of the state.
func (w *Workspace) Plan(ctx context.Context, desired Desired) (PlanSummary, error) {
	var summary PlanSummary
	err := w.locked(func(dir string) error {
		if err := w.prepare(ctx, dir); err != nil {
			return err
		}
		if err := writeJSON(filepath.Join(dir, plannedFile), delivery(desired)); err != nil {
			return err
		}
		tf, err := w.terraform(dir)
		if err != nil {
			return err
		}
		defer os.Remove(filepath.Join(dir, planFile))
		_, err = tf.Plan(ctx, tfexec.VarFile(plannedFile), tfexec.Out(planFile), tfexec.Lock(false))
		if err != nil {
			return terraformFault(ctx, "plan", dir, err)
		}
		if tf, err = w.terraform(dir); err != nil {
			return err
		}
		plan, err := tf.ShowPlanFile(ctx, planFile)
		if err != nil {
			return terraformFault(ctx, "show", dir, err)
		}
		summary, err = summarise(plan)
		return err
	})
	return summary, err
}

// Apply makes the environment like desired. Interrupted, it is completed by applying again. A state that somebody holds is a
// LockedError; a folder that asks for a newer generation is a Conflict, and stays as it is.
func (w *Workspace) Apply(ctx context.Context, desired Desired) error {
	return w.changing(ctx, "apply", desired.Generation, func(dir string, tf *tfexec.Terraform) error {
		if err := writeDelivery(filepath.Join(dir, deliveryFile), desired); err != nil {
			return err
		}
		return terraformFault(ctx, "apply", dir, tf.Apply(ctx, tfexec.Lock(false)))
	})
}

// BreakLock takes the lock of the state away, if it is still this one. Whoever does it knows that the holder is gone and carries a
// newer generation than the holder's: only then can nothing that the holder may still do come through.
func (w *Workspace) BreakLock(ctx context.Context, lock Lock) error {
	locks, err := w.cfg.Backend.locks(ctx)
	if err != nil {
		return err
	}
	return locks.remove(ctx, lock)
}

// changing runs an operation that writes the state, under the state's lock.
func (w *Workspace) changing(ctx context.Context, name string, generation int64, operation func(dir string, tf *tfexec.Terraform) error) error {
	return w.locked(func(dir string) error {
		if err := w.prepare(ctx, dir); err != nil {
			return err
		}
		tf, err := w.terraform(dir)
		if err != nil {
			return err
		}
		locks, err := w.cfg.Backend.locks(ctx)
		if err != nil {
			return err
		}
		release, err := locks.take(ctx, dir, name, Holder{w.cfg.Step, generation})
		if err != nil {
			return err
		}
		defer release()
		return operation(dir, tf)
	})
}

// locked runs operation with the folder's absolute path while holding its lock. The kernel frees the lock of a process
// that dies.
func (w *Workspace) locked(operation func(dir string) error) error {
	dir, err := filepath.Abs(w.cfg.Dir)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "workspace's folder %q", w.cfg.Dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fault.Wrap(fault.Internal, err, "workspace's folder")
	}
	lock := flock.New(filepath.Join(dir, ".loanops-lock"), flock.SetPermissions(0o644))
	free, err := lock.TryLock()
	if err != nil {
		return fault.Wrap(fault.Internal, err, "workspace's lock")
	}
	if !free {
		return fault.New(fault.Conflict, "another operation is going on in %s", dir)
	}
	defer func() { _ = lock.Close() }() // the system frees it anyway when this process ends
	return operation(dir)
}

// prepare writes what Terraform reads and runs init when the provider or the backend is new here. A provider built again has
// another checksum than the dependency lock file says, so that file goes: it guards downloads, and nothing is downloaded.
func (w *Workspace) prepare(ctx context.Context, dir string) error {
	if err := writeConfiguration(w.cfg.Configuration, dir); err != nil {
		return fault.Wrap(fault.Internal, err, "configuration in %s", dir)
	}
	token, err := filepath.Abs(w.cfg.AgentTokenFile)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "agent's token file %q", w.cfg.AgentTokenFile)
	}
	err = writeJSON(filepath.Join(dir, platformFile), map[string]string{"agent_url": w.cfg.AgentURL, "agent_token_file": token})
	if err != nil {
		return err
	}
	if err := w.cfg.Backend.write(dir); err != nil {
		return err
	}
	if err := w.prepareDelivery(ctx, dir); err != nil {
		return err
	}
	digest, _, err := file.Digest(w.cfg.ProviderBinary)
	if err != nil {
		return fault.Wrap(fault.NotFound, err, "the Terraform provider (build it with: make build)")
	}
	backend, err := os.ReadFile(filepath.Join(dir, backendFile))
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the backend in %s", dir)
	}
	plugins := mirror{filepath.Join(dir, mirrorDir)}
	installed := filepath.Join(dir, ".terraform", "providers", filepath.FromSlash(providerSource), contract.ProviderVersion, platform(), filepath.Base(plugins.executable()))
	wanted := digest + "\n" + string(backend)
	marker, _ := os.ReadFile(filepath.Join(dir, markerFile)) // unreadable is as good as absent: init runs
	if string(marker) == wanted && exists(installed) && exists(filepath.Join(dir, lockFile)) {
		return nil
	}
	if err := plugins.install(w.cfg.ProviderBinary); err != nil {
		return err
	}
	for _, old := range []string{markerFile, lockFile} {
		if err := os.Remove(filepath.Join(dir, old)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fault.Wrap(fault.Internal, err, "traces of an earlier init")
		}
	}
	tf, err := w.terraform(dir)
	if err != nil {
		return err
	}
	if err := tf.Init(ctx, tfexec.Reconfigure(true)); err != nil {
		return terraformFault(ctx, "init", dir, err)
	}
	return writeFile(filepath.Join(dir, markerFile), []byte(wanted), 0o644)
}

// terraform returns a new runner: one for each operation, as some operations leave settings behind in it.
func (w *Workspace) terraform(dir string) (*tfexec.Terraform, error) {
	path, err := exec.LookPath(w.cfg.Terraform)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "Terraform %q", w.cfg.Terraform)
	}
	tf, err := tfexec.NewTerraform(dir, path)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "Terraform in %s", dir)
	}
	if err := tf.SetEnv(childEnvironment(dir)); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "Terraform's environment")
	}
	if err := tf.SetWaitDelay(waitDelay); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "Terraform's time to stop")
	}
	return tf, nil
}

// childEnvironment is what Terraform gets: none of the caller's TF_* (a TF_CLI_CONFIG_FILE or TF_DATA_DIR of the person
// at the keyboard must not reach it) and no secrets: the state's lie in a file, see Backend, or AWS' own sources have them.
func childEnvironment(dir string) map[string]string {
	env := map[string]string{
		"TF_CLI_CONFIG_FILE": mirror{filepath.Join(dir, mirrorDir)}.cliConfig(),
		"CHECKPOINT_DISABLE": "1", // no question to the network about newer versions
	}
	for _, name := range append([]string{"PATH", "HOME", "TMPDIR", "LANG"}, awsSources...) {
		if value, ok := os.LookupEnv(name); ok {
			env[name] = value
		}
	}
	return env
}

// writeConfiguration makes the folder's *.tf files equal to the given ones.
func writeConfiguration(configuration fs.FS, dir string) error {
	names, err := fs.Glob(configuration, "*.tf")
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
		data, err := fs.ReadFile(configuration, name)
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	present, err := filepath.Glob(filepath.Join(dir, "*.tf"))
	if err != nil {
		return err
	}
	for _, path := range present {
		if !wanted[filepath.Base(path)] {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeJSON(path string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "%s", filepath.Base(path))
	}
	return fault.Wrap(fault.Internal, writeFile(path, append(data, '\n'), 0o644), "%s", filepath.Base(path))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
