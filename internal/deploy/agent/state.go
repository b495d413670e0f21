package agent

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
)

// savedState is DIR/state.json: what must run, where traffic goes, and under which generation of the serving record. Processes are not in it; they are started from it.
type savedState struct {
	// Revision is the number of changes so far. It never goes back, so that gateways know what is newer.
	Revision     int64                               `json:"revision"`
	Environments map[string]map[string]savedPipeline `json:"environments"` // by environment, then pipeline
}

// savedPipeline is one pipeline in one environment.
type savedPipeline struct {
	Tracks map[string]contract.TrackSpec `json:"tracks"`
	Route  *contract.Route               `json:"route"`
	Kills  map[string]contract.Kill      `json:"kills,omitempty"` // of the tracks, see contract.Track
	// Generation is the newest of the serving record that was told.
	Generation int64 `json:"generation"`
	// Untold says that gateways may have a route that they got from an agent before, see agent.untold.
	Untold bool `json:"untold,omitempty"`
}

// load reads the state; an absent file is the empty state.
func load(path string) (savedState, error) {
	state := savedState{Environments: map[string]map[string]savedPipeline{}}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return state, nil
	}
	if err != nil {
		return state, fault.Wrap(fault.Internal, err, "agent's state")
	}
	// What a newer release wrote more is left out: the way back from an upgrade starts this one on its state.
	if err := json.Unmarshal(data, &state); err != nil {
		return state, fault.Wrap(fault.Internal, err, "agent's state in %s is damaged; remove it and deliver again", path)
	}
	return state, nil
}

// save replaces the state's file; after a crash it holds the old state or the new one.
func (s savedState) save(path string) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fault.Wrap(fault.Internal, err, "agent's state")
	}
	return fault.Wrap(fault.Internal, file.Write(path, append(data, '\n'), 0o600), "agent's state")
}
