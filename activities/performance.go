package activities

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/scoring"
)

// PerformanceInput is rows with what has become of them, rows without, and the versions that score both.
type PerformanceInput struct {
	Pipeline string       `json:"pipeline"`
	Schema   artifact.Ref `json:"schema"`
	// Test is the part that the champion was judged on, Reference all rows that it was made of.
	Test      artifact.Ref `json:"test"`
	Reference artifact.Ref `json:"reference"`
	// Fresh are the rows that no look has seen, Outcomes those since the champion was judged.
	Fresh      artifact.Ref     `json:"fresh"`
	Outcomes   artifact.Ref     `json:"outcomes"`
	Contenders []Contender      `json:"contenders"` // the champion first
	KnownAt    string           `json:"known_at"`
	Monitor    pipeline.Monitor `json:"monitor"`
	Nth        int              `json:"nth"` // see monitor.Observed
	// NthMeasured counts the looks that had enough matured outcomes.
	NthMeasured int `json:"nth_measured"`
}

// PerformanceOutput is how the champion and the versions before it do.
type PerformanceOutput struct {
	Findings []monitor.Finding `json:"findings"`
	Matured  int64             `json:"matured"` // rows whose label is final
	// Better is an older version that is better beyond the noise; nil is none.
	Better *monitor.Better `json:"better,omitempty"`
	Words  string          `json:"words"`
	JSON   artifact.Ref    `json:"json"` // monitor.Performance
	Reused
}

// Summary says how the champion does.
func (o PerformanceOutput) Summary() string { return o.Words + o.mark() }

// Artifacts is all that was measured.
func (o PerformanceOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.Performance: o.JSON}
}

// Performance measures the champion, and holds the versions before it against it.
func (l *Looking) Performance(ctx context.Context, in PerformanceInput) (PerformanceOutput, error) {
	return cached(ctx, l.Cache, MeasurePerformance, in, l.performance)
}

func (l *Looking) performance(ctx context.Context, in PerformanceInput) (PerformanceOutput, error) {
	spec, err := getSchema(ctx, l.Cache.Objects, in.Schema)
	if err != nil {
		return PerformanceOutput{}, err
	}
	knownAt, err := day("known_at", in.KnownAt)
	if err != nil {
		return PerformanceOutput{}, err
	}
	c := &contest{spec: spec, segment: in.Monitor.Segment}
	of := monitor.Observed{Nth: in.Nth, NthMeasured: in.NthMeasured}
	if err := l.enter(ctx, in, c, &of); err != nil {
		return PerformanceOutput{}, err
	}
	if of.Unread == "" {
		if of.Unread, err = l.unlabelled(ctx, spec, in.Outcomes); err != nil {
			return PerformanceOutput{}, err
		}
	}
	unknown := func(dataset.Table) ([]float64, error) { return nil, nil }
	for _, rows := range []struct {
		ref    artifact.Ref
		to     *monitor.Scored
		most   int
		labels func(dataset.Table) ([]float64, error)
	}{
		{in.Test, &of.Reference, math.MaxInt, func(t dataset.Table) ([]float64, error) { return labels(c.made, t) }},
		{in.Reference, &of.Applicants, drift.MaxSeparated, func(t dataset.Table) ([]float64, error) { return dataset.Label(c.made, t, knownAt) }},
		{in.Outcomes, &of.Outcomes, math.MaxInt, func(t dataset.Table) ([]float64, error) { return c.outcomes(t, knownAt) }},
		{in.Fresh, &of.Fresh, math.MaxInt, unknown},
	} {
		opened, err := open(ctx, l.Cache.Objects, rows.ref)
		if err != nil {
			return PerformanceOutput{}, err
		}
		say(ctx, fmt.Sprintf("scoring %d rows by %d versions", min(int(opened.Rows), rows.most), len(c.deciders)))
		if *rows.to, err = c.read(ctx, opened, rows.most, rows.labels); err != nil {
			return PerformanceOutput{}, err
		}
	}
	measured, err := monitor.Measure(of, in.Monitor)
	if err != nil {
		return PerformanceOutput{}, err
	}
	final, err := l.finals(ctx, spec, in.Outcomes, knownAt)
	if err != nil {
		return PerformanceOutput{}, err
	}
	out := PerformanceOutput{
		Findings: append(measured.Findings(in.Monitor), monitor.NewData(in.Monitor, final)...), Matured: int64(measured.Realised.Overall.Rows), Better: measured.Better(), Words: measured.Words(),
	}
	out.JSON, err = putJSON(ctx, l.Cache.Objects, measured)
	return out, err
}

// unlabelled says that rows have no column of labels, as rows of their own may; empty where they have one, whatever is in it.
func (l *Looking) unlabelled(ctx context.Context, spec pipeline.Spec, rows artifact.Ref) (string, error) {
	m, _, err := manifest(ctx, l.Cache.Objects, rows)
	if err != nil || slices.ContainsFunc(m.Columns, func(f dataset.Field) bool { return f.Name == spec.Label.Column }) {
		return "", err
	}
	return fmt.Sprintf("the rows have no label column %q", spec.Label.Column), nil
}

// finals counts the rows with a final label, also those that the champion would refuse: the next one learns from them.
func (l *Looking) finals(ctx context.Context, spec pipeline.Spec, rows artifact.Ref, knownAt time.Time) (n int64, err error) {
	t, err := readColumns(ctx, l.Cache.Objects, rows, []string{spec.Label.Column, spec.Time})
	if err != nil || t.Column(spec.Label.Column) == nil {
		return 0, err
	}
	labels, err := dataset.Label(spec, t, knownAt)
	for _, y := range labels {
		if !math.IsNaN(y) {
			n++
		}
	}
	return n, err
}

