package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/features"
	"github.com/loanops/loanops/infra/environments/local"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/runtime/processes"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/forge"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/image/reference"
	"github.com/loanops/loanops/internal/namespace"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/schedule"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/internal/source"
	"github.com/loanops/loanops/internal/store"
	"github.com/loanops/loanops/internal/store/featuredb"
	"github.com/loanops/loanops/internal/warehouse"
	"github.com/loanops/loanops/internal/webhook"
	"github.com/loanops/loanops/pipelines"
)

// requestTimeout bounds one request to a predictor or the gateway.
const requestTimeout = 10 * time.Second

// wire chooses the backends of the roles and gives each stage what it needs; the stages of other roles stay empty, but for those that need nothing more.
func wire(ctx context.Context, cfg settings.Settings, roles []activities.Role, temporal client.Client, of namespace.Namespace) (stages *activities.Stages, closeAll func(), err error) {
	var opened backends
	defer func() {
		if err != nil {
			opened.close()
		}
	}()
	objects, err := artifact.Open(ctx, artifact.Config{Bucket: cfg.Bucket, CacheDir: filepath.Join(cfg.WorkDir, "cache")})
	if err != nil {
		return nil, nil, err
	}
	reg, err := store.Open(ctx, cfg.Database)
	if err != nil {
		return nil, nil, err
	}
	opened = append(opened, reg)
	database, err := reg.Identity(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := objects.Claim(ctx, database); err != nil {
		return nil, nil, err
	}
	if err := objects.NoteNamespace(ctx, of.ID); err != nil {
		return nil, nil, err
	}
	cache := activities.StepCache{Registry: reg, Objects: objects, Turns: &activities.Turns{}}
	schedules := schedule.Schedules{Client: temporal.ScheduleClient()}
	stages = &activities.Stages{
		Pipelines: activities.Pipelines{
			Registry: reg, Objects: objects, BuiltIn: pipelines.FS, Register: schedules.Register, BuiltInFeatures: features.FS, KeepFresh: schedules.KeepFresh,
		},
		Models:    activities.Models{Registry: reg, Objects: objects},
		Runs:      activities.Runs{Registry: reg, Objects: objects, Histories: temporal, Workflows: temporal},
		Approvals: activities.Approvals{Registry: reg},
	}
	places, err := source.NewPlaces(filepath.SplitList(cfg.DataDirs))
	if err != nil {
		return nil, nil, err
	}
	var duck *warehouse.Warehouse
	if slices.Contains(roles, activities.Data) || slices.Contains(roles, activities.Integrate) {
		if duck, err = warehouse.Open(filepath.Join(cfg.WorkDir, "warehouse")); err != nil {
			return nil, nil, err
		}
		opened = append(opened, duck)
	}
	var known feature.Store
	if duck != nil && cfg.FeaturesDatabase != "" {
		if known, err = featuredb.Open(ctx, cfg.FeaturesDatabase); err != nil {
			return nil, nil, err
		}
		opened = append(opened, known)
	}
	if slices.Contains(roles, activities.Data) {
		stages.Extraction = activities.Extraction{Cache: cache, Warehouse: duck, Places: places, Connection: cfg.Connection, Folder: filepath.Join(cfg.WorkDir, "extractions"), Resumes: true}
		stages.Checking = activities.Checking{Cache: cache, Warehouse: duck, Page: report.ProfileHTML}
		if known != nil {
			stages.Pipelines.Features = known
			stages.Views = activities.FeatureViews{Register: known, Log: known, Offline: known, Online: known, Reading: &stages.Extraction, Warehouse: duck}
		}
	}
	if slices.Contains(roles, activities.Train) {
		stages.Training = activities.Training{Cache: cache, Code: code()}
		stages.Evaluation = activities.Evaluation{Cache: cache, Page: report.EvaluationHTML, OnDataPage: report.OnDataHTML}
	}
	stages.Ageing = activities.Ageing{Registry: reg, Cache: cache, Page: report.CadenceHTML}
	stages.Looking = activities.Looking{Registry: reg, Cache: cache, Workflows: temporal, Page: report.LookHTML}
	if slices.Contains(roles, activities.Integrate) {
		if err := wireIntegration(ctx, stages, cfg, cache, duck, known, places, of.Name); err != nil {
			return nil, nil, err
		}
	}
	if slices.Contains(roles, activities.Deliver) {
		if err := wireDelivery(stages, cfg, reg, objects, temporal, of.Name); err != nil {
			return nil, nil, err
		}
	}
	return stages, opened.close, nil
}

// backends are what has to be closed, in the order of opening.
type backends []io.Closer

func (b backends) close() {
	for _, backend := range slices.Backward(b) {
		_ = backend.Close()
	}
}

// wireDelivery gives the stages of a delivery the agent, Terraform, the gateway and who is told.
func wireDelivery(stages *activities.Stages, cfg settings.Settings, reg registry.Registry, objects *artifact.Store, temporal client.Client, namespace string) error {
	rollbackToken, err := os.ReadFile(cfg.RollbackTokenFile)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "the rollback's token (LOANOPS_ROLLBACK_TOKEN_FILE)")
	}
	agent := contract.NewAgentClient(cfg.Agent, strings.TrimSpace(string(rollbackToken)))
	caller := httpClient()
	if _, err := imagesOf(cfg); err != nil { // said at the start, not at the first delivery
		return err
	}
	stages.Environments = activities.Environments{
		Registry: reg, Agent: agent, Image: cfg.PredictorImage,
		Workspace: func(pipeline, environment string, step terraform.Step) activities.Workspace {
			config := local.Workspace(cfg, pipeline, environment)
			config.Step = step
			return terraform.NewWorkspace(config)
		},
		Gone:    func(ctx context.Context, step terraform.Step) (bool, error) { return gone(ctx, temporal, step) },
		Running: func(ctx context.Context, by serving.Author) (bool, error) { return running(ctx, temporal, by) },
	}
	stages.Capacity = activities.Capacity{
		Registry: reg, Objects: objects, Image: cfg.PredictorImage, Run: agent.Measure,
	}
	stages.Comparison = activities.Comparison{Registry: reg, Objects: objects, Page: report.SwapSetHTML}
	stages.Endpoint = activities.Endpoint{Registry: reg, Objects: objects, Agent: agent, Client: caller}
	stages.Canary = activities.Canary{
		Registry: reg, Objects: objects, Gateway: strings.TrimSuffix(cfg.Gateway, "/"), KeyFile: cfg.SyntheticKeyFile, Client: caller, Agent: agent,
	}
	stages.Refusals = activities.Refusals{Gateway: strings.TrimSuffix(cfg.Gateway, "/"), Client: caller}
	endpoints, err := alertEndpoints(cfg)
	stages.Alerts = activities.Alerts{
		Registry: reg, Endpoints: endpoints, Client: webhook.Client(), Site: webhook.Site{WebUI: strings.TrimSuffix(cfg.WebUI, "/"), Namespace: namespace},
	}
	return err
}

