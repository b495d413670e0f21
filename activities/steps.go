// Package activities does the I/O of the workflows: one file and one struct per stage. What crosses Temporal is references
// and small summaries that a person can read in the Web UI, never an applicant's data.
package activities

import (
	"strings"

	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/train/logit"
)

// The steps of a training.
var (
	LoadPipeline  = Step[PipelineInput, PipelineOutput]{Name: "LoadPipeline", Role: Data}
	ExtractData   = Step[ExtractInput, ExtractOutput]{Name: "ExtractData", Version: "5", Role: Data, Patience: Long}
	ValidateData  = Step[ValidateInput, ValidateOutput]{Name: "ValidateData", Version: "6", Role: Data, Patience: Long}
	RecordSchema  = Step[RecordSchemaInput, RecordSchemaOutput]{Name: "RecordSchema", Role: Data}
	ProfileData   = Step[ProfileInput, ProfileOutput]{Name: "ProfileData", Version: "3", Role: Data, Patience: Long}
	SplitData     = Step[SplitInput, SplitOutput]{Name: "SplitData", Version: "4", Role: Data, Patience: Long}
	CheckSplit    = Step[SplitCheckInput, SplitCheckOutput]{Name: "CheckSplit", Version: "1", Role: Data, Patience: Long}
	CheckLeakage  = Step[LeakageInput, LeakageOutput]{Name: "CheckLeakage", Version: "2", Role: Data, Patience: Long}
	TrainModel    = Step[TrainInput, TrainOutput]{Name: "TrainModel", Version: logit.Version, Role: Train, Patience: Long}
	FindChampion  = Step[ChampionInput, ChampionOutput]{Name: "FindChampion", Role: Train}
	EvaluateModel = Step[EvaluateInput, EvaluateOutput]{Name: "EvaluateModel", Version: "5", Role: Train, Patience: Long}
	CheckGates    = Step[GateInput, GateOutput]{Name: "CheckGates", Role: Train}
	RegisterModel = Step[RegisterInput, RegisterOutput]{Name: "RegisterModel", Role: Train}
)

// The steps of the feature store.
var (
	FindViews       = Step[FindViewsInput, FindViewsOutput]{Name: "FindViews", Role: Data}
	ComputeView     = Step[ComputeViewInput, ComputeViewOutput]{Name: "ComputeView", Version: "3", Role: Data, Patience: Long}
	MaterializeView = Step[MaterializeViewInput, MaterializeViewOutput]{Name: "MaterializeView", Role: Data, Patience: Long}
	DescribeView    = Step[DescribeViewInput, DescribeViewOutput]{Name: "DescribeView", Version: "1", Role: Data, Patience: Long}
	// CheckQueries is urgent, for somebody waits for it.
	CheckQueries = Step[CheckQueriesInput, CheckQueriesOutput]{Name: "CheckQueries", Role: Data, Urgent: true}
)

// The steps that test a commit, see ci.Tests.
var (
	ReportStatus    = Step[StatusInput, StatusOutput]{Name: "ReportStatus", Role: Integrate, Patience: Brief}
	WriteSummary    = Step[SummaryInput, SummaryOutput]{Name: "WriteSummary", Role: Integrate, Patience: Brief}
	FetchCommit     = Step[CommitInput, CommitOutput]{Name: string(ci.FetchCommit), Role: Integrate, Patience: Brief}
	CheckSpec       = testStep(ci.CheckSpec, "2")
	RunCommands     = testStep(ci.RunCommands, "1")
	ReplayHistories = testStep(ci.ReplayHistories, "1")
	ValidateSample  = testStep(ci.ValidateSample, "2", ComputeView.Version, ExtractData.Version, ValidateData.Version, ProfileData.Version, SplitData.Version, CheckSplit.Version, CheckLeakage.Version)
	TestFeatures    = testStep(ci.TestFeatures, "2")
	TestArtifacts   = testStep(ci.TestArtifacts, "2", TrainModel.Version, EvaluateModel.Version)
	TestPredictions = testStep(ci.TestPredictions, "2")
	TestQuality     = testStep(ci.TestQuality, "2")
	TestIntegration = testStep(ci.TestIntegration, "1")
)

