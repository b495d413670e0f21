// Package platform is what `loanops up` starts on one machine: Temporal with its Web UI, an S3 store and an OCI registry, a worker, the
// deployment agent, the gateway and the feature store, all on loopback, all state in one folder.
package platform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/gofrs/flock"

	"github.com/loanops/loanops/infra/environments/local"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/workflows"
)

// stateVersion is raised when a state folder means something else.
const stateVersion = 5

// Config says where the platform lives.
type Config struct {
	// State is the folder of everything, made when absent.
	State string
	// BinDir holds the programs.
	BinDir string
	// Predictor is the static program that predictors run. Defaults to loanops-api in BinDir.
	Predictor string
	// Pipeline is the one of /v1/decisions and of terraform_dir.
	Pipeline string
	// Runtime is how the agent runs predictors, see its --runtime.
	Runtime string
	// Say hears what happens, in words.
	Say func(format string, args ...any)
}

// Endpoints is STATE/endpoints.json.
type Endpoints struct {
	Temporal     string            `json:"temporal"`
	TemporalUI   string            `json:"temporal_ui"`
	TemporalHTTP string            `json:"temporal_http"`
	Namespace    string            `json:"namespace"`
	S3           string            `json:"s3"`
	Bucket       string            `json:"bucket"`
	Registry     string            `json:"registry"`
	Gateway      string            `json:"gateway"`
	Features     string            `json:"features"`
	Hooks        string            `json:"hooks"`
	Database     string            `json:"database"`
	TerraformDir map[string]string `json:"terraform_dir"`
	KeysFile     string            `json:"keys_file"`
	// FeaturesKeysFile holds the keys of the feature store, by what they allow.
	FeaturesKeysFile string         `json:"features_keys_file"`
	PID              map[string]int `json:"pid"`
	StateVersion     int            `json:"state_version"`
}

// Platform is a running platform.
type Platform struct {
	cfg      Config
	dir      string
	lock     *flock.Flock
	services []*service
	worker   *service // of the programs' folder
	Settings settings.Settings
	// Build is that of the worker in BinDir.
	Build     string
	mu        sync.Mutex
	endpoints Endpoints
	ready     bool
}

func (p *Platform) path(parts ...string) string {
	return filepath.Join(append([]string{p.dir}, parts...)...)
}

// Start starts everything and returns when all of it is ready, see Announce, but for the worker, see AwaitWorker. What was started before a failure is stopped.
func Start(ctx context.Context, cfg Config) (*Platform, error) {
	for _, name := range []string{"TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"} {
		if os.Getenv(name) != "" {
			return nil, fault.New(fault.Invalid, "%s is set, but this platform starts servers of its own; unset it, or run the worker, the agent and the gateway against yours (see README)", name)
		}
	}
	dir, err := filepath.Abs(cfg.State)
	if err != nil {
		return nil, err
	}
	p := &Platform{cfg: cfg, dir: dir}
	for _, sub := range []string{"secrets", "logs", "work"} {
		if err := os.MkdirAll(p.path(sub), 0o700); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "state folder")
		}
	}
	if p.lock, err = lock(dir); err != nil {
		return nil, err
	}
	if err := p.checkVersion(); err != nil {
		_ = p.lock.Close()
		return nil, err
	}
	_ = os.Remove(p.path("endpoints.json")) // of a platform that was killed
	if err := p.start(ctx); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