// enter has the versions take part. Those that were trained on another label than the champion are not held against it, and where the spec's label is
// another one by now, outcomes are not read: a 1 would say another thing than the scores do.
func (l *Looking) enter(ctx context.Context, in PerformanceInput, c *contest, of *monitor.Observed) error {
	for i, contender := range in.Contenders {
		version, err := l.Registry.Version(ctx, in.Pipeline, contender.Version)
		if err != nil {
			return err
		}
		by, err := decider(ctx, l.Registry, l.Cache.Objects, version, contender.Policy)
		if err != nil {
			return err
		}
		made, err := trainedUnder(ctx, l.Cache.Objects, version)
		if err != nil {
			return err
		}
		v := monitor.Version{Track: contender.Track}
		switch {
		case i == 0:
			c.made = made
			if !made.Label.Same(c.spec.Label) {
				of.Unread = fmt.Sprintf("the champion's scores are of the label %s: outcomes of the label %s say nothing of them", made.Label.Words(), c.spec.Label.Words())
			}
		case !made.Label.Same(c.made.Label):
			v.Apart = fmt.Sprintf("its scores are of the label %s, the champion's of the label %s", made.Label.Words(), c.made.Label.Words())
		}
		c.deciders = append(c.deciders, by)
		of.Versions = append(of.Versions, v)
	}
	return nil
}

// contest are the versions that score the same rows, the champion first.
type contest struct {
	spec     pipeline.Spec
	made     pipeline.Spec // that of the champion, of which its test part is
	segment  string
	deciders []decision.Decider
}

// read scores the rows of a dataset, or so many of them, see dataset.Sample, where there are more. Whole datasets are scored part by part: of their rows the scores are
// kept, and what they are told apart by, not what applicants told.
func (c *contest) read(ctx context.Context, rows rowParts, most int, labelled func(dataset.Table) ([]float64, error)) (monitor.Scored, error) {
	if int(rows.Rows) > most {
		table, err := dataset.Sample(ctx, rows.Manifest, rows.paths, nil, most)
		if err != nil {
			return monitor.Scored{}, err
		}
		return c.score(table, labelled)
	}
	parts := make([]monitor.Scored, len(rows.paths))
	err := dataset.Each(ctx, rows.Manifest, rows.paths, nil, func(part, _ int, t dataset.Table) (err error) {
		parts[part], err = c.score(t, labelled)
		return err
	})
	return c.join(parts), err
}

// join is the rows of parts in their order. Parts of a dataset have the same columns.
func (c *contest) join(parts []monitor.Scored) monitor.Scored {
	all := monitor.Scored{Scores: make([][]float64, len(c.deciders))}
	for i, part := range parts {
		if i == 0 {
			all = part
			continue
		}
		all.Refused += part.Refused
		for version := range all.Scores {
			all.Scores[version] = append(all.Scores[version], part.Scores[version]...)
		}
		all.Labels, all.Days, all.Approved = append(all.Labels, part.Labels...), append(all.Days, part.Days...), append(all.Approved, part.Approved...)
		for of, segments := range [][]performance.Segment{part.Segments, part.Protected} {
			to := [][]performance.Segment{all.Segments, all.Protected}[of]
			for j := range segments {
				to[j].Values = append(to[j].Values, segments[j].Values...)
			}
		}
	}
	return all
}

// score has every version score the rows that the champion takes, none where a column that it asks for is gone, and the champion decide them. What rows are
// told apart by is there without rows as well, so that parts can be joined.
func (c *contest) score(t dataset.Table, labelled func(dataset.Table) ([]float64, error)) (s monitor.Scored, err error) {
	champion, err := scoring.Admitted(t, c.deciders[0].Model.Contract)
	if err != nil && fault.CodeOf(err) != fault.Invalid {
		return s, err
	}
	s.Refused = t.Rows() - len(champion)
	t = t.Select(champion)
	if s.Labels, err = labelled(t); err != nil {
		return s, err
	}
	c.describe(&s, t)
	s.Scores, s.Approved = make([][]float64, len(c.deciders)), make([]bool, t.Rows())
	if t.Rows() == 0 {
		return s, nil
	}
	decided, err := scoring.Decisions(c.deciders[0], t)
	if err != nil {
		return s, err
	}
	for i, d := range decided {
		s.Approved[i] = d.Verdict == decision.Approve
	}
	for i, by := range c.deciders {
		if s.Scores[i], err = scoring.Taken(by.Model, t); err != nil {
			return s, err
		}
	}
	return s, nil
}

// outcomes are what has become of the rows, as far as the champion's scores are about that and the rows say it.
func (c *contest) outcomes(t dataset.Table, knownAt time.Time) ([]float64, error) {
	if !c.made.Label.Same(c.spec.Label) || t.Column(c.spec.Label.Column) == nil {
		return nil, nil
	}
	return dataset.Label(c.spec, t, knownAt)
}

// describe adds the days and what rows are told apart by.
func (c *contest) describe(s *monitor.Scored, t dataset.Table) {
	if days := t.Column(c.spec.Time); days != nil {
		s.Days = make([]float64, t.Rows())
		for row := range s.Days {
			s.Days[row] = days.Day(row)
		}
	}
	if segment := t.Column(c.segment); segment != nil && segment.Kind == dataset.Text {
		s.Segments = []performance.Segment{{Column: c.segment, Values: segment.Texts}}
	}
	for _, name := range c.spec.Protected {
		if attribute := t.Column(name); attribute != nil && attribute.Kind == dataset.Text {
			s.Protected = append(s.Protected, performance.Segment{Column: name, Values: attribute.Texts})
		}
	}
}
