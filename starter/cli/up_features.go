package cli

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/features"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/workflows"
)

// declare registers the definitions that come with LoanOps on a new platform, and has views kept as fresh as they promise.
func (u *up) declare(ctx context.Context, temporal client.Client) error {
	rows, err := feature.DeclareShipped(ctx, u.features, features.FS, "loanops up")
	if err != nil {
		return err
	}
	if err := schedules(temporal).KeepFresh(ctx, u.features); err != nil {
		return err
	}
	u.catalogue, err = feature.NewCatalogue(rows)
	return err
}

// looks gives a spec the columns that it looks up, as a training will.
func (u *up) looks(spec *pipeline.Spec) error {
	if len(spec.Features) == 0 {
		return nil
	}
	columns, err := u.catalogue.Columns(*spec)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "%s: features", spec.Name)
	}
	spec.Look(columns)
	return nil
}

// fill materializes, side by side, the views that the spec looks features up in: from then on schedules do. A view that is being materialized already is waited for.
func (u *up) fill(ctx context.Context, temporal client.Client, spec pipeline.Spec) error {
	views := activities.ViewsOf(spec.Looked())
	if len(views) == 0 {
		return nil
	}
	u.say("%s: filling the feature store: %s", spec.Name, strings.Join(views, ", "))
	var runs []client.WorkflowRun
	for _, view := range views {
		id := workflows.MaterializeID(view)
		run, err := start(ctx, temporal, id, workflows.MaterializeName, "materialize "+view, workflows.MaterializeInput{View: view})
		if fault.CodeOf(err) == fault.Conflict {
			run, err = temporal.GetWorkflow(ctx, id, ""), nil
		}
		if err != nil {
			return err
		}
		runs = append(runs, run)
	}
	for _, run := range runs {
		result, err := u.wait(ctx, temporal, run)
		if err != nil {
			return err
		}
		if ended := (verdictError{result.Verdict}); ended.code() != exitDone {
			return u.result(result)
		}
	}
	return nil
}

// lookedThrough is among how many entities of a view one is chosen to be shown.
const lookedThrough = 1000

// known lets an application be of somebody of whom the feature store knows something new, and hold nothing itself of what is looked up; as it is where there is nobody.
func (u *up) known(ctx context.Context, spec pipeline.Spec, application []byte) ([]byte, error) {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(application, &fields); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the champion's golden application")
	}
	chosen := false // by the first view
	for _, column := range spec.Looked() {
		reference, _, looked := strings.Cut(column.Feature, ":")
		if !looked {
			continue
		}
		delete(fields, column.Name)
		if chosen {
			continue
		}
		version, err := u.catalogue.View(reference)
		if err != nil {
			return nil, err
		}
		key, err := u.newest(ctx, version)
		if err != nil || key == "" {
			return application, err
		}
		texts, err := key.Texts()
		if err != nil {
			return nil, err
		}
		for i, key := range version.View.Keys {
			if fields[column.Keys[key]], err = json.Marshal(texts[i]); err != nil {
				return nil, fault.Wrap(fault.Internal, err, "the key of an entity")
			}
		}
		chosen = true
	}
	return json.Marshal(fields)
}

// newest is of whom the store knows the newest of a view, of those who are looked through; empty where it knows nobody.
func (u *up) newest(ctx context.Context, of *feature.Version) (newest feature.Key, err error) {
	held, err := u.features.Held(ctx, of.Name, of.Version, "", lookedThrough)
	if err != nil {
		return "", err
	}
	reader, now := of.View.Reader(), feature.InstantOf(time.Now())
	var at feature.Instant
	for _, h := range held {
		said, err := reader.Reading(h.State, now)
		if err != nil {
			return "", err
		}
		if newest == "" || said.Event > at {
			newest, at = h.Key, said.Event
		}
	}
	return newest, nil
}
