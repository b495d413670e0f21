package registry

import (
	"context"
	"time"

	"github.com/loanops/loanops/internal/approval"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/serving"
)

// Registry is implemented on SQLite and PostgreSQL; store/storetest is its contract as tests. Every error has a
// fault code: NotFound where what is named does not exist, Conflict where the world changed meanwhile, Invalid for bad
// arguments, Unavailable when the database does not answer. Times are kept in UTC to the microsecond.
type Registry interface {
	// PutPipeline records spec and its policy; the newest row of a name is the current one. Putting the current digest again changes nothing.
	PutPipeline(ctx context.Context, spec PipelineSpec) error
	// Pipeline returns the current spec of name.
	Pipeline(ctx context.Context, name string) (PipelineSpec, error)
	// PipelineAt returns the spec of that digest that is or was current under name.
	PipelineAt(ctx context.Context, name, digest string) (PipelineSpec, error)
	// PipelineHistory returns every spec that was ever current under name, newest first. None is empty.
	PipelineHistory(ctx context.Context, name string) ([]PipelineSpec, error)
	// Policy returns the policy of that digest that a spec of the pipeline declared.
	Policy(ctx context.Context, pipeline, digest string) (Policy, error)
	// Pipelines returns the current spec of each name, ordered by name.
	Pipelines(ctx context.Context) ([]PipelineSpec, error)

	// PutPipelineVersion records v with the next version number of its pipeline and returns it with Version and CreatedAt set. The same run again, or the newest
	// version's package, returns the version that is there, with created false, and changes nothing; an older version's package is a new version. Where there
	// is one before, NextOwner says who owns it, or refuses it; the first has the owner that it says.
	PutPipelineVersion(ctx context.Context, v PipelineVersion) (recorded PipelineVersion, created bool, err error)
	// PipelineVersions returns all versions of a pipeline, newest first. None is empty.
	PipelineVersions(ctx context.Context, pipeline string) ([]PipelineVersion, error)

	// PutSchemaVersion records v with the next version number of its pipeline, and with accepted makes it current: that is fault.Conflict
	// when another version than its parent is. What says the same and changes the same version is the version that is there; where a person has
	// gone back from that one to its parent it is not made current again.
	PutSchemaVersion(ctx context.Context, v SchemaVersion, accepted *SchemaAcceptance) (SchemaVersion, error)
	// AcceptSchema makes a version current; one that is stays it. One that was never current is fault.Refused when another version than its
	// parent is: it would take back what came between.
	AcceptSchema(ctx context.Context, pipeline string, version int, a SchemaAcceptance) (SchemaVersion, error)
	// SchemaVersions returns all versions of a pipeline's schema, newest first. None is empty.
	SchemaVersions(ctx context.Context, pipeline string) ([]SchemaVersion, error)

	// RegisterVersion writes v with the next version number and returns it with Version and CreatedAt set. The same name,
	// digest, meaning and predictor again returns the version that is there, with created false, and changes nothing.
	RegisterVersion(ctx context.Context, v ModelVersion) (registered ModelVersion, created bool, err error)
	// Version returns version of name.
	Version(ctx context.Context, name string, version int) (ModelVersion, error)
	// Versions returns all versions of name, newest first; empty name: of all models, ordered by name. None is empty.
	Versions(ctx context.Context, name string) ([]ModelVersion, error)

	// Records is what should serve; its pipeline is a model's name.
	serving.Records
	// Aliases returns alias to version for name, as the newest serving record of production says; an alias that names nothing
	// is absent.
	Aliases(ctx context.Context, name string) (map[string]int, error)

	// Records is who is an operator, and what operators signed.
	approval.Records

	// PutRun inserts or replaces the run with its steps. A run with an end is never replaced by one without.
	PutRun(ctx context.Context, run Run) error
	// Run returns a run by ID, or the newest of a workflow ID.
	Run(ctx context.Context, id string) (Run, error)
	// Runs returns runs without their steps, newest first, at most limit (0: 50); empty pipeline: all.
	Runs(ctx context.Context, pipeline string, limit int) ([]Run, error)

	// PutRunArtifacts notes objects that a run made, by their roles; the same role again replaces what was noted.
	PutRunArtifacts(ctx context.Context, runID string, artifacts map[string]artifact.Ref) error
	// RunArtifacts returns all that was noted of a run, by role; none is empty.
	RunArtifacts(ctx context.Context, runID string) (map[string]artifact.Ref, error)

	// PutCanaryCheck records one analysis; the same run and seq again changes nothing.
	PutCanaryCheck(ctx context.Context, check CanaryCheck) error
	// CanaryChecks returns the analyses of a run in order.
	CanaryChecks(ctx context.Context, runID string) ([]CanaryCheck, error)

	// PutLook records what a monitor's run found; the same run again changes nothing.
	PutLook(ctx context.Context, look Look) error
	// Look returns what the run of that ID found; NotFound for an unknown one.
	Look(ctx context.Context, runID string) (Look, error)
	// Looks returns the looks at a pipeline, newest first, at most limit (0: all). None is empty.
	Looks(ctx context.Context, pipeline string, limit int) ([]Look, error)

	// PutCachedStep records a step's result and when; the first one wins.
	PutCachedStep(ctx context.Context, step CachedStep) error
	// CachedStep returns the result recorded under key.
	CachedStep(ctx context.Context, key string) (CachedStep, error)
	// CachedSteps returns all of them, in the order of their keys.
	CachedSteps(ctx context.Context) ([]CachedStep, error)
	// DeleteCachedSteps forgets those of the keys that were recorded before that time, and returns how many it has forgotten.
	DeleteCachedSteps(ctx context.Context, keys []string, before time.Time) (deleted int, err error)

	// Alerts are what people are told, and who took care of it.
	Alerts

	// Ping reports whether the database answers.
	Ping(ctx context.Context) error
	// Identity is the database's own, made once: by it a bucket knows whose objects it holds, see artifact.Store.Claim. A backup that is restored has it too.
	Identity(ctx context.Context) (string, error)
	// Close releases the connections.
	Close() error
}
