package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/loanops/loanops/internal/fault"
)

// maxSpecBytes bounds a spec file: a hundred features take about 20 KB.
const maxSpecBytes = 1 << 20

// Parse reads one spec. It is strict: an unknown key, a wrong type, a missing or a contradictory value is a fault.Invalid
// whose text has one line `file:line:column: what is wrong; what would be right` for every mistake found, in file order.
// Defaults are filled in.
func Parse(file string, data []byte) (Spec, error) {
	if len(data) > maxSpecBytes {
		return Spec{}, fault.New(fault.Invalid, "%s: %d bytes; a spec has at most %d", file, len(data), maxSpecBytes)
	}
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		return Spec{}, syntaxFault(file, err)
	}
	if len(tree.Docs) != 1 || tree.Docs[0].Body == nil {
		return Spec{}, fault.New(fault.Invalid, "%s:1:1: %d YAML documents; a spec file holds exactly one", file, len(tree.Docs))
	}
	c := newChecker()
	c.document(tree.Docs[0].Body)
	if len(c.mistakes) > 0 {
		return Spec{}, c.fault(file)
	}
	var spec Spec
	if err := yaml.NodeToValue(tree.Docs[0].Body, &spec); err != nil {
		return Spec{}, syntaxFault(file, err)
	}
	setDefaults(&spec)
	c.rules(&spec)
	if len(c.mistakes) > 0 {
		return Spec{}, c.fault(file)
	}
	return spec, nil
}

// syntaxFault says where YAML itself is wrong.
func syntaxFault(file string, err error) error {
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) {
		at := syntax.GetToken().Position
		return fault.New(fault.Invalid, "%s:%d:%d: %s", file, at.Line, at.Column, syntax.GetMessage())
	}
	return fault.New(fault.Invalid, "%s: %s", file, err)
}

// mistake is one thing that is wrong, and where.
type mistake struct {
	line, column int
	text         string
}

func (c *checker) fault(file string) error {
	slices.SortStableFunc(c.mistakes, func(a, b mistake) int {
		if a.line != b.line {
			return a.line - b.line
		}
		return a.column - b.column
	})
	lines := make([]string, len(c.mistakes))
	for i, m := range c.mistakes {
		lines[i] = fmt.Sprintf("%s:%d:%d: %s", file, m.line, m.column, m.text)
	}
	return fault.New(fault.Invalid, "%s", strings.Join(lines, "\n"))
}

// setDefaults fills what a spec may leave out.
func setDefaults(s *Spec) {
	if s.Label.Meaning == "" {
		s.Label.Meaning = MeaningDefault
	}
	for i := range s.Gates {
		orDefault(&s.Gates[i].Value, "estimate")
	}
	if s.Split == (Split{}) {
		s.Split = Split{By: "hash", Train: 0.6, Validation: 0.2, Test: 0.2}
	}
	orDefault(&s.Algorithm.Name, "logistic")
	if len(s.Algorithm.L2) == 0 {
		s.Algorithm.L2 = []float64{1e-4, 1e-3, 1e-2}
	}
	orDefault(&s.Algorithm.MaxIterations, 200)
	orDefault(&s.Policy.Cutoff, 0.5)
	d := &s.Deploy
	orDefault(&d.MemoryMiB, 128)
	orDefault(&d.CPUMillis, 500)
	orDefault(&d.TargetRate, 50)
	orDefault(&d.Approval, "automatic")
	orDefault(&d.Latency.Requests, 500)
	orDefault(&d.Latency.BatchSize, 100)
	orDefault(&d.Latency.P99Millis, 50)
	orDefault(&d.Latency.BatchP99Millis, 250)
	if len(d.Canary.Steps) == 0 {
		d.Canary.Steps = []int{5, 20, 40, 70}
	}
	orDefault(&d.Canary.IntervalSeconds, 60)
	orDefault(&d.Canary.MinRequests, 25)
	orDefault(&d.Canary.MaxFailedChecks, 1)
	orDefault(&d.Canary.MaxInconclusive, 5)
	orDefault(&d.Canary.MaxErrorRate, 0.02)
	orDefault(&d.Canary.MaxP99Millis, 100)
	orDefault(&d.Canary.MaxScoreShift, 0.1)
	orDefault(&s.Limits.MaxRows, 5_000_000)
	orDefault(&s.Limits.MaxBytes, 2<<30)
}

func orDefault[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}
