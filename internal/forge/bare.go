package forge

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/git"
)

// bareStatus is the file that says what became of a commit of a bare repository: loanops/COMMIT.json in its folder.
type bareStatus struct {
	Commit      string    `json:"commit"`
	State       State     `json:"state"`
	Description string    `json:"description"`
	TargetURL   string    `json:"target_url,omitempty"`
	At          time.Time `json:"at"`
}

// note writes the file and the note, whose text is for people. Said again it is the same note.
func note(ctx context.Context, r Repository, about About, commit string, state State, description, target string) error {
	if !r.InFolder() {
		return nil
	}
	opened, err := git.Open(r.URL)
	if err != nil {
		return err
	}
	content, err := json.MarshalIndent(bareStatus{commit, state, description, target, time.Now().UTC()}, "", "  ")
	if err != nil {
		return fault.Wrap(fault.Internal, err, "a status")
	}
	if err := opened.Status(commit, append(content, '\n')); err != nil {
		return err
	}
	lines := []string{string(about) + ": " + string(state), description, target}
	return opened.Note(ctx, commit, strings.TrimSpace(strings.Join(lines, "\n"))+"\n")
}
