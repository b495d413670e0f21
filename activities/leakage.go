package activities

import (
	"context"
	"fmt"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/leak"
	"github.com/loanops/loanops/internal/pipeline"
)

// LeakageInput is where a label could leak: the rows in the order of their source, and the parts that they were shared into.
type LeakageInput struct {
	Schema     artifact.Ref     `json:"schema"`
	Dataset    artifact.Ref     `json:"dataset"`
	Train      artifact.Ref     `json:"train"`
	Validation artifact.Ref     `json:"validation"`
	Test       artifact.Ref     `json:"test"`
	Leakage    pipeline.Leakage `json:"leakage"`
	KnownAt    string           `json:"known_at"`
}

// LeakageOutput says what vetoes a training.
type LeakageOutput struct {
	Report  artifact.Ref `json:"report"`  // JSON, see leakage
	Vetoes  []string     `json:"vetoes"`  // what stops the training, in words
	Allowed []string     `json:"allowed"` // what would, but for a person's reason
	Reused
}

// Summary counts the vetoes.
func (o LeakageOutput) Summary() string {
	text := fmt.Sprintf("%d vetoes", len(o.Vetoes))
	if len(o.Allowed) > 0 {
		text += fmt.Sprintf(", %d allowed by the spec", len(o.Allowed))
	}
	return text + o.mark()
}

// Artifacts is the report.
func (o LeakageOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.LeakageReport: o.Report}
}

// leakage is what was found, with the reason of whoever allows it.
type leakage struct {
	Vetoes  []leak.Veto   `json:"vetoes"`
	Allowed []allowedLeak `json:"allowed"`
}

type allowedLeak struct {
	leak.Veto
	Reason string `json:"reason"`
}

// Leaks looks for the label in the features, and across the border between the parts.
func (c *Checking) Leaks(ctx context.Context, in LeakageInput) (LeakageOutput, error) {
	return cached(ctx, c.Cache, CheckLeakage, in, c.leaks)
}

func (c *Checking) leaks(ctx context.Context, in LeakageInput) (LeakageOutput, error) {
	found, err := c.vetoes(ctx, in)
	if err != nil {
		return LeakageOutput{}, err
	}
	report, out := leakage{Vetoes: []leak.Veto{}, Allowed: []allowedLeak{}}, LeakageOutput{}
	for _, veto := range found {
		if reason := allowed(in.Leakage, veto); reason != "" {
			report.Allowed = append(report.Allowed, allowedLeak{veto, reason})
			out.Allowed = append(out.Allowed, fmt.Sprintf("%s; allowed: %s", veto.Message, reason))
			continue
		}
		report.Vetoes = append(report.Vetoes, veto)
		out.Vetoes = append(out.Vetoes, veto.Message)
	}
	out.Report, err = putJSON(ctx, c.Cache.Objects, report)
	return out, err
}

// allowed is the reason for which the spec accepts a veto, or empty.
func allowed(l pipeline.Leakage, veto leak.Veto) string {
	for _, a := range l.Allow {
		if a.Column == veto.Column && a.Rule == string(veto.Rule) {
			return a.Reason
		}
	}
	return ""
}

func (c *Checking) vetoes(ctx context.Context, in LeakageInput) ([]leak.Veto, error) {
	knownAt, err := day("known_at", in.KnownAt)
	if err != nil {
		return nil, err
	}
	spec, err := getSchema(ctx, c.Cache.Objects, in.Schema)
	if err != nil {
		return nil, err
	}
	rows, err := open(ctx, c.Cache.Objects, in.Dataset)
	if err != nil {
		return nil, err
	}
	labels, err := dataset.Read(ctx, rows.Manifest, rows.paths, []string{spec.Label.Column, spec.Time})
	if err != nil {
		return nil, err
	}
	y, err := dataset.Label(spec, labels, knownAt)
	if err != nil {
		return nil, err
	}
	say(ctx, "looking at the features")
	found, err := leak.Features(ctx, spec, rows.columns(), y, leak.Options{MaxAUC: in.Leakage.MaxAUC})
	if err != nil {
		return nil, err
	}
	var subsets [3]dataset.Batches
	for i, ref := range []artifact.Ref{in.Train, in.Validation, in.Test} {
		part, err := open(ctx, c.Cache.Objects, ref)
		if err != nil {
			return nil, err
		}
		subsets[i] = dataset.BatchesIn(part.Manifest, part.paths)
	}
	say(ctx, "comparing the parts")
	crossing, err := leak.Split(ctx, spec, subsets[0], subsets[1], subsets[2])
	return append(found, crossing...), err
}
