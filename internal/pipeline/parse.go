package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/loanops/loanops/internal/fault"
)

// Parse reads one spec. It is strict: an unknown key, a wrong type, a missing or a contradictory value is a fault.Invalid
// whose text has one line `file:line:column: what is wrong; what would be right` for every mistake found, in file order. What values
// mean together is looked at once every key and type is right. Defaults are filled in.
func Parse(file string, data []byte) (Spec, error) {
	spec, _, err := ParseDocument(file, data)
	return spec, err
}

// ParseDocument is Parse, for those who also want to know where a value stands.
func ParseDocument(file string, data []byte) (Spec, *Document, error) {
	spec := defaults()
	d, err := ReadDocument(file, "the spec", "", data, &spec)
	if err != nil {
		return Spec{}, nil, err
	}
	c := d.c
	if spec.Outcomes != nil {
		spec.Outcomes.fill(&spec)
	}
	if _, declared := c.at["schedule.monitor"]; !declared && spec.Time == "" {
		spec.Schedule.Monitor = Off // nobody knows which rows are new
	}
	for i := range spec.Gates {
		if spec.Gates[i].Value == "" {
			spec.Gates[i].Value = "estimate"
		}
	}
	FillRules(spec.Rules)
	c.rules(&spec)
	if err := d.Fault(); err != nil {
		return Spec{}, nil, err
	}
	return spec, d, nil
}

// FillRules puts the defaults of rules where nothing is said.
func FillRules(rules []Rule) {
	for i := range rules {
		if rules[i].Severity == "" {
			rules[i].Severity = "error"
		}
	}
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

// defaults is what a spec may leave out. A value that the file gives replaces it, a zero as well.
func defaults() Spec {
	return Spec{
		Label:     Label{Meaning: MeaningDefault},
		Leakage:   Leakage{MaxAUC: 0.9},
		Split:     Split{By: ByHash, Train: 0.6, Validation: 0.2, Test: 0.2},
		Algorithm: Algorithm{Name: "logistic", L2: []float64{1e-4, 1e-3, 1e-2}, MaxIterations: 200},
		Training:  Training{AgainstChampion: NotWorse, OnChange: ReactRetrain},
		Policy:    Policy{Cutoff: 0.5},
		Deploy: Deploy{
			MemoryMiB: 128, CPUMillis: 500, TargetRate: 50, Approval: ApprovalAutomatic, Contract: ContractUnbroken,
			Latency: Latency{Requests: 500, BatchSize: 100, P99Millis: 50, BatchP99Millis: 250},
			Canary: Canary{
				Steps: []int{5, 20, 40, 70}, IntervalSeconds: 60, Mirror: true, MinRequests: 25, MaxFailedChecks: 1, MaxWaitHours: 168, BakeSeconds: 300,
				MaxErrorRate: 0.01, MaxP99Millis: 100, MaxBatchP99Millis: 250, MaxSlowShare: 0.01,
				MaxScoreShift: 0.1, MaxVerdictShift: 0.1, MaxUnpredictedShift: 0.02,
			},
		},
		FeatureStore: FeatureStore{Missing: DefaultValue, Stale: DefaultValue, DeadlineMillis: 25},
		Monitor:      DefaultMonitor(),
		Limits:       DefaultLimits(),
		Schedule:     Schedule{Retrain: "0 3 * * 1", Monitor: "0 2 * * *"},
	}
}

// DefaultMonitor is that of a spec that says nothing of it.
func DefaultMonitor() Monitor {
	return Monitor{
		On:      MonitorOn{Schema: ReactRetrain, DataDrift: ReactRetrain, PredictionDrift: ReactRollBack, Performance: ReactRollBack, NewData: ReactRetrain, Requests: ReactAlert, Skew: ReactAlert},
		MinRows: 500, MaxPSI: 0.1, MaxAUCDrop: 0.01, FalseDiscoveries: 0.05, CooldownHours: 20, MaxRunsPerDay: 1,
	}
}

// DefaultLimits are those of a spec that names none: five million rows and 2 GiB.
func DefaultLimits() Limits { return Limits{MaxRows: 5_000_000, MaxBytes: 2 << 30} }

// maxDepth is how deep lists and mappings may nest. The parser's time grows with the square of it, and a spec needs five.
const maxDepth = 50

// tooDeep returns the line at which the nesting passes maxDepth, or 0. Brackets inside of texts count as well; no spec has so many.
func tooDeep(data []byte) (line int) {
	brackets := 0
	for text := range bytes.Lines(data) {
		line++
		brackets += bytes.Count(text, []byte("[")) + bytes.Count(text, []byte("{")) - bytes.Count(text, []byte("]")) - bytes.Count(text, []byte("}"))
		indicators := bytes.Count(text, []byte("- -")) + bytes.Count(text, []byte("? ?")) // a block list or key inside of another
		if brackets > maxDepth || indicators > maxDepth {
			return line
		}
	}
	return 0
}
