package platform

import (
	"context"
	"os"

	"github.com/hashicorp/go-version"
	install "github.com/hashicorp/hc-install"
	"github.com/hashicorp/hc-install/product"
	"github.com/hashicorp/hc-install/releases"
	"github.com/hashicorp/hc-install/src"

	"github.com/loanops/loanops/internal/fault"
)

// terraformVersion is fetched when PATH has neither terraform nor tofu.
const terraformVersion = "1.11.4"

func fetchTerraform(ctx context.Context, dir string, say func(string, ...any)) (string, error) {
	say("neither terraform nor tofu is on PATH: fetching terraform %s", terraformVersion)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	release := &releases.ExactVersion{Product: product.Terraform, Version: version.Must(version.NewVersion(terraformVersion)), InstallDir: dir}
	path, err := install.NewInstaller().Ensure(ctx, []src.Source{release})
	return path, fault.Wrap(fault.Unavailable, err, "terraform could not be fetched; install it (or tofu) on PATH")
}