func (p *Platform) start(ctx context.Context) error {
	packing, keeping := p.packPredictor(), p.keepWorker()
	executable, err := settings.FindTerraform()
	if err != nil {
		if executable, err = fetchTerraform(ctx, p.path("terraform-bin"), p.cfg.Say); err != nil {
			return err
		}
	}
	ports, err := p.ports("temporal", "temporal_http", "temporal_ui", "s3", "registry", "agent", "gateway", "hooks", "features")
	if err != nil {
		return err
	}
	if err := errors.Join(p.keys(), p.featuresKeys()); err != nil {
		return err
	}
	here, err := os.Getwd() // whoever starts a workflow may read below it, as whoever started the platform may
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "the working directory")
	}
	folders := here
	if more := os.Getenv("LOANOPS_DATA_DIRS"); more != "" {
		folders += string(filepath.ListSeparator) + more
	}
	url := func(name string) string { return fmt.Sprintf("http://127.0.0.1:%d", ports[name]) }
	p.Settings = settings.Settings{
		Database: "sqlite://" + p.path("loanops.db"), FeaturesDatabase: "sqlite://" + p.path("features.db"), Bucket: "loanops", WorkDir: p.path("work"), BinDir: p.cfg.BinDir, Terraform: executable,
		Agent: url("agent"), AgentTokenFile: p.path("secrets", "agent.token"), RollbackTokenFile: p.path("secrets", "rollback.token"),
		Gateway: url("gateway"), SyntheticKeyFile: p.path("secrets", "synthetic.key"), DataDirs: folders, WebUI: url("temporal_ui"),
		Registry: url("registry"), Features: url("features"), FeaturesKeyFile: p.path("secrets", "features.key"),
	}
	p.endpoints = Endpoints{
		Temporal: fmt.Sprintf("127.0.0.1:%d", ports["temporal"]), TemporalUI: url("temporal_ui"), TemporalHTTP: url("temporal_http"), Namespace: "default",
		S3: url("s3"), Bucket: p.Settings.Bucket, Registry: fmt.Sprintf("127.0.0.1:%d", ports["registry"]), Gateway: p.Settings.Gateway,
		Features: url("features"), Hooks: url("hooks"), Database: p.Settings.Database,
		TerraformDir: map[string]string{
			contract.Staging:    terraform.Dir(p.Settings.WorkDir, p.cfg.Pipeline, contract.Staging),
			contract.Production: terraform.Dir(p.Settings.WorkDir, p.cfg.Pipeline, contract.Production),
		},
		KeysFile: p.path("keys.json"), FeaturesKeysFile: p.path("features-keys.json"), StateVersion: stateVersion,
	}
	if err := p.writeEnvironment(); err != nil {
		return err
	}
	return p.startServices(ctx, ports, packing, keeping)
}

// writeEnvironment makes the secrets that are not there yet, and platform.env for the commands of other shells.
func (p *Platform) writeEnvironment() error {
	s3Secret, err := secret(p.path("secrets", "s3.secret"))
	if err != nil {
		return err
	}
	for _, file := range []string{p.Settings.AgentTokenFile, p.Settings.RollbackTokenFile} {
		if _, err := secret(file); err != nil {
			return err
		}
	}
	p.Settings.Environment = p.environment(s3Secret)
	return write(p.path(settings.PlatformEnv), []byte(strings.Join(p.Settings.Environment.Environ(), "\n")+"\n"))
}

