package cli

import (
	"context"
	"os"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/settings"
)

// registeringRuns are the runs that registered the versions; nil where one was not recorded.
func registeringRuns(ctx context.Context, reg registry.Registry, listed []listedVersion) ([]*registry.Run, error) {
	runs := make([]*registry.Run, len(listed))
	for i, v := range listed {
		run, err := registeredBy(ctx, reg, v.ModelVersion)
		if err != nil {
			return nil, err
		}
		runs[i] = run
	}
	return runs, nil
}

// pageOf writes the page of the versions, which runs registered. A pipeline without a version has one that says so.
func (a *app) pageOf(ctx context.Context, reg registry.Registry, s settings.Settings, known report.Remembered, listed []listedVersion, runs []*registry.Run, file string) error {
	if len(listed) == 0 {
		if _, err := reg.Pipeline(ctx, known.Model); err != nil {
			if fault.CodeOf(err) == fault.NotFound {
				return noModel(known.Model)
			}
			return err
		}
	}
	m, err := memoryOf(ctx, reg, s, known.Model)
	if err != nil {
		return err
	}
	known.History = m.production
	for i, v := range listed {
		d, err := m.lineage(ctx, v.ModelVersion, runs[i])
		if err != nil {
			return err
		}
		asked, err := askedBy(ctx, reg, runs[i])
		if err != nil {
			return err
		}
		known.Versions = append(known.Versions, report.RememberedVersion{Document: d, Aliases: v.Aliases, Asked: asked})
	}
	html, err := report.RememberedHTML(known)
	return a.writePage(file, html, err)
}

// askedBy is the look that found the reason for a run; nil where none did.
func askedBy(ctx context.Context, reg registry.Registry, run *registry.Run) (*registry.Look, error) {
	if run == nil || run.Cause == "" {
		return nil, nil //nolint:nilnil // most trainings were asked for by no look
	}
	return ifFound(reg.Look(ctx, run.Cause)) // the cause may be another run, or a spec
}

// writePage writes what was rendered.
func (a *app) writePage(file string, html []byte, rendered error) error {
	if rendered != nil {
		return rendered
	}
	if err := os.WriteFile(file, html, 0o600); err != nil {
		return fault.Wrap(fault.Invalid, err, "--html")
	}
	a.say("wrote %s", file)
	return nil
}
