package platformtest

import (
	"errors"
	"fmt"
	"os/exec"
)

// Planned reports whether `terraform plan` has nothing to change in a model's production, and what it says otherwise.
func (p *Platform) Planned(model string) (clean bool, said string, err error) {
	program, err := exec.LookPath("terraform")
	if err != nil {
		if program, err = exec.LookPath("tofu"); err != nil {
			return false, "", fmt.Errorf("neither terraform nor tofu: %w", err)
		}
	}
	workspace := p.path("work", "terraform", model, "production")
	out, err := exec.Command(program, "-chdir="+workspace, "plan", "-detailed-exitcode", "-input=false", "-no-color").CombinedOutput()
	var changes *exec.ExitError
	if errors.As(err, &changes) {
		return false, string(out), nil
	}
	return err == nil, string(out), err
}
