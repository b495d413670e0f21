package terraform

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
)

// providerSource is the provider's address; its host is explicit and ours.
const providerSource = "loanops.local/loanops/loanops"

// mirror is a filesystem mirror of one provider, which Terraform reads at init, and the CLI configuration that names it.
//
// It holds a copy: had it a symbolic link to the executable, building the program again would break every workspace (the
// dependency lock file holds a checksum) until its next init, and with it a person's terraform plan.
type mirror struct{ dir string }

// executable is where Terraform looks in an unpacked mirror.
func (m mirror) executable() string {
	return filepath.Join(m.dir, filepath.FromSlash(providerSource), contract.ProviderVersion, platform(), "terraform-provider-loanops_v"+contract.ProviderVersion)
}

// cliConfig is the file for TF_CLI_CONFIG_FILE.
func (m mirror) cliConfig() string { return filepath.Join(m.dir, "terraform.tfrc") }

// platform is Terraform's name of this machine's.
func platform() string { return runtime.GOOS + "_" + runtime.GOARCH }

// install brings the provider and the CLI configuration into the mirror.
func (m mirror) install(provider string) error {
	err := os.MkdirAll(filepath.Dir(m.executable()), 0o755)
	if err == nil {
		err = file.Copy(provider, m.executable(), 0o755)
	}
	if err != nil {
		return fault.Wrap(fault.Internal, err, "installing the Terraform provider %s", provider)
	}
	config := fmt.Sprintf("# Written by LoanOps: the provider comes from this folder, nothing from the network.\n"+
		"provider_installation {\n  filesystem_mirror {\n    path    = %s\n    include = [\"%s\"]\n  }\n}\n", strconv.Quote(m.dir), providerSource)
	return writeFile(m.cliConfig(), []byte(config), 0o644)
}

// writeFile writes data to path, in a folder that is made when absent.
func writeFile(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return file.Write(path, data, mode)
}
