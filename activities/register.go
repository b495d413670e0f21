package activities

import "go.temporal.io/sdk/worker"

// Stages are the structs that do the work, one per stage, with their dependencies filled in.
type Stages struct {
	Pipelines    Pipelines
	Extraction   Extraction
	Views        FeatureViews
	Checking     Checking
	Training     Training
	Evaluation   Evaluation
	Models       Models
	Looking      Looking
	Ageing       Ageing
	Refusals     Refusals
	Environments Environments
	Capacity     Capacity
	Comparison   Comparison
	Endpoint     Endpoint
	Canary       Canary
	Approvals    Approvals
	Commits      Commits
	Statuses     Statuses
	Summaries    Summaries
	Integration  Integration
	Publication  Publication
	Runs         Runs
	Alerts       Alerts
	Trials       Trials
}

// Register adds the steps of a role that are taken from its queue, or from its queue of urgent ones, each under its pinned name.
func Register(r worker.ActivityRegistry, role Role, urgent bool, s *Stages) {
	to := registrar{r, role, urgent, &s.Runs}
	LoadPipeline.register(to, s.Pipelines.Load)
	ExtractData.register(to, s.Extraction.Extract)
	FindViews.register(to, s.Views.Find)
	ComputeView.register(to, s.Views.Compute)
	MaterializeView.register(to, s.Views.Materialize)
	CheckSkew.register(to, s.Views.Skew)
	DescribeView.register(to, s.Views.Describe)
	CheckQueries.register(to, s.Views.CheckQueries)
	ValidateData.register(to, s.Checking.Validate)
	RecordSchema.register(to, s.Pipelines.RecordSchema)
	ProfileData.register(to, s.Checking.Profile)
	SplitData.register(to, s.Checking.Split)
	CheckSplit.register(to, s.Checking.CheckSplit)
	CheckLeakage.register(to, s.Checking.Leaks)
	TrainModel.register(to, s.Training.Train)
	FindChampion.register(to, s.Models.FindChampion)
	EvaluateModel.register(to, s.Evaluation.Evaluate)
	CheckGates.register(to, s.Evaluation.CheckGates)
	RegisterModel.register(to, s.Models.Register)
	FetchCommit.register(to, s.Commits.Fetch)
	ReportStatus.register(to, s.Statuses.Report)
	WriteSummary.register(to, s.Summaries.Write)
	s.Integration.register(to)
	PackagePipeline.register(to, s.Publication.Package)
	PublishPackage.register(to, s.Publication.Publish)
	CheckOwner.register(to, s.Publication.CheckOwner)
	RegisterPipeline.register(to, s.Publication.RegisterVersion)
	FindReference.register(to, s.Looking.Reference)
	FindSchemaChanges.register(to, s.Looking.Schema)
	FindRefusals.register(to, s.Refusals.Find)
	MeasureDrift.register(to, s.Looking.Drift)
	ExtractOutcomes.register(to, s.Extraction.ExtractOutcomes)
	MeasurePerformance.register(to, s.Looking.Performance)
	RecordLook.register(to, s.Looking.Record)
	FindVersion.register(to, s.Models.Find)
	EvaluateVersion.register(to, s.Evaluation.EvaluateVersion)
	MeasureCadence.register(to, s.Ageing.Measure)
	ResolveModel.register(to, s.Environments.Resolve)
	CheckContract.register(to, s.Comparison.CheckContract)
	PredictShift.register(to, s.Comparison.Predict)
	PlanStaging.register(to, s.Environments.Plan)
	PlanProduction.register(to, s.Environments.Plan)
	ApplyStaging.register(to, s.Environments.Stage)
	ApplyProduction.register(to, s.Environments.Prepare)
	ApplyCanaryWeight.register(to, s.Environments.Weigh)
	PromoteModel.register(to, s.Environments.Promote)
	AbortCanary.register(to, s.Environments.Abort)
	RestoreTraffic.register(to, s.Environments.Restore)
	ChooseRollback.register(to, s.Environments.ChooseRollback)
	RollBack.register(to, s.Environments.RollBack)
	FindRollback.register(to, s.Environments.FindRollback)
	ShiftTraffic.register(to, s.Environments.Shift)
	AdoptRecord.register(to, s.Environments.Adopt)
	MeasureModel.register(to, s.Capacity.Measure)
	CheckCapacity.register(to, s.Capacity.Check)
	SmokeTest.register(to, s.Endpoint.Smoke)
	SmokeTestProduction.register(to, s.Endpoint.Smoke)
	LatencyTest.register(to, s.Endpoint.Latency)
	AnalyseCanary.register(to, s.Canary.Analyse)
	RecordCanaryCheck.register(to, s.Canary.RecordCheck)
	FindRunStart.register(to, s.Runs.Start)
	AwaitRun.register(to, s.Runs.AwaitEnd)
	FindEndpoints.register(to, s.Alerts.Find)
	SendAlert.register(to, s.Alerts.Send)
	ReplayBuild.register(to, s.Trials.ReplayAll)
	AnswerTrial.On(role).register(to, s.Trials.Answer)
	VerifyStart.On(role).register(to, s.Approvals.VerifyStart)
	VerifyApproval.register(to, s.Approvals.Verify)
	RecordRun.On(role).register(to, s.Runs.Record)
}
