// Package settings is where the programs find their backends: by environment variables, the same on one machine (where
// `loanops up` writes them to STATE/platform.env) and distributed. Temporal's own come from its standard environment
// configuration (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TLS, API key) and S3's from the standard AWS one
// (AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY).
package settings

// Settings are the LOANOPS_* variables.
type Settings struct {
	// Database is LOANOPS_DATABASE: sqlite:///absolute/path or postgres://….
	Database string
	// Bucket is LOANOPS_BUCKET, the S3 bucket of artifacts.
	Bucket string
	// WorkDir is LOANOPS_WORK_DIR: this process's folder for its object cache (cache/) and Terraform workspaces (terraform/).
	WorkDir string
	// BinDir is LOANOPS_BIN_DIR: where loanops-api and terraform-provider-loanops are. Defaults to the program's own folder.
	BinDir string
	// Terraform is LOANOPS_TERRAFORM, the executable. Defaults to terraform, else tofu, on PATH.
	Terraform string
	// Agent is LOANOPS_AGENT, the local deployment agent's base URL.
	Agent string
	// AgentTokenFile is LOANOPS_AGENT_TOKEN_FILE: the token with which the Terraform provider writes.
	AgentTokenFile string
	// RollbackTokenFile is LOANOPS_ROLLBACK_TOKEN_FILE: the token with which a rollback writes.
	RollbackTokenFile string
	// Gateway is LOANOPS_GATEWAY, the production gateway's base URL.
	Gateway string
	// SyntheticKeyFile is LOANOPS_SYNTHETIC_KEY_FILE: the API key of the institution "synthetic", whose requests are the
	// platform's own and are counted apart.
	SyntheticKeyFile string
}
