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
}

// Contender is a version that serves, or did.
type Contender struct {
	serving.Track
	Bundle artifact.Ref `json:"bundle"`
}

// ReferenceOutput is the champion, what it was made of, the versions before it, and what earlier looks at it saw.
type ReferenceOutput struct {
	// Contenders are the champion, the one before it, and older ones, whose scores mean the same; none: there is no champion.
	Contenders []Contender  `json:"contenders"`
	Dataset    artifact.Ref `json:"dataset"` // the rows that the champion was made of, those without a label as well
	Test       artifact.Ref `json:"test"`    // of these, the part that it was judged on
	// After is the last day that the champion's data, or an earlier look, have; fresh rows are those of later days. Empty: all are.
	After string `json:"after"`
	// JudgedUntil is the last day of the rows with a label of which the champion was made.
	JudgedUntil string `json:"judged_until"`
	// Nth says which look at this champion it is, from 1.
	Nth int `json:"nth"`
	// Tested is what the looks before at this champion tested, see registry.Look.
	Tested json.RawMessage `json:"tested,omitempty"`
	// Refusals is what the last look read of the gateway.
	Refusals json.RawMessage `json:"refusals,omitempty"`
	// Changing says why what serves is not to be changed now; empty otherwise.
	Changing string `json:"changing,omitempty"`
	// Held says why no monitor may start a training now; empty otherwise.
	Held string `json:"held,omitempty"`
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
	Registry registry.Registry
	Cache    StepCache
	// Page renders a look for people.
	Page func(report.Look) ([]byte, error)
}

// Reference finds what serves and what it is to be held against.
func (l *Looking) Reference(ctx context.Context, in ReferenceInput) (ReferenceOutput, error) {
	history, err := l.Registry.ServingHistory(ctx, in.Pipeline, serving.Production)
	if err != nil {
		return ReferenceOutput{}, err
	}
	champion, contenders, err := l.contenders(ctx, in.Pipeline, history)
	if err != nil || len(contenders) == 0 {
		return ReferenceOutput{}, err
	}
	out := ReferenceOutput{Contenders: contenders, Dataset: champion.Artifacts[artifact.Dataset], Test: test(champion)}
	if newest := history[len(history)-1]; newest.Challenger != nil {
		out.Changing = fmt.Sprintf("version %d is on its way to production", newest.Challenger.Version)
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
	out.Held = monitor.Held(in.Monitor, trainings(looks), in.Now)
	spec, err := getSchema(ctx, l.Cache.Objects, champion.Artifacts[artifact.Schema])
	if err != nil {
		return out, err
	}
	if spec.Time == "" && in.Data == "" {
		return out, fault.New(fault.Invalid, "the spec of %s names no column of time, so that it cannot be told which rows are fresh; look at rows of their own: loanops monitor start %s --data URI", in.Pipeline, in.Pipeline)
	}
	if spec.Time != "" {
		if out.After, err = l.last(ctx, spec.Time, out.Dataset); err != nil {
			return out, err
		}
		if out.JudgedUntil, err = l.last(ctx, spec.Time, champion.Artifacts[artifact.Train], champion.Artifacts[artifact.Validation], out.Test); err != nil {
			return out, err
		}
	}
	look, nth := earlierLook(looks, champion.Version, in.AsOf)
	if out.Nth = nth; look.AsOf != "" {
		out.After, out.Tested = max(out.After, look.AsOf), look.Tested
	}
	if in.Data != "" {
		out.After, out.JudgedUntil = "", ""
	}
	return out, nil
}

// contenders are the champion and the ones before it, the youngest first, each version once, with the policy under which it served last.
func (l *Looking) contenders(ctx context.Context, model string, history []serving.Record) (champion registry.ModelVersion, found []Contender, err error) {
	seen := map[int]bool{}
	for i := len(history) - 1; i >= 0 && len(found) < maxContenders; i-- {
		track := history[i].Champion
		if track == nil || seen[track.Version] {
			if i == len(history)-1 && track == nil {
				return champion, nil, nil
			}
			continue
		}
		seen[track.Version] = true
		version, err := l.Registry.Version(ctx, model, track.Version)
		if err != nil {
			return champion, nil, err
		}
		if len(found) == 0 {
			champion = version
		}
		if version.Meaning == champion.Meaning {
			found = append(found, Contender{Track: *track, Bundle: version.Bundle})
		}
	}
	return champion, found, nil
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

// earlierLook is the newest look at a champion, of an earlier day, that had enough rows, and the how manieth look the next one is.
func earlierLook(looks []registry.Look, champion int, asOf string) (newest registry.Look, nth int) {
	nth = 1
	for _, look := range looks {
		if look.Champion != champion || look.AsOf >= asOf || look.Data != "" {
			continue
		}
		nth++
		if look.Enough && look.AsOf > newest.AsOf {
			newest = look
		}
	}
	return newest, nth
}

// trainings are when looks led to a training.
func trainings(looks []registry.Look) (started []time.Time) {
	for _, look := range looks {
		if look.Verdict == monitor.Retrain {
			started = append(started, look.At)
		}
	}
	return started
}
