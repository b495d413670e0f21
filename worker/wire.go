package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/infra/environments/local"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/measure"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/internal/store"
	"github.com/loanops/loanops/internal/warehouse"
	"github.com/loanops/loanops/pipelines"
)

// requestTimeout bounds one request to a predictor or the gateway.
const requestTimeout = 10 * time.Second

// wire chooses the backends and gives each stage what it needs.
func wire(ctx context.Context, cfg settings.Settings, temporal client.Client) (stages *activities.Stages, closeAll func(), err error) {
	objects, err := artifact.Open(ctx, artifact.Config{Bucket: cfg.Bucket, CacheDir: filepath.Join(cfg.WorkDir, "cache")})
	if err != nil {
		return nil, nil, err
	}
	reg, err := store.Open(ctx, cfg.Database)
	if err != nil {
		return nil, nil, err
	}
	duck, err := warehouse.Open(filepath.Join(cfg.WorkDir, "warehouse"))
	if err != nil {
		return nil, nil, err
	}
	rollbackToken, err := os.ReadFile(cfg.RollbackTokenFile)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Invalid, err, "the rollback's token (LOANOPS_ROLLBACK_TOKEN_FILE)")
	}
	agent := contract.NewAgentClient(cfg.Agent, strings.TrimSpace(string(rollbackToken)))
	memory := activities.Memory{Registry: reg, Objects: objects}
	tables := tables{duck}
	caller := httpClient()
	api := filepath.Join(cfg.BinDir, "loanops-api")
	stages = &activities.Stages{
		Pipelines:  activities.Pipelines{Registry: reg, BuiltIn: pipelines.FS},
		Extraction: activities.Extraction{Memory: memory, Warehouse: tables},
		Checking:   activities.Checking{Memory: memory, Warehouse: tables},
		Training:   activities.Training{Memory: memory},
		Evaluation: activities.Evaluation{Memory: memory, Page: report.EvaluationHTML},
		Models:     activities.Models{Registry: reg},
		Environments: activities.Environments{
			Agent:     agent,
			Workspace: func(pipeline, environment string) activities.Workspace { return workspace(cfg, pipeline, environment) },
			Back: func(ctx context.Context, request shift.RollbackRequest) (shift.RollbackResult, error) {
				return shift.Rollback(ctx, reg, agent, request)
			},
		},
		Capacity: activities.Capacity{Objects: objects, APIBinary: api, Run: measure.Run},
		Endpoint: activities.Endpoint{Objects: objects, Client: caller},
		Canary: activities.Canary{
			Registry: reg, Objects: objects, Gateway: strings.TrimSuffix(cfg.Gateway, "/"), KeyFile: cfg.SyntheticKeyFile, Client: caller,
		},
		Runs: activities.Runs{Registry: reg, Histories: temporal},
	}
	return stages, func() {
		_ = duck.Close()
		_ = reg.Close()
	}, nil
}

// workspace is a pipeline's environment in Terraform.
func workspace(cfg settings.Settings, pipeline, environment string) *terraform.Workspace {
	return terraform.NewWorkspace(terraform.Config{
		Dir: terraform.Dir(cfg.WorkDir, pipeline, environment), Terraform: cfg.Terraform,
		Configuration: local.FS, ProviderBinary: filepath.Join(cfg.BinDir, "terraform-provider-loanops"),
		AgentURL: cfg.Agent, AgentTokenFile: cfg.AgentTokenFile,
	})
}

// httpClient keeps enough idle connections for the load of the latency test and the canary.
func httpClient() *http.Client {
	return &http.Client{Timeout: requestTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second}}
}

// tables is the warehouse as the activities see it.
type tables struct{ *warehouse.Warehouse }

func (t tables) Extract(ctx context.Context, spec pipeline.Spec, base string, joins []string, asOf time.Time) (dataset.Table, error) {
	return t.Warehouse.Extract(ctx, spec, warehouse.Files{Base: base, Joins: joins}, asOf)
}
