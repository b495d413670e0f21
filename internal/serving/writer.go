package serving

import "strings"

// RunWriter is the writer that a run is, see Author.
func RunWriter(workflowID, runID string) string { return workflowID + "/" + runID }

// Run is the run that wrote; isRun is false where a person did. A person whose name has a slash looks like a run, one that nobody knows.
func (a Author) Run() (workflowID, runID string, isRun bool) {
	slash := strings.LastIndex(a.Writer, "/") // a workflow's ID may have some itself
	if slash < 0 {
		return "", "", false
	}
	return a.Writer[:slash], a.Writer[slash+1:], true
}
