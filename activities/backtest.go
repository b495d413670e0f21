package activities

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/scoring"
	"github.com/loanops/loanops/internal/train/logit"
)

// backtest is models of several ages on the same rows.
type backtest struct {
	objects Objects
	spec    pipeline.Spec
	window  int // days of the training's window; 0 is all of the past
	knownAt time.Time

	rows    dataset.Table
	of      int64     // rows that they are a sample of
	labels  []float64 // 1, 0, or NaN where it has not matured
	days    []float64
	matured int

	models []performance.Aged
	shown  []report.AgedModel
	notes  []string
}

// label finds what has become of the rows.
func (b *backtest) label() (err error) {
	dates := b.rows.Column(b.spec.Time)
	if dates == nil {
		return fault.New(fault.Invalid, "the spec of %s names no column of time, so that nothing tells how old a model was", b.spec.Name)
	}
	if b.labels, err = dataset.Label(b.spec, b.rows, b.knownAt); err != nil {
		return err
	}
	b.days = make([]float64, b.rows.Rows())
	for i := range b.days {
		b.days[i] = dates.Day(i)
		if !math.IsNaN(b.labels[i]) && !math.IsNaN(b.days[i]) {
			b.matured++
		}
	}
	if int64(b.rows.Rows()) < b.of {
		b.notes = append(b.notes, fmt.Sprintf("%d of %d rows are measured, drawn as if by chance", b.rows.Rows(), b.of))
	}
	return nil
}

// registered measures versions. One that has no day, or takes none of the rows, is left out.
func (b *backtest) registered(ctx context.Context, versions []agedVersion) error {
	for _, v := range versions {
		m, err := getModel(ctx, b.objects, v.Bundle)
		if err != nil {
			return err
		}
		trained, err := lastDay(ctx, b.objects, b.spec.Time, v.Train)
		if err != nil {
			return err
		}
		seen, err := lastDay(ctx, b.objects, b.spec.Time, v.Train, v.Validation)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("version %d", v.Version)
		if math.IsInf(trained, -1) {
			b.notes = append(b.notes, name+" has no day in its training rows")
			continue
		}
		if err := b.add(report.AgedModel{Name: name, Champion: v.Champion}, m, trained, seen); err != nil {
			return err
		}
	}
	return nil
}

// train makes models of what the data were on days of the past, as the pipeline does today.
func (b *backtest) train(ctx context.Context) error {
	var days []float64
	for i, y := range b.labels {
		if !math.IsNaN(y) {
			days = append(days, b.days[i])
		}
	}
	cutoffs := performance.Cutoffs(days)
	for i, cutoff := range cutoffs {
		date := dataset.DayOf(cutoff).Format(pipeline.DateLayout)
		say(ctx, fmt.Sprintf("training model %d of %d, on rows up to %s", i+1, len(cutoffs), date))
		parts, err := b.split(cutoff)
		if err == nil {
			err = b.fit(ctx, "backtest "+date, parts)
		}
		if fault.CodeOf(err) == fault.Refused {
			b.notes = append(b.notes, fmt.Sprintf("no model on rows up to %s: %v", date, err))
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// split is what training would make of the rows up to a day: their outcomes are those of now, for the young ones of that day are what its next model learns.
func (b *backtest) split(cutoff float64) (parts [3]dataset.Table, err error) {
	var places []int
	for i, day := range b.days {
		if !math.IsNaN(b.labels[i]) && day <= cutoff && (b.window == 0 || day > cutoff-float64(b.window)) {
			places = append(places, i)
		}
	}
	past := b.rows.Select(places)
	splitter := dataset.NewSplitter(b.spec, b.knownAt)
	marks, err := splitter.Mark(past)
	if err != nil {
		return parts, err
	}
	division, err := splitter.Divide([]dataset.Marks{marks})
	if err != nil {
		return parts, err
	}
	return division.Deal(past, 0), nil
}

func (b *backtest) fit(ctx context.Context, name string, parts [3]dataset.Table) error {
	train, validation := parts[dataset.Train], parts[dataset.Validation]
	m, _, err := logit.Train(ctx, b.spec, dataset.ColumnsOf(train), dataset.ColumnsOf(validation), func(int, float64) {})
	if err != nil {
		return err
	}
	trained := latest(train.Column(b.spec.Time), math.Inf(-1))
	return b.add(report.AgedModel{Name: name, Backtest: true, Rows: train.Rows()}, m, trained, latest(validation.Column(b.spec.Time), trained))
}

// add scores the rows with an outcome that came after what a model has seen.
func (b *backtest) add(as report.AgedModel, m *model.Model, trained, seen float64) error {
	aged := performance.Aged{Name: as.Name, Trained: trained, Seen: seen, Scores: make([]float64, len(b.days))}
	var places []int
	for i, day := range b.days {
		aged.Scores[i] = math.NaN()
		if day > seen && !math.IsNaN(b.labels[i]) {
			places = append(places, i)
		}
	}
	scores, err := scoring.Taken(m, b.rows.Select(places))
	if err != nil {
		return err
	}
	for i, place := range places {
		aged.Scores[place] = scores[i]
	}
	as.Trained = dataset.DayOf(trained).Format(pipeline.DateLayout)
	b.models, b.shown = append(b.models, aged), append(b.shown, as)
	return nil
}

// latest is the last day of a column, or a later one.
func latest(c *dataset.Column, day float64) float64 {
	for row := range c.Len() {
		if at := c.Day(row); at > day {
			day = at
		}
	}
	return day
}

// lastDay is the last day that a column of datasets holds; minus infinity where they hold none.
func lastDay(ctx context.Context, objects Objects, column string, datasets ...artifact.Ref) (float64, error) {
	day := math.Inf(-1)
	for _, ref := range datasets {
		t, err := readColumns(ctx, objects, ref, []string{column})
		if err != nil {
			return day, err
		}
		if c := t.Column(column); c != nil {
			day = latest(c, day)
		}
	}
	return day, nil
}
