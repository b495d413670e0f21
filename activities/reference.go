package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/serving"
)

// maxContenders is how many versions are held against each other on the same rows: the champion, the one before, and older ones.
const maxContenders = 4

// ReferenceInput asks what a look at a pipeline's production is held against.
type ReferenceInput struct {
	Pipeline string `json:"pipeline"`
	// AsOf is the day of the look, 2006-01-02.
	AsOf string `json:"as_of"`
	// Data says that the look is at rows of its own: all of them are fresh.
	Data string `json:"data,omitempty"`
	// Now is when the look began.
	Now     time.Time        `json:"now"`
	Monitor pipeline.Monitor `json:"monitor"`
	// Delivery is the workflow ID of the pipeline's delivery.
	Delivery string `json:"delivery"`
}

// Contender is a version that serves, or did.
type Contender struct {
	serving.Track
	Bundle artifact.Ref `json:"bundle"`
}

// ReferenceOutput is the champion, what it was made of, the versions before it, and what earlier looks at it saw.
type ReferenceOutput struct {
	// Generation is that of the record of production that was read: a newer one by anybody else overtakes what the look would do.
	Generation int64 `json:"generation"`
	// Contenders are the champion, the one before it, and older ones, to which history allows to go back; none: there is no champion.
	Contenders []Contender  `json:"contenders"`
	Dataset    artifact.Ref `json:"dataset"` // the rows that the champion was made of, those without a label as well
	Test       artifact.Ref `json:"test"`    // of these, the part that it was judged on
	// After is the last day that the champion's data, or the rows of an earlier look, have; fresh rows are those of later days. Empty: all are.
	After string `json:"after"`
	// JudgedUntil is the last day of the rows with a label of which the champion was made.
	JudgedUntil string `json:"judged_until"`
	// Views are the versions of views, view@version, of which the champion reads features.
	Views []string `json:"views,omitempty"`
	// Time is the column of days, Days what was counted of all rows before, see daysBefore.
	Time string       `json:"time,omitempty"`
	Days monitor.Days `json:"days"`
	// Memory is what the looks before at this champion tested.
	Memory
	// Later is the day of the newest look, where that is a later one than of this look; empty otherwise.
	Later string `json:"later,omitempty"`
	// Refusals is what the last look read of the gateway.
	Refusals json.RawMessage `json:"refusals,omitempty"`
	// Changing says why what serves is not to be changed now; empty otherwise.
	Changing string `json:"changing,omitempty"`
	// Held says why no monitor may start a training now; empty otherwise.
	Held string `json:"held,omitempty"`
	// Delivered are the versions whose delivery monitors have started within the cooldown.
	Delivered []int `json:"delivered,omitempty"`
}

// Champion is its version; 0 is none.
func (o ReferenceOutput) Champion() int {
	if len(o.Contenders) == 0 {
		return 0
	}
	return o.Contenders[0].Version
}

// Summary names the champion, and from when on rows are fresh.
func (o ReferenceOutput) Summary() string {
	switch {
	case o.Champion() == 0:
		return "there is no champion"
	case o.After == "":
		return fmt.Sprintf("version %d", o.Champion())
	}
	return fmt.Sprintf("version %d; rows after %s are fresh", o.Champion(), o.After)
}

// Looking looks at production.
type Looking struct {
	Registry  registry.Registry
	Cache     StepCache
	Workflows Workflows
	// Page renders a look for people.
	Page func(report.Look) ([]byte, error)
}

// Reference finds what serves and what it is to be held against.
func (l *Looking) Reference(ctx context.Context, in ReferenceInput) (ReferenceOutput, error) {
	history, err := l.Registry.ServingHistory(ctx, in.Pipeline, serving.Production)
	if err != nil {
		return ReferenceOutput{}, err
	}
	newest := serving.Newest(history, in.Pipeline, serving.Production)
	if newest.Champion == nil {
		return ReferenceOutput{}, nil
	}
	champion, err := l.Registry.Version(ctx, in.Pipeline, newest.Champion.Version)
	if err != nil {
		return ReferenceOutput{}, err
	}
	out := ReferenceOutput{Generation: newest.Generation, Dataset: champion.Artifacts[artifact.Dataset], Test: test(champion)}
	if out.JudgedUntil, err = l.judgedUntil(ctx, champion); err != nil {
		return out, err
	}
	out.Contenders = []Contender{{Track: *newest.Champion, Bundle: champion.Bundle}}
	if out.Contenders, err = l.contenders(ctx, champion, out, serving.Earlier(history)); err != nil {
		return out, err
	}
	if out.Changing, err = l.changing(ctx, newest, in.Delivery); err != nil {
		return out, err
	}
	looks, err := l.Registry.Looks(ctx, in.Pipeline, 0)
	if err != nil {
		return out, err
	}
	for _, look := range looks { // newest first
		if out.Refusals = look.Refusals; len(out.Refusals) > 0 {
			break
		}
	}
	out.hold(in, looks)
	out.Delivered = delivered(looks, in)
	spec, err := getSchema(ctx, l.Cache.Objects, champion.Artifacts[artifact.Schema])
	if err != nil {
		return out, err
	}
	out.Views = ViewsOf(spec.Looked())
	if spec.Time == "" && in.Data == "" {
		return out, fault.New(fault.Invalid, "the spec of %s names no column of time, so that it cannot be told which rows are fresh; look at rows of their own: loanops monitor start %s --data URI", in.Pipeline, in.Pipeline)
	}
	if spec.Time != "" {
		if out.After, err = l.last(ctx, spec.Time, out.Dataset); err != nil {
			return out, err
		}
		made, err := getJSON[facts](ctx, l.Cache.Objects, champion.Artifacts[artifact.Facts])
		if err != nil {
			return out, err
		}
		out.Time, out.Days = spec.Time, daysBefore(looks, in.AsOf, made)
	}
	timed := spec.Time != ""
	var seen string
	out.Memory, seen = remember(looks, champion.Version, in.AsOf, timed)
	out.After = max(out.After, seen)
	if in.Data != "" {
		out.After, out.JudgedUntil = "", ""
	}
	return out, nil
}

