package forge

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/git"
)

// bareStatus is the file that says what became of a commit of a bare repository: loanops/COMMIT.push.json in its folder, or loanops/COMMIT.merge.json.
type bareStatus struct {
	About       About     `json:"about"`
	Commit      string    `json:"commit"`
	State       State     `json:"state"`
	Description string    `json:"description"`
	TargetURL   string    `json:"target_url,omitempty"`
	Page        string    `json:"page,omitempty"` // the name of a file beside this one
	At          time.Time `json:"at"`
}

// note writes the files and the note, whose text is for people. Said again it is the same note. The page of a run is that of what is said: without one, that of an
// earlier run is taken away.
func note(ctx context.Context, r Repository, s Status) error {
	if !r.InFolder() {
		return nil
	}
	if len(s.Page) > MaxPage {
		return fault.New(fault.Invalid, "the page of a run has %d bytes; at most %d are written into a repository", len(s.Page), MaxPage)
	}
	opened, err := git.Open(r.URL)
	if err != nil {
		return err
	}
	kind := strings.TrimPrefix(string(s.About), "loanops/")
	said := bareStatus{About: s.About, Commit: s.Commit, State: s.State, Description: s.Description, TargetURL: s.Target, At: time.Now().UTC()}
	page := kind + ".html"
	if s.Page != nil {
		said.Page = s.Commit + "." + page
	}
	content, err := json.MarshalIndent(said, "", "  ")
	if err != nil {
		return fault.Wrap(fault.Internal, err, "a status")
	}
	if err := opened.Status(s.Commit, page, s.Page); err != nil {
		return err
	}
	if err := opened.Status(s.Commit, kind+".json", append(content, '\n')); err != nil {
		return err
	}
	return opened.Note(ctx, s.Commit, s.among)
}

// among is a note's text with this status in place of what was said of the same before. A status is a paragraph that begins with what it is about; others, and what a person wrote,
// stay as they are.
func (s Status) among(before string) string {
	begin := string(s.About) + ": "
	own := strings.TrimSpace(strings.Join([]string{begin + string(s.State), s.Description, s.Target}, "\n"))
	paragraphs := slices.DeleteFunc(strings.Split(strings.TrimSpace(before), "\n\n"), func(p string) bool { return p == "" })
	if at := slices.IndexFunc(paragraphs, func(p string) bool { return strings.HasPrefix(p, begin) }); at >= 0 {
		paragraphs[at] = own
	} else {
		paragraphs = append(paragraphs, own)
	}
	return strings.Join(paragraphs, "\n\n") + "\n"
}
