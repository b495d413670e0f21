package registry

// Trigger is what started a run. Whoever starts one in the Web UI may write another word.
type Trigger string

// The triggers.
const (
	ByHand     Trigger = "manual"   // a person
	BySchedule Trigger = "schedule" // its time came
	ByMonitor  Trigger = "monitor"  // a look at production found a reason
	// ByNewData is a look that found enough rows with a final label, and nothing else that asks for a training.
	ByNewData  Trigger = "new_data"
	BySpec     Trigger = "spec"     // a spec that trains otherwise than the one before it was registered
	ByPush     Trigger = "push"     // a commit was pushed
	ByCommit   Trigger = "commit"   // of a training: the commit that became a pipeline version
	ByUp       Trigger = "up"       // the first runs of a platform
	ByTraining Trigger = "training" // of a delivery: the training that made its version
)
