package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/lineage"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// versionView is a version with its texts.
type versionView struct {
	RememberedVersion
	Open     bool
	Summary  string
	Figures  [][]string // title, estimate, interval
	Settings [][2]string
	Nested   string // what of the hyperparameters is no single value, such as trials: JSON
	Chain    []station
	Before   int      // the version that Changed is held against; 0: none is on the page
	Changed  []string // against it
	Why      string   // it was trained
	WhyMore  []string
	Took     string
	RunSteps []stepView
	StepTime string // of all steps together
	Objects  []objectView
	Reigns   []reignWords
}

// stepView is a step of the run.
type stepView struct {
	registry.RunStep
	Took, Part string // Part is its share of the longest, in percent
	Version    string
}

// objectView is an artifact.
type objectView struct{ Role, Bytes, URI, SHA256 string }

// reignWords is a time as champion.
type reignWords struct{ From, Until, By, How, Reason string }

func (r Remembered) versionView(i int) versionView {
	of := r.Versions[i]
	v := versionView{RememberedVersion: of, Chain: chain(of.Document), Open: slices.Contains(of.Aliases, serving.ChampionAlias) || len(r.Versions) == 1}
	for _, metric := range evaluate.Metrics {
		if m, measured := of.Metrics[metric.Name]; measured {
			v.Figures = append(v.Figures, []string{metric.Title, figure(m.Estimate), between(m, figure)})
		}
	}
	v.Settings, v.Nested = settings(of.Hyperparameters)
	if before := r.before(of.Version); before != nil {
		v.Before, v.Changed = before.Version, changed(before.Document, of.Document)
	}
	v.why()
	v.run()
	for _, role := range slices.Sorted(maps.Keys(of.Artifacts)) {
		ref := of.Artifacts[role]
		v.Objects = append(v.Objects, objectView{role, thousands(int(ref.Bytes)), ref.URI, ref.SHA256})
	}
	for _, h := range heldBy(r.History, championOf) {
		if h.version != of.Version {
			continue
		}
		until := "now"
		if !h.to.IsZero() {
			until = moment(h.to)
		}
		v.Reigns = append(v.Reigns, reignWords{moment(h.from), until, h.began.Actor, changeWord(h.began.Change), h.began.Reason})
	}
	return v
}

// before is the newest of the page's versions that are older.
func (r Remembered) before(version int) (before *RememberedVersion) {
	for i, v := range r.Versions {
		if v.Version < version && (before == nil || v.Version > before.Version) {
			before = &r.Versions[i]
		}
	}
	return before
}

// settings are the hyperparameters that are one value each, and the others as JSON.
func settings(hyperparameters json.RawMessage) (single [][2]string, nested string) {
	var all map[string]json.RawMessage
	if json.Unmarshal(hyperparameters, &all) != nil {
		return nil, string(hyperparameters)
	}
	others := map[string]json.RawMessage{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		value := bytes.TrimSpace(all[name])
		if bytes.ContainsAny(value[:1], "[{") {
			others[name] = all[name]
			continue
		}
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		single = append(single, [2]string{name, text})
	}
	if len(others) == 0 {
		return single, ""
	}
	data, _ := json.MarshalIndent(others, "", "  ") // read above
	return single, string(data)
}

// changed is what a version was made of otherwise than another.
func changed(a, b lineage.Document) (words []string) {
	from := func(what, before, now string) {
		if before != now {
			words = append(words, fmt.Sprintf("%s: %s → %s", what, orNone(before), orNone(now)))
		}
	}
	from("algorithm", a.Algorithm, b.Algorithm)
	for _, d := range lineage.Differences(a.Hyperparameters, b.Hyperparameters) {
		if !strings.Contains(d.Path, "[") {
			from(d.Path, d.A, d.B)
		}
	}
	rows := func(d lineage.Document) string {
		return fmt.Sprintf("%s rows (%.8s)", thousands(int(d.Dataset.Rows)), d.Dataset.Manifest.SHA256)
	}
	from("dataset", rows(a), rows(b))
	from("feature views", a.ViewNames(), b.ViewNames())
	from("known as of", a.AsOf, b.AsOf)
	from("spec", fmt.Sprintf("%.8s", a.Spec.Digest), fmt.Sprintf("%.8s", b.Spec.Digest))
	from("schema", fmt.Sprint(a.Schema.Version), fmt.Sprint(b.Schema.Version))
	from("meaning of the label", string(a.Meaning), string(b.Meaning))
	from("code", a.Code.String(), b.Code.String())
	return words
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// why says what started the training, and what for.
func (v *versionView) why() {
	if v.Run == nil {
		return
	}
	switch v.Run.Trigger {
	case registry.ByHand:
		v.Why = "A person started it."
	case registry.BySchedule:
		v.Why = "The schedule started it."
	case registry.ByMonitor:
		v.Why = "A look at production found a reason."
	case registry.ByNewData:
		v.Why = "Enough new rows had a final label."
	case registry.BySpec:
		v.Why = "A changed spec was registered."
	case registry.ByUp:
		v.Why = "It is of the first runs of the platform."
	default:
		v.Why = "Started by " + string(v.Run.Trigger) + "."
	}
	if v.Asked != nil {
		v.Why += fmt.Sprintf(" The look as of %s came to: %s.", v.Asked.AsOf, viewOfVerdict(v.Asked.Verdict).word)
		v.WhyMore = v.Asked.Reasons
	}
}

func (v *versionView) run() {
	if v.Run == nil {
		return
	}
	if !v.Run.EndedAt.IsZero() {
		v.Took = took(v.Run.EndedAt.Sub(v.Run.StartedAt))
	}
	var longest, all time.Duration
	for _, step := range v.Run.Steps {
		longest, all = max(longest, step.Duration), all+step.Duration
	}
	v.StepTime = took(all)
	for _, step := range v.Run.Steps {
		v.RunSteps = append(v.RunSteps, stepView{step, took(step.Duration), width(step.Duration.Seconds(), longest.Seconds()), v.Steps[step.Name]})
	}
}
