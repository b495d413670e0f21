package artifact

// The roles that artifacts have in a run and in a model version.
const (
	Schema           = "schema"            // what the columns are, as the run's spec says
	Dataset          = "dataset"           // the extracted rows
	Quarantine       = "quarantine"        // rows that break a rule
	Sources          = "sources"           // the raw files that were read, with their digests: JSON
	Facts            = "facts"             // what was seen during the extraction: JSON
	ValidationReport = "validation_report" // JSON
	LeakageReport    = "leakage_report"    // JSON
	Profile          = "profile"           // JSON
	ProfileHTML      = "profile_html"
	Train            = "train"      // the part that a model is fitted to
	Validation       = "validation" // the part that chooses among models
	Test             = "test"       // the part that nobody has seen
	Bundle           = "bundle"     // the model
	Evaluation       = "evaluation" // JSON
	EvaluationHTML   = "evaluation_html"
	Golden           = "golden"   // rows of the test part with their probabilities, for smoke tests
	SwapSet          = "swap_set" // whose verdicts a delivery would change: JSON
	SwapSetHTML      = "swap_set_html"
	Drift            = "drift"       // how fresh rows differ from those that the champion was made of: JSON
	Performance      = "performance" // how the champion and the versions before it do: JSON
	Look             = "look"        // what a monitor found: JSON
	LookHTML         = "look_html"
	Cadence          = "cadence" // performance against the age of models: JSON
	CadenceHTML      = "cadence_html"
	Tree             = "tree"             // the files of a commit
	IntegrationHTML  = "integration_html" // how a commit came through its tests
	FeatureLock      = "feature_lock"     // what the features of a spec came to: JSON
	Manifest         = "manifest"         // all the others of a run: JSON from role to reference
)

// OfOutcomes is the role of what an extraction has made of rows whose outcomes have matured, beside that of the fresh rows of the same look:
// outcomes_dataset, and so on.
func OfOutcomes(role string) string { return "outcomes_" + role }

// LogOf is the role of what a step of an integration has to say in many lines: log_TestFeatures, and so on.
func LogOf(step string) string { return "log_" + step }
