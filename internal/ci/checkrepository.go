package ci

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/leak"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
)

// CheckRepository is the step CheckSpec: all that can be known of a tree without a row of data.
//
// What Read refuses is a reason each. The contract of requests that the spec declares must leave the champion's unbroken, unless the spec says that it
// is meant to be broken; without a champion there is none to hold it against, and the log says so. A feature that is known only after the outcome is
// no feature. There must be a sample, or the tests have nothing to run on. And the files that the
// spec names must be such as can be published with it.
//
// Feature definitions are held against themselves and what is registered, the spec's references against both, SQL against the views that it reads; the lock that comes
// of it is in the repository that is returned. An error says that something could not be looked at, and nothing of the commit.
func CheckRepository(tree *Tree, champion *request.Contract, over Over) (Report, Repository, error) {
	r, err := Read(tree, over)
	if err != nil && fault.CodeOf(err) != fault.Invalid {
		return Report{}, r, err
	}
	if err != nil {
		reasons := strings.Split(err.Error(), "\n")
		return Report{Status: Refused, Summary: count(len(reasons), "mistake"), Reasons: reasons}, r, nil
	}
	report := Report{Log: r.described()}
	report.Reasons = append(report.Reasons, r.knownLater()...)
	if strings.HasSuffix(r.Spec.Name, "-") {
		report.Reasons = append(report.Reasons, fmt.Sprintf("%s: name %q ends with a dash; no registry takes a package of that name", r.document.At("name"), r.Spec.Name))
	}
	if len(r.Sample) == 0 && r.Spec.Source.Simulate == nil {
		report.Reasons = append(report.Reasons, fmt.Sprintf("%s: there is no sample: the source's rows are not in the repository; commit some and name them in ci.yaml: sample: FILE", r.document.At("source")))
	}
	if _, err := r.Relocated(tree, func(path string) (string, error) { return "kept://" + path, nil }); err != nil {
		report.Reasons = append(report.Reasons, err.Error())
	}
	breaks, log := r.breaks(champion)
	report.Reasons, report.Log = append(report.Reasons, breaks...), append(report.Log, log...)
	report.Status, report.Summary = Passed, fmt.Sprintf("%s: %s, %s of cleaning", r.Spec.Name, count(len(r.Spec.Columns), "feature"), count(len(r.Spec.Clean), "step"))
	if len(report.Reasons) > 0 {
		report.Status, report.Summary = Refused, count(len(report.Reasons), "mistake")
	}
	return report, r, nil
}

// described says what there is.
func (r *Repository) described() (log []string) {
	log = append(log, fmt.Sprintf("spec %s: pipeline %s, %s, %s of cleaning", r.PipelineFile, r.Spec.Name, count(len(r.Spec.Columns), "feature"), count(len(r.Spec.Clean), "step")))
	for _, file := range r.TestFiles {
		log = append(log, fmt.Sprintf("feature tests %s: %s", file.Path, count(len(file.Cases), "case")))
	}
	if len(r.TestFiles) == 0 {
		log = append(log, "feature tests: none")
	}
	if len(r.Sample) > 0 {
		log = append(log, "sample: "+some(r.Sample))
	}
	for _, file := range r.DefinitionFiles {
		log = append(log, "feature definitions "+file)
	}
	if r.Lock != nil {
		for _, said := range r.Lock.Said(feature.KindView) {
			log = append(log, "features are of "+said)
		}
	}
	for _, c := range r.Commands {
		log = append(log, fmt.Sprintf("command %s: %s, in the step %s", c.Name, strings.Join(c.Run, " "), c.Step))
	}
	return log
}

// knownLater refuses features that the spec declares as known only after the outcome, but for those that a person allows.
func (r *Repository) knownLater() (reasons []string) {
	for i, c := range r.Spec.Columns {
		allowed := func(a pipeline.AllowedLeak) bool { return a.Column == c.Name && a.Rule == string(leak.KnownLater) }
		if c.Known == pipeline.KnownAfterOutcome && !slices.ContainsFunc(r.Spec.Leakage.Allow, allowed) {
			reasons = append(reasons, fmt.Sprintf("%s: column %q is declared as known only after the outcome: no application brings it, so move it from columns to ignore",
				r.document.At(index("columns", i)+".known"), c.Name))
		}
	}
	return reasons
}

// breaks holds the spec's contract of requests against the champion's.
func (r *Repository) breaks(champion *request.Contract) (reasons, log []string) {
	if champion == nil {
		return nil, []string{"contract of requests: there is no champion to hold it against"}
	}
	breaks := request.Breaks(*champion, request.Of(r.Spec))
	if len(breaks) == 0 {
		return nil, []string{"contract of requests: what the champion takes stays good"}
	}
	for _, b := range breaks {
		if r.Spec.Deploy.Contract == pipeline.ContractBreaking {
			log = append(log, "contract of requests: "+b.String()+", which the spec allows")
			continue
		}
		reasons = append(reasons, fmt.Sprintf("%s: %s: what clients of the champion send must stay good; give it back, or say that it is meant by deploy: {contract: breaking}", r.breakAt(b.Field), b))
	}
	return reasons, log
}

// breakAt is where the spec says what breaks the contract for a field.
func (r *Repository) breakAt(field string) string {
	looked := func(c pipeline.Column) bool { return c.Name == field && c.Looked() }
	if slices.ContainsFunc(r.Spec.Looked(), looked) {
		return r.document.At("feature_store")
	}
	return r.columnAt(field)
}

// count is a number of things: 1 case, 2 cases.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
