package report

import (
	"fmt"
	"strings"

	"github.com/loanops/loanops/internal/ci"
)

// Integration is how a commit of a pipeline's repository came through its tests.
type Integration struct {
	Pipeline   string // its name; empty where the spec cannot be read
	Repository string
	Ref        string
	Commit     string // full hash; empty of files that are no commit
	Subject    string // first line of its message
	Merged     string // full hash of the commit into which it was merged for the tests; empty where it was tested alone
	Tree       string // SHA-256 of the files that were tested
	// Refused is the step that refused the commit, empty where none did; Reasons are its own, or say what became of a commit that passed.
	Refused ci.Step
	Reasons []string
	Steps   []IntegrationStep // in the order in which people read them
}

// IntegrationStep is a step of an integration with what it had to say.
type IntegrationStep struct {
	Name    ci.Step
	Status  ci.Status
	Said    string // one line: what was tested
	Reasons []string
	Cached  bool
	Log     string // all of it; empty of a step that did not run
	LogRole string // the role of the artifact that keeps it
}

// shownLog is how many bytes of a log a page shows at most: half of them from its beginning, half from its end, where what went wrong stands.
const shownLog = 64 << 10

// IntegrationHTML renders it: what refused the commit first, then each step with its log, open where it was refused. The same outcome gives the same bytes.
func IntegrationHTML(i Integration) ([]byte, error) {
	v := integrationView{Integration: i, Title: "Commit " + shortHash(i.Commit)}
	if i.Commit == "" {
		v.Title = "Files " + shortHash(i.Tree)
	}
	v.Banner = bannerView{Class: "calm", Sign: "✓", Word: "passed", Done: strings.Join(i.Reasons, "; ")}
	if i.Refused != "" {
		v.Banner = bannerView{Class: "bad", Sign: "✗", Word: "refused by " + string(i.Refused), Reasons: i.Reasons}
	}
	for _, s := range i.Steps {
		v.Steps = append(v.Steps, viewOfTest(s, i.Refused))
	}
	return render("integration.html", strings.TrimSpace(i.Pipeline+" "+v.Title), v)
}

type integrationView struct {
	Integration
	Title  string
	Banner bannerView
	Steps  []testView
}

// testView is a step as it is shown. Head and Tail are the log, with LeftOut between them where it is long.
type testView struct {
	IntegrationStep
	Class, Sign, Word string
	Open              bool
	Head, Tail        string
	LeftOut           string
}

func viewOfTest(s IntegrationStep, refused ci.Step) testView {
	v := testView{IntegrationStep: s, Open: s.Status == ci.Refused || s.Name == refused, Class: "none", Sign: "·", Word: strings.ReplaceAll(string(s.Status), "_", " ")}
	switch s.Status {
	case ci.Passed:
		v.Class, v.Sign = "calm", "✓"
	case ci.Refused:
		v.Class, v.Sign = "bad", "✗"
	case ci.NotApplicable:
		v.Sign = "–"
	case ci.NotRun:
		v.Said = "it waits for a step that did not pass"
	}
	log := strings.ToValidUTF8(s.Log, "\uFFFD") // commands print what they like
	v.Head, v.Tail = ends(log, shownLog)
	if left := len(log) - len(v.Head) - len(v.Tail); left > 0 {
		v.LeftOut = fmt.Sprintf("%s bytes are left out here; the artifact %s has them", thousands(left), s.LogRole)
	}
	return v
}

// ends are the beginning and the end of a text that has more bytes than most, cut between lines where there are any; a shorter one is all head.
func ends(text string, most int) (head, tail string) {
	if len(text) <= most {
		return text, ""
	}
	head, tail = text[:most/2], text[len(text)-most/2:]
	if at := strings.LastIndexByte(head, '\n'); at >= 0 {
		head = head[:at+1]
	}
	if _, after, cut := strings.Cut(tail, "\n"); cut && after != "" {
		tail = after
	}
	return strings.ToValidUTF8(head, ""), strings.ToValidUTF8(tail, "") // without the half of a rune
}

// shortHash is the beginning of a hash, as people know it.
func shortHash(hash string) string { return fmt.Sprintf("%.12s", hash) }
