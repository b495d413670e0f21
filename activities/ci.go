package activities

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
)

// TestInput is a commit, and what tests before this one have made of it.
type TestInput struct {
	// Tree holds the commit's files.
	Tree artifact.Ref `json:"tree"`
	// KnownAt is the day of the commit, 2006-01-02: what is tested knows no more, so that the same commit is tested in the same way on any day.
	KnownAt string `json:"known_at"`
	// Fork says that somebody wrote the commit who may not push to the repository: its commands are not run.
	Fork bool `json:"fork,omitempty"`
	// Image is the one in which the model is tried, where it is.
	Image string `json:"image,omitempty"`
	// Registered is the digest of what the feature store has declared, where that is looked at; empty of nothing. What is looked at later is what the commit's lock
	// says, which is among Made.
	Registered string `json:"registered,omitempty"`
	// Champion is the bundle of the model that serves; nil without one.
	Champion *artifact.Ref `json:"champion,omitempty"`
	// Made are artifacts of tests before, by role.
	Made map[string]artifact.Ref `json:"made,omitempty"`
}

// TestOutput is how a test of a commit ended.
type TestOutput struct {
	Status ci.Status `json:"status"`
	// Said is one line: what was tested.
	Said    string   `json:"said"`
	Reasons []string `json:"reasons,omitempty"` // why it is refused
	Step    ci.Step  `json:"step"`
	// Log is what the test has to say of this commit, in lines.
	Log  artifact.Ref            `json:"log"`
	Made map[string]artifact.Ref `json:"made,omitempty"`
	// Image is the one in which the sample's model was tried, where it was.
	Image string `json:"image,omitempty"`
	Reused
}

// Summary is the first reason of a refusal, else what was tested.
func (o TestOutput) Summary() string {
	if len(o.Reasons) > 0 {
		return fmt.Sprintf("%s: %s", o.Status, o.Reasons[0])
	}
	return fmt.Sprintf("%s: %s%s", o.Status, o.Said, o.mark())
}

// Artifacts are what the test made, and its log.
func (o TestOutput) Artifacts() map[string]artifact.Ref {
	made := map[string]artifact.Ref{artifact.LogOf(string(o.Step)): o.Log}
	maps.Copy(made, o.Made)
	return made
}

// Integration tests commits: the same at a desk, without a platform, as in a run.
type Integration struct {
	Cache StepCache
	// Desk takes a sample through the steps of a training that look at data, Training and Evaluation through those that follow.
	Desk       Desk
	Training   Training
	Evaluation Evaluation
	// Predictor tries a model in the real loanops-api.
	Predictor Predictor
	// Features has the definitions that repositories may name beside their own; nil without a feature store.
	Features feature.Register
	// Commands runs what a repository brings along to be run; nil where that is not allowed.
	Commands Commands
}

// test runs one test of a commit, or takes its outcome of before. What the commit does wrong is a refusal; a fault of anything else is an error.
func (i *Integration) test(ctx context.Context, step Step[TestInput, TestOutput], in TestInput, work func(context.Context, *ci.Tree, TestInput) (ci.Report, map[string]artifact.Ref, error)) (TestOutput, error) {
	out, err := cached(ctx, i.Cache, step, in, func(ctx context.Context, in TestInput) (TestOutput, error) {
		tree, err := getTree(ctx, i.Cache.Objects, in.Tree)
		if err != nil {
			return TestOutput{}, err
		}
		report, made, err := work(ctx, tree, in)
		if wrong := fault.CodeOf(err); err != nil && (wrong == fault.Invalid || wrong == fault.Refused) {
			report, err = ci.Report{Status: ci.Refused, Summary: "it could not be tested", Reasons: []string{err.Error()}}, nil
		}
		if err != nil {
			return TestOutput{}, err
		}
		out := TestOutput{Step: ci.Step(step.Name), Status: report.Status, Said: report.Summary, Reasons: report.Reasons, Made: made, Image: in.Image}
		if out.Log, err = i.Cache.Objects.Put(ctx, logOf(step.Name, in, report), textType, "txt"); err != nil {
			return out, err
		}
		if out.Status == ci.Refused {
			return out, refusal{out}
		}
		return out, nil
	})
	var refused refusal
	if errors.As(err, &refused) {
		return refused.TestOutput, nil
	}
	return out, err
}

// refusal keeps an outcome out of the step cache: what a worker does not allow today, or a busy machine did not manage, is tried again tomorrow.
type refusal struct{ TestOutput }

func (refusal) Error() string { return "refused" }

// logOf is a report for people. Its first line says what it is about: a log of another commit cannot be taken for this one's.
func logOf(step string, in TestInput, report ci.Report) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s of the files %s, as known on %s: %s\n%s\n", step, in.Tree.SHA256, in.KnownAt, report.Status, report.Summary)
	for _, reason := range report.Reasons {
		fmt.Fprintf(&b, "refused: %s\n", reason)
	}
	for _, line := range report.Log {
		fmt.Fprintln(&b, line)
	}
	return b.Bytes()
}

func getTree(ctx context.Context, objects Objects, ref artifact.Ref) (*ci.Tree, error) {
	packed, err := objects.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	return ci.ReadTar(packed)
}

