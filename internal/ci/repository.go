package ci

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
)

// ConfigFile says how a repository is tested, where it does not lie as it is usual.
const ConfigFile = "ci.yaml"

// The usual places, from the root of the tree.
const (
	usualPipeline = "pipeline.yaml"
	usualTests    = "tests/*.yaml"
)

// Repository is what the tree of a commit holds of a pipeline.
type Repository struct {
	PipelineFile string
	Spec         pipeline.Spec
	YAML         []byte
	// TestFiles are the feature tests, sorted by path; none where the repository has none.
	TestFiles []FeatureFile
	// Sample are the paths of the files whose rows stand in for those of the source, sorted; none of a simulated source, and of one whose rows lie
	// elsewhere, where ci.yaml names no sample.
	Sample []string
	// DefinitionFiles are the files of feature definitions, sorted by path; Definitions what they declare, with the files of the repository where Over.Keep put
	// them. Of a repository that is read by a lock there are no definitions.
	DefinitionFiles []string
	Definitions     feature.Definitions
	// Lock is what the features of the spec came to; nil where the repository has nothing to do with the feature store.
	Lock *feature.Lock
	// ViewRows are the files whose rows stand in for those of views, by the views' names: what ci.yaml names, else what the view's own source does.
	ViewRows map[string]string
	// Data is what ci.yaml names as sample: a file, a folder or a pattern, given in place of the source's rows; empty where the source's own are taken.
	Data     string
	Commands []Command

	document *pipeline.Document
}

// config is ci.yaml.
type config struct {
	Pipeline string   `yaml:"pipeline"`
	Sample   string   `yaml:"sample"`
	Tests    []string `yaml:"tests"`
	// Features are the files of feature definitions, Views files with rows for views.
	Features []string          `yaml:"features"`
	Views    map[string]string `yaml:"views"`
	Commands []command         `yaml:"commands"`
}

// Read finds the pipeline in a tree, and what the features of its spec come to. Whatever is wrong is fault.Invalid, a line for each mistake: file:line:column where
// that is known, what is wrong, and what would be right.
func Read(tree *Tree, over Over) (Repository, error) {
	r, c, d, err := open(tree)
	if err != nil {
		return Repository{}, err
	}
	faults, err := r.define(tree, over)
	if err != nil {
		return Repository{}, err
	}
	known := r.Lock != nil || !r.featured() // which columns the spec has
	if known && over.Lock == nil && d != nil {
		c.needless(&r, d)
		faults = append(faults, d.Fault())
	}
	faults = append([]error{r.document.Fault()}, faults...)
	for _, name := range testFiles(tree, c.Tests) {
		if !known {
			break // a column that the spec may have would be told of as one that it has not
		}
		file, _ := tree.File(name)
		features, err := readFeatures(name, file.Data, r.Spec)
		r.TestFiles, faults = append(r.TestFiles, features), append(faults, err)
	}
	if err := joined(faults...); err != nil {
		return Repository{}, err
	}
	return r, nil
}

// open reads ci.yaml, whose document is nil without one, and the spec. What is wrong with the spec's own references to the tree is noted in its document.
func open(tree *Tree) (r Repository, c config, d *pipeline.Document, err error) {
	c = config{Pipeline: usualPipeline, Tests: []string{usualTests}, Features: []string{usualFeatures}}
	if file, has := tree.File(ConfigFile); has {
		if d, err = pipeline.ReadDocument(ConfigFile, "ci.yaml", "", file.Data, &c); err != nil {
			return r, c, d, err
		}
	}
	r = Repository{PipelineFile: c.Pipeline, Data: c.Sample, ViewRows: map[string]string{}}
	r.Commands = commands(c.Commands, d)
	if d != nil {
		c.check(tree, d)
		c.viewRows(tree, &r, d)
		if err := d.Fault(); err != nil {
			return r, c, d, err
		}
	}
	r.DefinitionFiles = testFiles(tree, c.Features)
	spec, has := tree.File(c.Pipeline)
	if !has {
		return r, c, d, fault.New(fault.Invalid, "there is no %s; a repository's spec is called so, or ci.yaml names it: pipeline: FILE", c.Pipeline)
	}
	r.YAML = spec.Data
	if r.Spec, r.document, err = pipeline.ParseDocument(c.Pipeline, spec.Data); err != nil {
		return r, c, d, err
	}
	r.sample(tree)
	return r, c, d, nil
}

