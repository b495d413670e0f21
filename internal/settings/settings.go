// Package settings is where the programs find their backends: by environment variables, the same on one machine (where
// `loanops up` writes them to STATE/platform.env) and distributed. A program needs the variables of its role and no others.
// Temporal's own come from its standard environment configuration (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TLS, API key) and
// S3's from the standard AWS one (AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY).
package settings

// Roles of programs. A worker has one or more of the first three.
const (
	// Data reads, checks and splits raw data.
	Data = "data"
	// Train trains, evaluates and registers.
	Train = "train"
	// Deliver changes what serves and tests it.
	Deliver = "deliver"
	// Agent is the local deployment agent: it gets no way into the database.
	Agent = "agent"
	// Operator is a person's command.
	Operator = "operator"
	// Ledger is a person's command that reads or writes what operators signed: an auditor has no way to what serves.
	Ledger = "ledger"
)

// WorkerRoles are the roles that a worker can have.
func WorkerRoles() []string { return []string{Data, Train, Deliver} }

// Settings are the LOANOPS_* variables; the tag needed names the roles that cannot do without one, the tag used those that can.
type Settings struct {
	// Database is sqlite:///absolute/path or postgres://….
	Database string `env:"LOANOPS_DATABASE" needed:"data train deliver operator ledger"`
	// Bucket is the S3 bucket of artifacts.
	Bucket string `env:"LOANOPS_BUCKET" needed:"data train deliver agent operator"`
	// WorkDir is this process's folder for its object cache (cache/) and Terraform workspaces (terraform/).
	WorkDir string `env:"LOANOPS_WORK_DIR" needed:"data train deliver agent operator"`
	// BinDir is where loanops-api and terraform-provider-loanops are. Defaults to the program's own folder.
	BinDir string `env:"LOANOPS_BIN_DIR" needed:"deliver agent"`
	// Terraform is the executable. Defaults to terraform, else tofu, on PATH.
	Terraform string `env:"LOANOPS_TERRAFORM" needed:"deliver"`
	// Agent is the local deployment agent's base URL.
	Agent string `env:"LOANOPS_AGENT" needed:"deliver operator"`
	// AgentTokenFile holds the token with which the Terraform provider writes.
	AgentTokenFile string `env:"LOANOPS_AGENT_TOKEN_FILE" needed:"deliver agent"`
	// RollbackTokenFile holds the token with which a rollback writes.
	RollbackTokenFile string `env:"LOANOPS_ROLLBACK_TOKEN_FILE" needed:"deliver agent operator"`
	// Gateway is the production gateway's base URL.
	Gateway string `env:"LOANOPS_GATEWAY" needed:"deliver operator"`
	// SyntheticKeyFile holds the API key of the institution "synthetic", whose requests are the platform's own and are counted
	// apart.
	SyntheticKeyFile string `env:"LOANOPS_SYNTHETIC_KEY_FILE" needed:"deliver"`
	// DataDirs are folders of this machine below which a worker may read data files, with a colon between them. Without any it reads none.
	DataDirs string `env:"LOANOPS_DATA_DIRS" used:"data"`
	// WebUI is the base URL of Temporal's Web UI, to which alerts link. Without it they have no links.
	WebUI string `env:"LOANOPS_WEB_UI" used:"deliver"`
	// Environment is what the settings were read from: Temporal's and S3's own variables are found there too.
	Environment Environment `env:"-"`
}