// PutTree keeps the files of a commit.
func PutTree(ctx context.Context, objects Objects, tree *ci.Tree) (artifact.Ref, error) {
	packed, err := tree.Tar()
	if err != nil {
		return artifact.Ref{}, err
	}
	return objects.Put(ctx, packed, treeType, "tar")
}

// CheckSpec holds what a commit says against what can be known without running anything. What the features of its spec come to is locked: everything after looks at
// the lock.
func (i *Integration) CheckSpec(ctx context.Context, in TestInput) (TestOutput, error) {
	registered, err := registeredIn(ctx, i.Features)
	if err != nil {
		return TestOutput{}, err
	}
	in.Registered = registered.digest
	return i.test(ctx, CheckSpec, in, func(ctx context.Context, tree *ci.Tree, in TestInput) (ci.Report, map[string]artifact.Ref, error) {
		var contract *request.Contract
		if in.Champion != nil {
			champion, err := getModel(ctx, i.Cache.Objects, *in.Champion)
			if err != nil {
				return ci.Report{}, nil, err
			}
			contract = &champion.Contract
		}
		report, repository, err := ci.CheckRepository(tree, contract, ci.Over{
			Registered: registered.Catalogue, Keep: keeper(ctx, i.Cache.Objects, tree),
			Query: func(view *feature.View, from []*feature.View) error { return i.Desk.Views.CheckQuery(ctx, view, from) },
		})
		if err != nil || report.Status == ci.Refused || repository.Lock == nil {
			return report, nil, err
		}
		if i.Features == nil {
			report.Log = append(report.Log, "there is no feature store (LOANOPS_FEATURES_DATABASE): features can be of the repository's own definitions alone")
		}
		made, err := putLock(ctx, i.Cache.Objects, *repository.Lock)
		return report, made, err
	})
}

// ValidateSample takes the sample from its files to a split dataset, as a training takes its data.
func (i *Integration) ValidateSample(ctx context.Context, in TestInput) (TestOutput, error) {
	return i.test(ctx, ValidateSample, in, func(ctx context.Context, tree *ci.Tree, in TestInput) (ci.Report, map[string]artifact.Ref, error) {
		repository, err := readLocked(ctx, i.Cache.Objects, tree, in.Made)
		if err != nil {
			return ci.Report{}, nil, err
		}
		spec, uploads, err := i.sample(ctx, tree, repository)
		if err != nil {
			return ci.Report{}, nil, err
		}
		views, said, err := i.views(ctx, tree, repository)
		if err != nil {
			return ci.Report{}, nil, err
		}
		known, err := knownInSample(spec.Source, in.KnownAt)
		if err != nil {
			return ci.Report{}, nil, err
		}
		checked, err := i.Desk.check(ctx, spec, uploads, known, views)
		if err != nil {
			return ci.Report{}, nil, err
		}
		report := ci.Report{
			Status: ci.Passed, Reasons: checked.Refused, Log: strings.Split(strings.TrimSpace(checked.String()), "\n"),
			Summary: fmt.Sprintf("%d rows of the sample, %d of them good; train %d, validation %d, test %d",
				checked.Rows.Read, checked.Rows.Cleaned, checked.Rows.Train, checked.Rows.Validation, checked.Rows.Test),
		}
		report.Log = append(report.Log, said...)
		if len(checked.Refused) > 0 {
			report.Status = ci.Refused
		}
		return report, checked.Artifacts, nil
	})
}

// knownInSample is the day on which the sample was known: the one that the spec names, else the commit's.
func knownInSample(source pipeline.Source, commit string) (string, error) {
	at, err := day("known_at", commit)
	if err != nil {
		return "", err
	}
	return source.Known("", at)
}

// sample is the spec with the sample in place of its own rows, and the objects that hold the files of the tree that it names.
func (i *Integration) sample(ctx context.Context, tree *ci.Tree, repository ci.Repository) (pipeline.Spec, map[string][]string, error) {
	spec := repository.Spec
	spec.Source = spec.Source.Given(repository.Data)
	for n, relation := range spec.Relations() {
		if !relation.Local() && (n > 0 || spec.Source.Simulate == nil) {
			return spec, nil, fault.New(fault.Invalid, "%s: tests read the files of the repository and nothing else, with nobody's rights: commit a sample, and name it in place of what is %s", repository.PipelineFile, elsewhere(n))
		}
	}
	uploads := map[string][]string{}
	for uri, paths := range repository.Files(tree) {
		for _, path := range paths {
			ref, err := i.keepFile(ctx, tree, path)
			if err != nil {
				return spec, nil, err
			}
			uploads[uri] = append(uploads[uri], ref.URI)
		}
	}
	return spec, uploads, nil
}

// elsewhere says where the nth relation of a spec lies that is no file of the repository.
func elsewhere(n int) string {
	if n == 0 {
		return "read by the source (ci.yaml: sample: FILE)"
	}
	return "joined to it, or its outcomes"
}

// keepFile puts a file of the tree into the store, as a person's own are.
func (i *Integration) keepFile(ctx context.Context, tree *ci.Tree, path string) (artifact.Ref, error) {
	file, _ := tree.File(path)
	return i.Cache.Objects.Put(ctx, file.Data, rawType, artifact.Extension(path))
}
