package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/workflows"
)

// print writes value as JSON, or calls text for people.
func (a *app) print(value any, text func()) error {
	if a.output != "json" {
		text()
		return nil
	}
	encoder := json.NewEncoder(a.out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// table writes rows in aligned columns; the first is the header.
func (a *app) table(rows [][]string) {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush() // the terminal may be gone
}

// say writes a line of progress.
func (a *app) say(format string, args ...any) {
	fmt.Fprintf(a.err, format+"\n", args...)
}

// listReasons prints why a run ended so, a line each.
func (a *app) listReasons(reasons []string) {
	for _, reason := range reasons {
		fmt.Fprintf(a.out, "  %s\n", reason)
	}
}

// result prints how a workflow ended and turns its verdict into an exit code.
func (a *app) result(r workflows.Result) error {
	err := a.print(r, func() {
		what := "no version" // a refused training registers none
		switch {
		case r.Integrated != nil:
			what = r.Words()
		case r.Materialized != nil:
			what = "view " + r.Materialized.View
		case r.Cadence != nil:
			what = "how often to train"
		case r.Model.Version > 0:
			what = fmt.Sprintf("%s version %d", r.Model.Name, r.Model.Version)
		}
		fmt.Fprintf(a.out, "%s: %s\n", r.Verdict, what)
		a.listReasons(r.Reasons)
		a.measured(r.Evaluation)
		a.period(r.Cadence)
	})
	if err != nil {
		return err
	}
	if ended := (verdictError{r.Verdict}); ended.code() != exitDone {
		return ended
	}
	return nil
}

// expand puts what the result's manifest lists beside the manifest. A store that does not answer now changes nothing of how the run
// ended: it is said, and the manifest remains.
func (a *app) expand(ctx context.Context, r *workflows.Result) {
	manifest, made := r.Artifacts[artifact.Manifest]
	if !made {
		return
	}
	listed, err := a.manifest(ctx, manifest)
	if err != nil {
		a.say("the run's artifacts cannot be listed: %v", err)
	}
	maps.Copy(r.Artifacts, listed)
}

func (a *app) manifest(ctx context.Context, ref artifact.Ref) (map[string]artifact.Ref, error) {
	s, err := settings.FromState(a.state)
	if err != nil {
		return nil, err
	}
	store, err := objects(ctx, s)
	if err != nil {
		return nil, err
	}
	data, err := store.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	var listed map[string]artifact.Ref
	return listed, fault.Wrap(fault.Internal, json.Unmarshal(data, &listed), "%s", ref.URI)
}

// sortedKeys lists a map's keys in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