// contenders are the champion and the ones before it that history allows to go back to: those whose scores mean the same, and that were made of none of
// the outcomes by which all are measured. One that learned from these would look better than it is.
func (l *Looking) contenders(ctx context.Context, champion registry.ModelVersion, out ReferenceOutput, earlier []serving.Track) ([]Contender, error) {
	found := out.Contenders
	for _, track := range earlier {
		if len(found) == maxContenders {
			break
		}
		version, err := l.Registry.Version(ctx, champion.Name, track.Version)
		if err != nil {
			return nil, err
		}
		if version.Meaning != champion.Meaning {
			continue
		}
		until, err := l.judgedUntil(ctx, version)
		if err != nil {
			return nil, err
		}
		if until <= out.JudgedUntil && (until == "") == (out.JudgedUntil == "") { // of one that knew no days nobody can say what it learned
			found = append(found, Contender{Track: track, Bundle: version.Bundle})
		}
	}
	return found, nil
}

// changing says why what serves is not to be changed now: a delivery is under way, be it in staging, waiting for approval, or in its bake.
func (l *Looking) changing(ctx context.Context, newest serving.Record, delivery string) (string, error) {
	if newest.Challenger != nil {
		return fmt.Sprintf("version %d is on its way to production", newest.Challenger.Version), nil
	}
	runs, err := goesOn(ctx, l.Workflows, delivery)
	if err != nil || !runs {
		return "", err
	}
	return "a delivery is under way, see " + delivery, nil
}

// judgedUntil is the last day of the rows with a label of which a version was made; empty without a column of time.
func (l *Looking) judgedUntil(ctx context.Context, version registry.ModelVersion) (string, error) {
	spec, err := getSchema(ctx, l.Cache.Objects, version.Artifacts[artifact.Schema])
	if err != nil || spec.Time == "" {
		return "", err
	}
	return l.last(ctx, spec.Time, version.Artifacts[artifact.Train], version.Artifacts[artifact.Validation], test(version))
}

// last is the last day that a column of datasets holds, as 2006-01-02; empty where they hold none.
func (l *Looking) last(ctx context.Context, column string, datasets ...artifact.Ref) (string, error) {
	latest := math.Inf(-1)
	for _, ref := range datasets {
		t, err := readColumns(ctx, l.Cache.Objects, ref, []string{column})
		if err != nil {
			return "", err
		}
		c := t.Column(column)
		for row := range t.Rows() {
			if day := c.Day(row); day > latest {
				latest = day
			}
		}
	}
	if math.IsInf(latest, -1) {
		return "", nil
	}
	return dataset.DayOf(latest).Format(pipeline.DateLayout), nil
}

// hold says what keeps the look from acting: rows of its own, of which a version may have been made, and those of a past at which this champion was looked at
// before, say little of what serves now.
func (o *ReferenceOutput) hold(in ReferenceInput, looks []registry.Look) {
	for _, look := range looks {
		if look.Data == "" && look.Champion == o.Champion() && look.AsOf > max(in.AsOf, o.Later) {
			o.Later = look.AsOf
		}
	}
	switch {
	case in.Data != "":
		o.Held, o.Changing = "rows of their own start none", "rows of their own change nothing that serves; loanops rollback does"
	case o.Later != "":
		o.Held = "there was a look at a later day, " + o.Later
		o.Changing = o.Held
	default:
		o.Held = monitor.Held(in.Monitor, trainings(looks), in.Now)
	}
}

// trainings are when looks led to a training, as far as it was started, or kept for later.
func trainings(looks []registry.Look) (started []time.Time) {
	for _, look := range looks {
		if look.Done == monitor.Started || look.Done == monitor.Kept {
			started = append(started, look.At)
		}
	}
	return started
}

// delivered are the versions whose delivery looks have started within the cooldown.
func delivered(looks []registry.Look, in ReferenceInput) (versions []int) {
	for _, look := range looks {
		if look.Done == monitor.Delivering && in.Now.Sub(look.At).Hours() < in.Monitor.CooldownHours {
			versions = append(versions, look.BackTo)
		}
	}
	return versions
}