// testStep is a step that tests a commit. It is cached under its own version and those of the steps of a training that it takes.
func testStep(name ci.Step, versions ...string) Step[TestInput, TestOutput] {
	return Step[TestInput, TestOutput]{Name: string(name), Version: strings.Join(versions, "."), Role: Integrate, Patience: Long}
}

// The steps that make a pipeline version of a commit that passed.
var (
	PackagePipeline  = Step[PackageInput, PackageOutput]{Name: string(ci.Package), Version: "2", Role: Integrate, Patience: Brief}
	PublishPackage   = Step[PublishInput, PublishOutput]{Name: string(ci.Publish), Role: Integrate, Patience: Brief}
	CheckOwner       = Step[OwnerInput, OwnerOutput]{Name: "CheckOwner", Role: Integrate}
	RegisterPipeline = Step[RegisterPipelineInput, RegisterPipelineOutput]{Name: string(ci.RegisterPipeline), Role: Integrate}
)

// The steps of a look at production. Outcomes are extracted as data are: that is a step of its own for people to see.
var (
	FindReference      = Step[ReferenceInput, ReferenceOutput]{Name: "FindReference", Role: Data}
	FindSchemaChanges  = Step[SchemaLookInput, FindingsOutput]{Name: "FindSchemaChanges", Role: Data}
	FindRefusals       = Step[RefusalsInput, RefusalsOutput]{Name: "FindRefusals", Role: Deliver, Patience: Brief}
	CheckSkew          = Step[SkewInput, SkewOutput]{Name: "CheckSkew", Role: Data, Patience: Long}
	MeasureDrift       = Step[DriftInput, DriftOutput]{Name: "MeasureDrift", Version: "2", Role: Train, Patience: Long}
	ExtractOutcomes    = Step[ExtractInput, OutcomesOutput]{Name: "ExtractOutcomes", Role: Data, Patience: Long}
	MeasurePerformance = Step[PerformanceInput, PerformanceOutput]{Name: "MeasurePerformance", Version: "3", Role: Train, Patience: Long}
	RecordLook         = Step[LookInput, LookOutput]{Name: "RecordLook", Role: Data}
)

// The steps that measure a registered version on new data.
var (
	FindVersion     = Step[VersionInput, VersionOutput]{Name: "FindVersion", Role: Train}
	EvaluateVersion = Step[EvaluateVersionInput, EvaluateVersionOutput]{Name: "EvaluateVersion", Version: "2", Role: Train, Patience: Long}
)

// MeasureCadence says how performance goes with the age of a model.
var MeasureCadence = Step[CadenceInput, CadenceOutput]{Name: "MeasureCadence", Version: "2." + logit.Version, Role: Train, Patience: Long}

// The steps of a delivery before production.
var (
	ResolveModel  = Step[ResolveInput, ResolveOutput]{Name: "ResolveModel", Role: Deliver}
	CheckContract = Step[ComparisonInput, ContractOutput]{Name: "CheckContract", Role: Deliver}
	PredictShift  = Step[ComparisonInput, ShiftOutput]{Name: "PredictShift", Role: Deliver, Patience: Long}
	PlanStaging   = Step[PlanInput, PlanOutput]{Name: "PlanStaging", Role: Deliver, Patience: Long}
	MeasureModel  = Step[MeasureInput, MeasureOutput]{Name: "MeasureModel", Role: Deliver, Patience: Long}
	CheckCapacity = Step[CapacityInput, CapacityOutput]{Name: "CheckCapacity", Role: Deliver}
	ApplyStaging  = Step[ChangeInput, ChangeOutput]{Name: "ApplyStaging", Role: Deliver, Patience: Long}
	SmokeTest     = Step[EndpointInput, EndpointOutput]{Name: "SmokeTest", Role: Deliver, Patience: Long}
	LatencyTest   = Step[EndpointInput, EndpointOutput]{Name: "LatencyTest", Role: Deliver, Patience: Long}
)