// check holds what ci.yaml names against the tree.
func (c *config) check(tree *Tree, d *pipeline.Document) {
	if _, has := tree.File(c.Pipeline); !has && d.Has("pipeline") {
		d.Wrong("pipeline", "there is no %q; the path of the pipeline's spec is wanted, from the root of the repository", c.Pipeline)
	}
	if d.Has("sample") && len(tree.named(c.Sample)) == 0 {
		d.Wrong("sample", "there is no %q; a file, a folder or a pattern of the repository is wanted: commit it, or take its name from one that is there", c.Sample)
	}
	for i, pattern := range c.Tests {
		if d.Has("tests") && len(tree.named(pattern)) == 0 {
			d.Wrong(index("tests", i), "there is no %q; files with feature tests are wanted, or an empty list for none", pattern)
		}
	}
	for i, pattern := range c.Features {
		if d.Has("features") && len(tree.named(pattern)) == 0 {
			d.Wrong(index("features", i), "there is no %q; files with feature definitions are wanted, or an empty list for none", pattern)
		}
	}
}

// sample finds the rows that the tests run on, and notes what is named and not there.
func (r *Repository) sample(tree *Tree) {
	if r.Data != "" {
		r.Sample = tree.named(r.Data)
	}
	for i, relation := range r.Spec.Relations() {
		if !relation.Local() || i == 0 && r.Data != "" {
			continue
		}
		uri := relation.FilesURI()
		within := path.Join(path.Dir(r.PipelineFile), uri)
		files := tree.named(within)
		switch at := r.uriOf(i); {
		case path.IsAbs(uri) || within == ".." || strings.HasPrefix(within, "../"):
			r.document.Wrong(at, "%q leads out of the repository; commit a sample and name it, or leave the source as it is and name the sample in ci.yaml: sample: FILE", uri)
		case len(files) == 0:
			r.document.Wrong(at, "there is no %q in the repository; commit a sample there, or name another in ci.yaml: sample: FILE", within)
		case i == 0:
			r.Sample = files
		}
	}
}

// uriOf is where the spec names the files of a relation.
func (r *Repository) uriOf(relation int) string {
	at := "source"
	switch {
	case relation > len(r.Spec.Source.Join):
		at = "outcomes"
	case relation > 0:
		at = index("source.join", relation-1)
	}
	for _, key := range []string{".uri", ".csv.uri", ".parquet.uri", ".jsonl.uri"} {
		if r.document.Has(at + key) {
			return at + key
		}
	}
	return at
}

// named are the files of a tree that a path means, sorted: a file, the files in a folder (without those whose name begins with a dot or an
// underscore), or those that fit a pattern.
func (t *Tree) named(name string) (found []string) {
	if name == "" {
		return nil
	}
	name = path.Clean(name)
	if _, is := t.files[name]; is {
		return []string{name}
	}
	for _, file := range t.Paths() {
		hidden := strings.IndexAny(path.Base(file), "._") == 0
		if fits, err := path.Match(name, file); !hidden && (path.Dir(file) == name || fits && err == nil) {
			found = append(found, file)
		}
	}
	return found
}

// testFiles are the files that any of the patterns means, each once.
func testFiles(tree *Tree, patterns []string) (files []string) {
	for _, pattern := range patterns {
		files = append(files, tree.named(pattern)...)
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// quoted is a value as a person reads it: JSON, as it is sent.
func quoted(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return "what is no JSON"
	}
	return string(text)
}
