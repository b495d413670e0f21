package local

import (
	"path/filepath"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/settings"
)

// Workspace says where one pipeline's environment is kept and what Terraform needs there, from what a worker's settings name. Who
// works in it is not said yet.
func Workspace(s settings.Settings, pipeline, environment string) terraform.Config {
	return terraform.Config{
		Dir: terraform.Dir(s.WorkDir, pipeline, environment), Terraform: s.Terraform,
		Configuration: FS, ProviderBinary: filepath.Join(s.BinDir, "terraform-provider-loanops"),
		AgentURL: s.Agent, AgentTokenFile: s.AgentTokenFile,
		Backend: terraform.Backend{Bucket: s.Bucket, S3: artifact.S3Of(s.Environment), Pipeline: pipeline, Environment: environment},
	}
}
