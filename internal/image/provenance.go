package image

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image/reference"
	"github.com/loanops/loanops/internal/sha256hex"
)

// Provenance says from what a package was made and by what it was tested. There is no time in it, no run and no machine: the same commit, tested with the
// same outcome, has the same provenance wherever that was done.
type Provenance struct {
	// Repository is the name or the URL by which the repository is known, no path of a machine.
	Repository string
	// Commit is the full hash.
	Commit string
	// Steps are the tests in their order.
	Steps []StepProvenance
	// Images are what the pipeline runs in, by what they do ("predictor"), as repository@sha256:….
	Images map[string]string
}

// StepProvenance is how one step ended.
type StepProvenance struct {
	// Name is the step's, Status how it ended.
	Name, Status string
	// Log is the SHA-256 of its log, empty for a step that has none. A log of equal runs must be equal for their packages to be.
	Log string
}

// The forms of in-toto's statement and of SLSA's provenance, and what is our own in them.
const (
	statementType  = "https://in-toto.io/Statement/v1"
	predicateType  = "https://slsa.dev/provenance/v1"
	buildType      = "https://github.com/loanops/loanops/continuous-integration/v1"
	builderID      = "https://github.com/loanops/loanops"
	provenanceType = "application/vnd.in-toto+json"
)

type digestSet map[string]string

// resource is in-toto's ResourceDescriptor.
type resource struct {
	Name        string            `json:"name,omitempty"`
	URI         string            `json:"uri,omitempty"`
	Digest      digestSet         `json:"digest,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type statement struct {
	Type          string     `json:"_type"`
	Subject       []resource `json:"subject"`
	PredicateType string     `json:"predicateType"`
	Predicate     predicate  `json:"predicate"`
}

type predicate struct {
	BuildDefinition buildDefinition `json:"buildDefinition"`
	RunDetails      runDetails      `json:"runDetails"`
}

type buildDefinition struct {
	BuildType            string            `json:"buildType"`
	ExternalParameters   map[string]string `json:"externalParameters"`
	ResolvedDependencies []resource        `json:"resolvedDependencies"`
}

type runDetails struct {
	Builder    builder    `json:"builder"`
	Byproducts []resource `json:"byproducts"`
}

type builder struct {
	ID string `json:"id"`
}

var (
	commitHash = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)
	sha256Hash = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func (p Provenance) check() error {
	switch {
	case p.Repository == "" || filepath.IsAbs(p.Repository) || strings.HasPrefix(p.Repository, "file:") || strings.Contains(p.Repository, "@"):
		return fault.New(fault.Invalid, "provenance: the repository is a name or a URL without an account, no path of this machine")
	case !commitHash.MatchString(p.Commit):
		return fault.New(fault.Invalid, "provenance: commit %q: want the full hash, 40 or 64 hexadecimal digits", p.Commit)
	}
	for _, step := range p.Steps {
		if step.Name == "" || step.Status == "" || step.Log != "" && !sha256Hash.MatchString(step.Log) {
			return fault.New(fault.Invalid, "provenance: step %q: want a name, a status, and of its log a SHA-256 or nothing", step.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Images)) {
		if _, err := reference.Parse(p.Images[name]); err != nil {
			return fault.Wrap(fault.Invalid, err, "provenance: %s", name)
		}
	}
	return nil
}

// write is the statement about the files.
func (p Provenance) write(files map[string][]byte) ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	s := statement{Type: statementType, PredicateType: predicateType, Subject: []resource{}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		s.Subject = append(s.Subject, resource{Name: name, Digest: digestSet{"sha256": sha256hex.Of(files[name])}})
	}
	s.Predicate.BuildDefinition = buildDefinition{
		BuildType: buildType, ExternalParameters: map[string]string{"repository": p.Repository},
		ResolvedDependencies: []resource{{Name: "commit", URI: "git+" + p.Repository, Digest: digestSet{"gitCommit": p.Commit}}},
	}
	for _, name := range slices.Sorted(maps.Keys(p.Images)) {
		image, err := reference.Parse(p.Images[name])
		if err != nil {
			return nil, err
		}
		s.Predicate.BuildDefinition.ResolvedDependencies = append(s.Predicate.BuildDefinition.ResolvedDependencies,
			resource{Name: "image/" + name, URI: "oci:" + image.Repository, Digest: digestSet{"sha256": image.Digest}})
	}
	s.Predicate.RunDetails = runDetails{Builder: builder{ID: builderID}, Byproducts: []resource{}}
	for _, step := range p.Steps {
		product := resource{Name: step.Name, Annotations: map[string]string{"status": step.Status}}
		if step.Log != "" {
			product.Digest = digestSet{"sha256": step.Log}
		}
		s.Predicate.RunDetails.Byproducts = append(s.Predicate.RunDetails.Byproducts, product)
	}
	written, err := json.MarshalIndent(s, "", "  ")
	return append(written, '\n'), fault.Wrap(fault.Internal, err, "provenance")
}

// readProvenance reads what write wrote of the files. A statement about other files than these, or about fewer, is refused.
func readProvenance(data []byte, files map[string][]byte) (Provenance, error) {
	var s statement
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return Provenance{}, fault.New(fault.Invalid, "%s cannot be read: %v", provenanceFile, err)
	}
	definition := s.Predicate.BuildDefinition
	if s.Type != statementType || s.PredicateType != predicateType || definition.BuildType != buildType {
		return Provenance{}, fault.New(fault.Invalid, "%s is a statement of another kind: %q, %q, %q", provenanceFile, s.Type, s.PredicateType, definition.BuildType)
	}
	p := Provenance{Repository: definition.ExternalParameters["repository"], Images: map[string]string{}}
	for _, dependency := range definition.ResolvedDependencies {
		if name, isImage := strings.CutPrefix(dependency.Name, "image/"); isImage {
			p.Images[name] = reference.Reference{Repository: strings.TrimPrefix(dependency.URI, "oci:"), Digest: dependency.Digest["sha256"]}.String()
		} else {
			p.Commit = dependency.Digest["gitCommit"]
		}
	}
	for _, product := range s.Predicate.RunDetails.Byproducts {
		p.Steps = append(p.Steps, StepProvenance{Name: product.Name, Status: product.Annotations["status"], Log: product.Digest["sha256"]})
	}
	// One way to write a provenance: what is read must be what it would be written as. That holds its subjects against the files too.
	if again, err := p.write(files); err != nil {
		return Provenance{}, err
	} else if !bytes.Equal(again, data) {
		return Provenance{}, fault.New(fault.Invalid, "%s is not about the files of this package, or says more than is understood", provenanceFile)
	}
	return p, nil
}
