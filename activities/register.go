package activities

import (
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
)

// Stages are the structs that do the work, one per stage, with their dependencies filled in.
type Stages struct {
	Pipelines    Pipelines
	Extraction   Extraction
	Checking     Checking
	Training     Training
	Evaluation   Evaluation
	Models       Models
	Environments Environments
	Capacity     Capacity
	Endpoint     Endpoint
	Canary       Canary
	Runs         Runs
}

// Register adds every activity under its pinned name.
func Register(r worker.ActivityRegistry, s *Stages) {
	add(r, LoadPipeline, step(s.Pipelines.Load))
	add(r, ExtractData, step(s.Extraction.Extract))
	add(r, ValidateData, step(s.Checking.Validate))
	add(r, ProfileData, step(s.Checking.Profile))
	add(r, SplitData, step(s.Checking.Split))
	add(r, TrainModel, step(s.Training.Train))
	add(r, EvaluateModel, step(s.Evaluation.Evaluate))
	add(r, CheckGates, step(s.Evaluation.CheckGates))
	add(r, RegisterModel, step(s.Models.Register))
	add(r, FindChampion, step(s.Models.FindChampion))
	add(r, ResolveModel, step(s.Models.Resolve))
	add(r, MoveAliases, step(s.Models.MoveAliases))
	add(r, PromoteModel, step(s.Models.MoveAliases))
	add(r, ClearChallenger, step(s.Models.MoveAliases))
	add(r, RollBack, step(s.Environments.RollBack))
	add(r, PlanStaging, step(s.Environments.Plan))
	add(r, PlanProduction, step(s.Environments.Plan))
	add(r, ApplyStaging, step(s.Environments.Apply))
	add(r, ApplyProduction, step(s.Environments.Apply))
	add(r, ApplyCanaryWeight, step(s.Environments.Apply))
	add(r, AbortCanary, step(s.Environments.Apply))
	add(r, MeasureModel, step(s.Capacity.Measure))
	add(r, CheckCapacity, step(s.Capacity.Check))
	add(r, SmokeTest, step(s.Endpoint.Smoke))
	add(r, SmokeTestProduction, step(s.Endpoint.Smoke))
	add(r, LatencyTest, step(s.Endpoint.Latency))
	add(r, AnalyseCanary, step(s.Canary.Analyse))
	add(r, RecordCanaryCheck, step(s.Canary.RecordCheck))
	add(r, RecordRun, step(s.Runs.Record))
}

func add(r worker.ActivityRegistry, name string, work any) {
	r.RegisterActivityWithOptions(work, activity.RegisterOptions{Name: name})
}
