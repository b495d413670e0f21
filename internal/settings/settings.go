// Package settings is where the programs find their backends: by environment variables, the same on one machine (where
// `loanops up` writes them to STATE/platform.env) and distributed. A program needs the variables of its role and no others.
// Temporal's own come from its standard environment configuration (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TLS, API key) and
// S3's from the standard AWS one (AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY).
package settings

// Roles of programs. A worker has one or more of the first four.
const (
	// Data reads, checks and splits raw data.
	Data = "data"
	// Train trains, evaluates and registers.
	Train = "train"
	// Deliver changes what serves and tests it.
	Deliver = "deliver"
	// Integrate tests, packages and publishes commits.
	Integrate = "integrate"
	// Agent is the local deployment agent: it gets no way into the database.
	Agent = "agent"
	// Features takes events of feature views and answers what views say: it reaches the feature database, and nothing of the platform's else.
	Features = "features"
	// Hooks takes what forges tell of pushes: it reaches Temporal, and nothing of the platform's else.
	Hooks = "hooks"
	// Operator is a person's command.
	Operator = "operator"
	// Package is a person's command that packs programs.
	Package = "package"
	// Ledger is a person's command that reads or writes what operators signed: an auditor has no way to what serves.
	Ledger = "ledger"
)

// WorkerRoles are the roles that a worker can have.
func WorkerRoles() []string { return []string{Data, Train, Deliver, Integrate} }

// Settings are the LOANOPS_* variables; the tag needed names the roles that cannot do without one, the tag used those that can.
type Settings struct {
	// Database is sqlite:///absolute/path or postgres://….
	Database string `env:"LOANOPS_DATABASE" needed:"data train deliver integrate operator ledger"`
	// FeaturesDatabase is that of the feature store, as Database is: a file of its own, or PostgreSQL, where both may share one.
	FeaturesDatabase string `env:"LOANOPS_FEATURES_DATABASE" needed:"features" used:"data integrate operator"`
	// Features is the base URL of the feature store's REST role, FeaturesKeyFile holds a key that may read there: what predictors ask. Without them nothing is known of
	// applicants beyond their applications.
	Features        string `env:"LOANOPS_FEATURES" used:"agent"`
	FeaturesKeyFile string `env:"LOANOPS_FEATURES_KEY_FILE" used:"agent"`
	// Bucket is the S3 bucket of artifacts.
	Bucket string `env:"LOANOPS_BUCKET" needed:"data train deliver integrate agent operator"`
	// WorkDir is this process's folder for its object cache (cache/) and Terraform workspaces (terraform/).
	WorkDir string `env:"LOANOPS_WORK_DIR" needed:"data train deliver integrate agent operator"`
	// BinDir is where terraform-provider-loanops is, and the programs that images are made of. Defaults to the program's own folder.
	BinDir string `env:"LOANOPS_BIN_DIR" needed:"deliver integrate package"`
	// Terraform is the executable. Defaults to terraform, else tofu, on PATH.
	Terraform string `env:"LOANOPS_TERRAFORM" needed:"deliver" used:"package"`
	// Agent is the local deployment agent's base URL.
	Agent string `env:"LOANOPS_AGENT" needed:"deliver operator"`
	// AgentTokenFile holds the token with which the Terraform provider writes.
	AgentTokenFile string `env:"LOANOPS_AGENT_TOKEN_FILE" needed:"deliver agent"`
	// RollbackTokenFile holds the token with which a rollback writes.
	RollbackTokenFile string `env:"LOANOPS_ROLLBACK_TOKEN_FILE" needed:"deliver agent operator"`
	// GatewayTokenFile holds the token with which gateways read what the agent routes. Without it an agent listens on loopback only, and whoever is there may read.
	GatewayTokenFile string `env:"LOANOPS_GATEWAY_TOKEN_FILE" used:"agent"`
	// Gateway is the production gateway's base URL.
	Gateway string `env:"LOANOPS_GATEWAY" needed:"deliver operator"`
	// Registry is the OCI registry of images and packages: http://host:port or https://host[/prefix].
	Registry string `env:"LOANOPS_REGISTRY" needed:"deliver integrate agent" used:"package"`
	// RegistryUsername and RegistryPasswordFile are its account. None for a registry that takes anybody.
	RegistryUsername     string `env:"LOANOPS_REGISTRY_USERNAME" used:"deliver integrate agent package"`
	RegistryPasswordFile string `env:"LOANOPS_REGISTRY_PASSWORD_FILE" used:"deliver integrate agent package"`
	// PredictorImage is what predictors run in: repository@sha256:… in the registry. Without it a worker packs the loanops-api of BinDir and brings it there.
	PredictorImage string `env:"LOANOPS_PREDICTOR_IMAGE" used:"deliver integrate"`
	// SyntheticKeyFile holds the API key of the institution "synthetic", whose requests are the platform's own and are counted
	// apart.
	SyntheticKeyFile string `env:"LOANOPS_SYNTHETIC_KEY_FILE" needed:"deliver"`
	// DataDirs are folders of this machine below which a worker may read data files and repositories, with a colon between them. Without any it reads none.
	DataDirs string `env:"LOANOPS_DATA_DIRS" used:"data integrate hooks"`
	// CICommands is allow where commands of repositories may be run, by a worker that is root, or allow-same-user by any. Empty allows none.
	CICommands string `env:"LOANOPS_CI_COMMANDS" used:"integrate"`
	// CIUsers is the range of user IDs, FIRST-LAST, that commands have. Defaults to 65520-65531.
	CIUsers string `env:"LOANOPS_CI_USERS" used:"integrate"`
	// CIDir is a folder for commands' files that every user can enter. Defaults to the system's for temporary files.
	CIDir string `env:"LOANOPS_CI_DIR" used:"integrate"`
	// CINetwork is allow where commands may use the machine's network. Empty gives them one that leads nowhere.
	CINetwork string `env:"LOANOPS_CI_NETWORK" used:"integrate"`
	// CIEnvironment names the worker's variables that commands get, with commas between them.
	CIEnvironment string `env:"LOANOPS_CI_ENVIRONMENT" used:"integrate"`
	// WebUI is the base URL of Temporal's Web UI, to which alerts and statuses link. Without it they have no links.
	WebUI string `env:"LOANOPS_WEB_UI" used:"deliver integrate"`
	// Build is the build that a worker says it is of, see package workers. Defaults to its program's.
	Build string `env:"LOANOPS_BUILD_ID" used:"data train deliver integrate"`
	// HealthAddress is the host:port at which a worker says whether it takes work. Without it nobody is told.
	HealthAddress string `env:"LOANOPS_HEALTH_ADDRESS" used:"data train deliver integrate"`
	// Environment is what the settings were read from: Temporal's and S3's own variables are found there too.
	Environment Environment `env:"-"`
}