// The steps that change what serves: each takes a generation of the serving record first.
var (
	ApplyProduction   = Step[ChangeInput, ChangeOutput]{Name: "ApplyProduction", Role: Deliver, Patience: Long}
	ApplyCanaryWeight = Step[ChangeInput, ChangeOutput]{Name: "ApplyCanaryWeight", Role: Deliver, Patience: Long}
	PromoteModel      = Step[ChangeInput, ChangeOutput]{Name: "PromoteModel", Role: Deliver, Urgent: true}
	AbortCanary       = Step[ChangeInput, ChangeOutput]{Name: "AbortCanary", Role: Deliver, Urgent: true}
	RestoreTraffic    = Step[ChangeInput, ChangeOutput]{Name: "RestoreTraffic", Role: Deliver, Urgent: true}
	RollBack          = Step[RollBackInput, RollBackOutput]{Name: "RollBack", Role: Deliver, Urgent: true}
)

// The steps that find what a rollback is about.
var (
	ChooseRollback = Step[ChooseRollbackInput, ChooseRollbackOutput]{Name: "ChooseRollback", Role: Deliver, Urgent: true}
	FindRollback   = Step[FindRollbackInput, FindRollbackOutput]{Name: "FindRollback", Role: Deliver, Urgent: true}
)

// The steps that look, keep, and make production follow its record. What a canary found waits for no other canary's window to be kept.
var (
	PlanProduction      = Step[PlanInput, PlanOutput]{Name: "PlanProduction", Role: Deliver, Patience: Long}
	SmokeTestProduction = Step[EndpointInput, EndpointOutput]{Name: "SmokeTestProduction", Role: Deliver, Patience: Brief}
	AnalyseCanary       = Step[CanaryInput, CanaryOutput]{Name: "AnalyseCanary", Role: Deliver, Patience: Long}
	RecordCanaryCheck   = Step[CheckInput, CheckOutput]{Name: "RecordCanaryCheck", Role: Deliver, Urgent: true}
	ShiftTraffic        = Step[FollowInput, FollowOutput]{Name: "ShiftTraffic", Role: Deliver, Urgent: true}
	AdoptRecord         = Step[FollowInput, FollowOutput]{Name: "AdoptRecord", Role: Deliver, Patience: Brief}
)

// The steps of a trigger that comes while a run goes on.
var (
	FindRunStart = Step[RunStartInput, RunStartOutput]{Name: "FindRunStart", Role: Data, Urgent: true}
	AwaitRun     = Step[AwaitInput, AwaitOutput]{Name: "AwaitRun", Role: Data, Urgent: true}
)

// The steps that tell people. They are urgent, for an alert must not wait for a canary's window, and each try is short.
var (
	FindEndpoints = Step[EndpointsInput, EndpointsOutput]{Name: "FindEndpoints", Role: Deliver, Urgent: true}
	SendAlert     = Step[SendInput, SendOutput]{Name: "SendAlert", Role: Deliver, Patience: Lasting, Urgent: true}
)

// The steps that verify what operators signed. A start is verified by the role that the run lives on, see Step.On.
var (
	VerifyStart    = Step[StartInput, StartOutput]{Name: "VerifyStart", Urgent: true}
	VerifyApproval = Step[ApprovalInput, ApprovalOutput]{Name: "VerifyApproval", Role: Deliver, Urgent: true}
)

// The steps of a build's trial. That a role's worker answers is asked of every role, see Step.On.
var (
	ReplayBuild = Step[TrialInput, ReplayOutput]{Name: "ReplayBuild", Role: Data, Patience: Brief}
	AnswerTrial = Step[TrialInput, BuildOutput]{Name: "AnswerTrial"}
)

// RecordRun is a step of every workflow: each records on the role that it lives on, see Step.On. A rollback must not wait for it.
var RecordRun = Step[RunInput, RunOutput]{Name: "RecordRun", Urgent: true}