// wireIntegration gives the stages of an integration repositories, the registry and the predictor that models are tried in.
func wireIntegration(ctx context.Context, stages *activities.Stages, cfg settings.Settings, cache activities.StepCache, duck *warehouse.Warehouse, features feature.Store, places source.Places, namespace string) error {
	images, err := imagesOf(cfg)
	if err != nil {
		return err
	}
	if _, err := cfg.Repositories(); err != nil { // said at the start, not at the first push
		return err
	}
	known := func(name string) (forge.Repository, bool, error) { return knownRepository(cfg, name) }
	stages.Commits = activities.Commits{Objects: cache.Objects, Places: places, Folder: filepath.Join(cfg.WorkDir, "repositories"), Known: known}
	site := webhook.Site{WebUI: strings.TrimSuffix(cfg.WebUI, "/"), Namespace: namespace}
	stages.Statuses = activities.Statuses{Known: known, Objects: cache.Objects, Page: site.Run}
	stages.Summaries = activities.Summaries{Objects: cache.Objects, Page: report.IntegrationHTML}
	stages.Integration = integration(activities.Desk{
		Cache: cache, Warehouse: duck, Views: duck, Folder: filepath.Join(cfg.WorkDir, "extractions"), Connection: cfg.Connection, Page: report.ProfileHTML,
	}, activities.Predictor{Image: cfg.PredictorImage, Bring: (&processes.Runtime{Program: images.Program}).Bring})
	if stages.Integration.Commands, err = commands(ctx, cfg); err != nil {
		return err
	}
	stages.Publication = activities.Publication{
		Registry: stages.Pipelines.Registry, Objects: cache.Objects, Images: images.Registry, Register: stages.Pipelines.Register, KeepFresh: stages.Pipelines.KeepFresh,
	}
	if features != nil { // a nil of another type would be taken for a feature store
		stages.Integration.Features, stages.Publication.Features = features, features
	}
	return nil
}

// knownRepository is one of the settings, by its name or its folder; false where they name none so.
func knownRepository(cfg settings.Settings, name string) (forge.Repository, bool, error) {
	r, err := cfg.Repository(name)
	if fault.CodeOf(err) == fault.NotFound {
		return r, false, nil
	}
	return r, err == nil, err
}

// imagesOf are those of the settings' registry, as far as they are on this machine.
func imagesOf(cfg settings.Settings) (image.Store, error) {
	images := image.Store{Dir: filepath.Join(cfg.WorkDir, "images"), Registry: image.RegistryOf(cfg)}
	if err := images.Registry.Check(); err != nil {
		return images, err
	}
	_, err := reference.Parse(cfg.PredictorImage)
	return images, fault.Wrap(fault.Invalid, err, "LOANOPS_PREDICTOR_IMAGE")
}

// alertEndpoints are who is told of alerts. Their secrets are read each time, so that they can be changed while the worker runs; what is wrong
// with them is said at the start all the same, not at the first alert.
func alertEndpoints(cfg settings.Settings) ([]webhook.Endpoint, error) {
	endpoints, err := cfg.AlertEndpoints()
	if err != nil {
		return nil, err
	}
	for _, e := range endpoints {
		if _, err := e.Key(); err != nil {
			return nil, err
		}
	}
	return endpoints, nil
}

// httpClient keeps enough idle connections for the load of the latency test and the canary.
func httpClient() *http.Client {
	return &http.Client{Timeout: requestTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second}}
}
