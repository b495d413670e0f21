package deploy

import (
	"context"
	"path/filepath"
)

// WorkspaceConfig says where a Terraform workspace is and what it needs.
type WorkspaceConfig struct {
	// Dir is the workspace's folder, see WorkspaceDir. Made when absent.
	Dir string
	// Terraform is the executable.
	Terraform string
	// ProviderBinary is terraform-provider-loanops.
	ProviderBinary string
	// AgentURL and AgentTokenFile are what the provider connects to.
	AgentURL, AgentTokenFile string
}

// WorkspaceDir is the folder of a pipeline's environment below a work folder.
func WorkspaceDir(workDir, pipeline, environment string) string {
	return filepath.Join(workDir, "terraform", pipeline, environment)
}

// Workspace is one pipeline's environment as Terraform sees it.
type Workspace struct{ cfg WorkspaceConfig }

// NewWorkspace returns the workspace in cfg.Dir; nothing is written before the first operation.
func NewWorkspace(cfg WorkspaceConfig) *Workspace { return &Workspace{cfg: cfg} }

// Prepare brings the folder up to date (configuration, provider, addresses), so that a person's terraform plan works.
func (w *Workspace) Prepare(ctx context.Context) error { panic("deploy: being written") }

// Plan says what making the environment like desired would change. It changes nothing.
func (w *Workspace) Plan(ctx context.Context, desired Desired) (PlanSummary, error) {
	panic("deploy: being written")
}

// Apply makes the environment like desired.
func (w *Workspace) Apply(ctx context.Context, desired Desired) error { panic("deploy: being written") }

// Destroy removes what the workspace made.
func (w *Workspace) Destroy(ctx context.Context) error { panic("deploy: being written") }

// Drift reports whether the environment differs from what was last applied.
func (w *Workspace) Drift(ctx context.Context) (bool, error) { panic("deploy: being written") }
