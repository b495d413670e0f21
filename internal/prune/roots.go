package prune

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/retention"
	"github.com/loanops/loanops/internal/serving"
)

// Open is what goes on or will start: no record names yet what it was handed.
type Open struct {
	Runs []OpenRun
	// Schedules are what schedules start runs with, encoded.
	Schedules [][]byte
}

// OpenRun is a run that goes on.
type OpenRun struct {
	ID string
	// Payloads are what it was started with, what it was told since, and what its steps came to, encoded.
	Payloads [][]byte
}

// Why objects are kept, see retention.Root.
const (
	modelVersions  = "model versions"
	schemaVersions = "schema versions"
	pipelineSpecs  = "pipeline specs"
	published      = "pipeline versions"
	deliveries     = "deliveries in the serving record"
	modelRuns      = "runs that registered a version"
	telling        = "looks that found something"
	recentRuns     = "runs that go on or are younger than the limit"
	openWorkflows  = "running workflows"
	openSchedules  = "schedules"
	views          = "feature views"
)

// order is that of the roots: the first that reaches an object is why it is kept.
var order = []string{modelVersions, schemaVersions, pipelineSpecs, published, deliveries, modelRuns, telling, recentRuns, openWorkflows, openSchedules}

// roots are what the registry needs, and what is open: all model versions, schema versions and pipelines that were ever registered, with the runs that
// made or delivered them, and the runs that go on or ended since the limit. What a canary saw, and policies, stand in the registry itself.
func (p Pruner) roots(ctx context.Context) ([]retention.Root, error) {
	c := collected{registry: p.Registry, byWhy: map[string][]string{}}
	versions, err := p.Registry.Versions(ctx, "")
	if err != nil {
		return nil, err
	}
	pipelines, err := p.Registry.Pipelines(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{} // of models and pipelines
	for _, v := range versions {
		names[v.Name] = true
		if err := c.document(modelVersions, v); err != nil {
			return nil, err
		}
		if err := c.run(ctx, modelRuns, v.RunID); err != nil {
			return nil, err
		}
	}
	for _, p := range pipelines {
		names[p.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if err := c.pipeline(ctx, name); err != nil {
			return nil, err
		}
	}
	if err := c.runs(ctx, p); err != nil {
		return nil, err
	}
	if err := c.open(ctx, p); err != nil {
		return nil, err
	}
	var all []retention.Root
	for _, why := range order {
		all = append(all, retention.Root{Why: why, Names: c.byWhy[why]})
	}
	return all, nil
}

// collected are the digests of roots, as far as they have been read.
type collected struct {
	registry registry.Registry
	byWhy    map[string][]string
}

func (c collected) add(why string, data []byte) {
	c.byWhy[why] = append(c.byWhy[why], retention.Digests(data)...)
}

// document adds what a record names.
func (c collected) document(why string, record any) error {
	data, err := json.Marshal(record)
	c.add(why, data)
	return fault.Wrap(fault.Internal, err, "encoding %T", record)
}

// pipeline adds what is registered under a name.
func (c collected) pipeline(ctx context.Context, name string) error {
	specs, err := c.registry.PipelineHistory(ctx, name)
	if err != nil {
		return err
	}
	for _, spec := range specs {
		c.add(pipelineSpecs, spec.YAML)
	}
	versions, err := c.registry.PipelineVersions(ctx, name)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if err := c.document(published, v); err != nil {
			return err
		}
		if err := c.run(ctx, published, v.RunID); err != nil {
			return err
		}
	}
	schemas, err := c.registry.SchemaVersions(ctx, name)
	if err != nil {
		return err
	}
	if err := c.document(schemaVersions, schemas); err != nil {
		return err
	}
	looks, err := c.registry.Looks(ctx, name, 0)
	if err != nil {
		return err
	}
	for _, look := range looks {
		if look.Verdict != monitor.Nothing {
			if err := c.run(ctx, telling, look.RunID); err != nil {
				return err
			}
		}
	}
	for _, environment := range []string{serving.Production, serving.Staging} {
		history, err := c.registry.ServingHistory(ctx, name, environment)
		if err != nil {
			return err
		}
		for _, record := range history {
			_, run, isRun := record.Run()
			if !isRun {
				continue
			}
			if err := c.run(ctx, deliveries, run); err != nil {
				return err
			}
		}
	}
	return nil
}

// runs adds those that go on or have ended since the limit.
func (c collected) runs(ctx context.Context, p Pruner) error {
	all, err := c.registry.Runs(ctx, "", math.MaxInt32)
	if err != nil {
		return err
	}
	for _, run := range all {
		if run.Status != registry.RunRunning && run.EndedAt.Before(p.Before) {
			continue
		}
		if err := c.run(ctx, recentRuns, run.ID); err != nil {
			return err
		}
	}
	return nil
}

// run adds what a run has made, and what its result names. One that is not recorded has made nothing.
func (c collected) run(ctx context.Context, why, id string) error {
	if id == "" {
		return nil
	}
	made, err := c.registry.RunArtifacts(ctx, id)
	if err != nil {
		return err
	}
	if err := c.document(why, made); err != nil {
		return err
	}
	run, err := c.registry.Run(ctx, id)
	if fault.CodeOf(err) == fault.NotFound {
		return nil
	}
	c.add(why, run.Result)
	return err
}

// open adds what runs that go on know of and have made, and what schedules will start runs with.
func (c collected) open(ctx context.Context, p Pruner) error {
	open, err := p.Open(ctx)
	if err != nil {
		return err
	}
	for _, run := range open.Runs {
		for _, payload := range run.Payloads {
			c.add(openWorkflows, payload)
		}
		if err := c.run(ctx, openWorkflows, run.ID); err != nil {
			return err
		}
	}
	for _, input := range open.Schedules {
		c.add(openSchedules, input)
	}
	return nil
}