func (p *Platform) startServices(ctx context.Context, ports map[string]int, packing <-chan packed, keeping <-chan keptWorker) error {
	address := func(name string) string { return fmt.Sprintf("127.0.0.1:%d", ports[name]) }
	devserver := []string{
		"--db-filename", p.path("temporal.db"), "--s3-dir", p.path("s3"), "--port", fmt.Sprint(ports["temporal"]),
		"--http-port", fmt.Sprint(ports["temporal_http"]), "--ui-port", fmt.Sprint(ports["temporal_ui"]), "--s3-port", fmt.Sprint(ports["s3"]),
		"--registry-port", fmt.Sprint(ports["registry"]), "--registry-dir", p.path("registry"),
	}
	for _, attribute := range workflows.SearchAttributes() {
		devserver = append(devserver, "--search-attribute", attribute.GetName()+"="+attribute.GetValueType().String())
	}
	d, err := p.run("devserver", "loanops-devserver", devserver...)
	if err != nil {
		return err
	}
	agent, err := p.run("agent", "loanops", "agent", "--address", address("agent"), "--dir", p.path("agent"), "--runtime", p.cfg.Runtime, "--state", p.dir)
	if err != nil {
		return err
	}
	p.cfg.Say("starting Temporal, its Web UI, the S3 store, the registry and the deployment agent")
	for _, url := range []string{
		p.endpoints.TemporalHTTP + "/api/v1/namespaces/" + p.endpoints.Namespace, p.endpoints.TemporalUI, p.endpoints.S3 + "/healthz", p.Settings.Registry + "/v2/",
	} {
		if err := d.awaitHTTP(ctx, url); err != nil {
			return err
		}
	}
	if err := agent.awaitHTTP(ctx, p.Settings.Agent+"/healthz"); err != nil {
		return err
	}
	if err := p.pushPredictor(ctx, packing); err != nil {
		return err
	}
	p.cfg.Say("starting the gateway, the feature store and a worker")
	gateway, err := p.run("gateway", "loanops-api", "gateway", "--agent", p.Settings.Agent, "--pipeline", p.cfg.Pipeline,
		"--keys-file", p.path("gateway-keys.json"), "--address", address("gateway"))
	if err != nil {
		return err
	}
	features, err := p.run("features", "loanops", "features", "serve", "--keys-file", p.path("features-server-keys.json"), "--address", address("features"))
	if err != nil {
		return err
	}
	if err := features.awaitHTTP(ctx, p.endpoints.Features+"/readyz"); err != nil { // its database is there before a worker uses it
		return err
	}
	if err := p.prepareWorkspaces(ctx); err != nil { // before a worker goes on with what was interrupted there
		return err
	}
	if err := p.startWorkers(keeping); err != nil {
		return err
	}
	receiver, err := p.run("hooks", "loanops", "hooks", "--address", address("hooks"), "--state", p.dir)
	if err != nil {
		return err
	}
	return errors.Join(gateway.awaitHTTP(ctx, p.Settings.Gateway+"/healthz"), receiver.awaitHTTP(ctx, p.endpoints.Hooks+"/healthz"))
}

// Announce writes endpoints.json: whoever waits for it may begin. What they need is to be there before.
func (p *Platform) Announce() error {
	p.mu.Lock()
	p.ready = true
	p.mu.Unlock()
	return p.publish()
}

// prepareWorkspaces lets a person's terraform plan work although the agent's address or the provider are not what they were. Whoever works in
// one at this moment prepares it by that.
func (p *Platform) prepareWorkspaces(ctx context.Context) error {
	dirs, err := filepath.Glob(filepath.Join(p.Settings.WorkDir, "terraform", "*", "*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		pipeline, environment := filepath.Base(filepath.Dir(dir)), filepath.Base(dir)
		workspace := terraform.NewWorkspace(local.Workspace(p.Settings, pipeline, environment))
		if err := workspace.Prepare(ctx); err != nil && fault.CodeOf(err) != fault.Conflict {
			return fault.Wrap(fault.Unavailable, err, "Terraform workspace %s", dir)
		}
	}
	return nil
}

func (p *Platform) run(name, program string, args ...string) (*service, error) {
	return p.runProgram(name, name, filepath.Join(p.cfg.BinDir, program), args...)
}

// runProgram runs a program as a service of that name, with the environment of its kind.
func (p *Platform) runProgram(name, kind, program string, args ...string) (*service, error) {
	s := &service{
		name: name, program: program, args: args, env: p.serviceEnvironments()[kind], logDir: p.path("logs"),
		changed: func() { _ = p.publish() }, // the next change tries again
	}
	if err := s.start(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.services = append(p.services, s)
	p.mu.Unlock()
	_ = p.publish()
	return s, nil
}

// publish writes endpoints.json with the processes as they are now.
func (p *Platform) publish() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ready {
		return nil
	}
	p.endpoints.PID = map[string]int{"up": os.Getpid()}
	for _, s := range p.services {
		p.endpoints.PID[s.name] = s.running()
	}
	return writeJSON(p.path("endpoints.json"), p.endpoints)
}

// Endpoints says where everything is.
func (p *Platform) Endpoints() Endpoints {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.endpoints
}

// Stop ends the services, the last started first, and frees the state folder.
func (p *Platform) Stop() {
	p.mu.Lock()
	p.ready = false
	services := p.services
	p.mu.Unlock()
	_ = os.Remove(p.path("endpoints.json"))
	_ = os.Remove(p.path(settings.PlatformEnv))
	for i := len(services) - 1; i >= 0; i-- {
		services[i].stop()
	}
	_ = p.lock.Close() // the system frees it anyway when this process ends
}
