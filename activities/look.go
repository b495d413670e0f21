package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
)

// SchemaLookInput is what validation found in fresh rows.
type SchemaLookInput struct {
	Report artifact.Ref `json:"report"`
	// Change is what the rows would make of the schema; nil when they are as it says.
	Change *SchemaChange `json:"change,omitempty"`
}

// FindingsOutput is what one step of a look found.
type FindingsOutput struct {
	Findings []monitor.Finding `json:"findings"`
}

// Summary counts them.
func (o FindingsOutput) Summary() string { return counted(o.Findings) }

func counted(findings []monitor.Finding) string {
	if len(findings) == 0 {
		return "nothing found"
	}
	var about []string
	for _, f := range findings {
		if name := strings.TrimPrefix(f.Feature+" "+string(f.Statistic), " "); !slices.Contains(about, name) && len(about) < 3 {
			about = append(about, name)
		}
	}
	return fmt.Sprintf("%d found: %s", len(findings), strings.Join(about, ", "))
}

// Schema turns what validation found into findings.
func (l *Looking) Schema(ctx context.Context, in SchemaLookInput) (FindingsOutput, error) {
	report, err := getJSON[dataset.Report](ctx, l.Cache.Objects, in.Report)
	if err != nil {
		return FindingsOutput{}, err
	}
	return FindingsOutput{Findings: monitor.Broken(report, in.Change != nil && !in.Change.Breaking)}, nil
}

// LookInput is a look that has come to its verdict.
type LookInput struct {
	Look registry.Look `json:"look"`
	// Drift, Performance and Skew are what the steps before measured, where they did.
	Drift       *artifact.Ref `json:"drift,omitempty"`
	Performance *artifact.Ref `json:"performance,omitempty"`
	Skew        *artifact.Ref `json:"skew,omitempty"`
}

// LookOutput is where the look can be seen.
type LookOutput struct {
	HTML artifact.Ref `json:"html"`
	JSON artifact.Ref `json:"json"`
}

// Record keeps a look and draws its page. Doing it again changes nothing.
func (l *Looking) Record(ctx context.Context, in LookInput) (out LookOutput, err error) {
	shown := report.Look{Look: in.Look}
	if shown.Drift, err = optional[monitor.Drift](ctx, l.Cache.Objects, in.Drift); err != nil {
		return out, err
	}
	if shown.Performance, err = optional[monitor.Performance](ctx, l.Cache.Objects, in.Performance); err != nil {
		return out, err
	}
	if shown.Skew, err = optional[monitor.Skew](ctx, l.Cache.Objects, in.Skew); err != nil {
		return out, err
	}
	if shown.Earlier, err = l.earlier(ctx, in.Look); err != nil {
		return out, err
	}
	page, err := l.Page(shown)
	if err != nil {
		return out, err
	}
	if out.HTML, err = l.Cache.Objects.Put(ctx, page, htmlType, "html"); err != nil {
		return out, err
	}
	if out.JSON, err = putJSON(ctx, l.Cache.Objects, shown); err != nil {
		return out, err
	}
	return out, l.Registry.PutLook(ctx, in.Look)
}

// optional reads an object where there is one.
func optional[T any](ctx context.Context, objects Objects, ref *artifact.Ref) (*T, error) {
	if ref == nil {
		return nil, nil //nolint:nilnil // there is none, and that is fine
	}
	value, err := getJSON[T](ctx, objects, *ref)
	return &value, err
}

// shownLooks is how many earlier looks a page shows.
const shownLooks = 60

// kept reads what a run measured; nil where it did not, or where that has been pruned.
func kept[T any](ctx context.Context, objects Objects, of map[string]artifact.Ref, role string) (*T, error) {
	ref, measured := of[role]
	if !measured {
		return nil, nil //nolint:nilnil // there is none, and that is fine
	}
	value, err := optional[T](ctx, objects, &ref)
	if fault.CodeOf(err) == fault.NotFound {
		return nil, nil //nolint:nilnil // pruned
	}
	return value, err
}

// earlier are the looks before, of earlier days, oldest first, with what was measured of drift and performance. A look at rows of its own stands alone, unless
// no look's rows have days: then there are no others.
func (l *Looking) earlier(ctx context.Context, now registry.Look) (shown []report.EarlierLook, err error) {
	looks, err := l.Registry.Looks(ctx, now.Pipeline, 0)
	if err != nil {
		return nil, err
	}
	timed := now.Until != "" || slices.ContainsFunc(looks, func(look registry.Look) bool { return look.Until != "" })
	if now.Data != "" && timed {
		return nil, nil
	}
	for _, look := range looks {
		if len(shown) == shownLooks {
			break
		}
		if look.AsOf >= now.AsOf || look.RunID == now.RunID || look.Data != "" && timed {
			continue
		}
		artifacts, err := l.Registry.RunArtifacts(ctx, look.RunID)
		if err != nil {
			return nil, err
		}
		earlier := report.EarlierLook{Look: look}
		if earlier.Drift, err = kept[monitor.Drift](ctx, l.Cache.Objects, artifacts, artifact.Drift); err != nil {
			return nil, err
		}
		if earlier.Performance, err = kept[monitor.Performance](ctx, l.Cache.Objects, artifacts, artifact.Performance); err != nil {
			return nil, err
		}
		shown = append(shown, earlier)
	}
	slices.SortFunc(shown, func(a, b report.EarlierLook) int { return strings.Compare(a.AsOf, b.AsOf) })
	return shown, nil
}

// Summary says where to look.
func (o LookOutput) Summary() string { return "recorded; the page: " + o.HTML.URI }

// Artifacts are the look for people and for programs.
func (o LookOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.Look: o.JSON, artifact.LookHTML: o.HTML}
}
