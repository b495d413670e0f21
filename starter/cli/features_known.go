package cli

import (
	"context"
	"slices"
	"time"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/feature/snapshot"
	"github.com/loanops/loanops/internal/profile"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
)

// knownFeatures is what is kept of features in all places of a platform. It is read once, however many definitions are asked about.
type knownFeatures struct {
	store     feature.Store
	rows      []feature.Registered
	catalogue *feature.Catalogue
	users     featureUsers
	// reg and objects know statistics; nil where unknown says why they are not known, nor users.
	reg     registry.Registry
	objects *artifact.Store
	unknown string
	at      time.Time
}

// known reads who uses features. What knows it may be away, or not of this command's state at all: definitions are told of without it. The caller closes it.
func (a *app) known(ctx context.Context, store feature.Store, rows []feature.Registered, catalogue *feature.Catalogue) (*knownFeatures, error) {
	k := &knownFeatures{store: store, rows: rows, catalogue: catalogue, at: time.Now().UTC()}
	reg, s, err := a.registry(ctx)
	if err == nil {
		k.reg = reg
		if k.objects, err = objects(ctx, s); err == nil {
			k.users, err = usersOf(ctx, reg, k.objects)
		}
	}
	if err != nil && ctx.Err() != nil {
		k.close()
		return nil, ctx.Err()
	}
	if err != nil {
		k.close()
		k.reg, k.objects = nil, nil
		k.unknown = "the platform's registry and store cannot be read"
		if fault.CodeOf(err) == fault.Invalid || fault.CodeOf(err) == fault.NotFound { // the settings, of which a person may know more; other texts may name hosts
			k.unknown = err.Error()
		}
		a.say("users and statistics are not known: %s", k.unknown)
	}
	return k, nil
}

func (k *knownFeatures) close() {
	if k.reg != nil {
		k.reg.Close()
	}
}

// declared is all that is known of a version; of a view's feature alone where it is named.
func (k *knownFeatures) declared(ctx context.Context, v *feature.Version, only string) (report.Declared, error) {
	d := report.Declared{
		Kind: v.Kind, Name: v.Name, Version: v.Version, Active: k.catalogue.Active(v.Kind, v.Name), Stage: v.Stage, Meaning: v.Meaning, Document: v.Document, Of: v,
		Versions: []report.DeclaredVersion{}, History: []report.DeclaredChange{}, Used: k.users.of(v.Kind, v.Name, only),
	}
	d.Used.Definitions = k.catalogue.Naming(v.Kind, v.Name, only)
	for _, version := range k.catalogue.Versions(v.Kind, v.Name) {
		d.Versions = append(d.Versions, report.DeclaredVersion{Version: version.Version, Stage: version.Stage, Meaning: version.Meaning})
	}
	for _, r := range k.rows {
		if r.Kind != v.Kind || r.Name != v.Name {
			continue
		}
		d.History = append(d.History, changed(r))
		if of := &d.Versions[r.Version-1]; of.Since.IsZero() {
			of.Since, of.Actor, of.What = r.At, r.Actor, r.What
		}
	}
	slices.Reverse(d.History)
	slices.Reverse(d.Versions)
	if v.Kind != feature.KindView {
		return d, nil
	}
	progress, err := k.store.Progress(ctx, v.Name, v.Version)
	if err != nil {
		return d, err
	}
	if d.Statistics, err = k.statistics(ctx, progress); err != nil {
		return d, err
	}
	d.Freshness = report.FreshnessOf(v.View.Freshness, progress, d.Statistics, k.at)
	if d.Statistics != nil && only != "" {
		d.Statistics.Features = slices.DeleteFunc(d.Statistics.Features, func(c profile.Column) bool { return c.Name != only })
	}
	return d, nil
}

func (k *knownFeatures) statistics(ctx context.Context, progress feature.Progress) (*snapshot.Snapshot, error) {
	if k.reg == nil {
		return nil, nil //nolint:nilnil // that it is not known is said once
	}
	return activities.StatisticsOf(ctx, k.reg, k.objects, progress)
}

// all is what is known of everything that can be used.
func (k *knownFeatures) all(ctx context.Context) (report.Catalogue, error) {
	c := report.Catalogue{At: k.at, Unknown: k.unknown, Declared: []report.Declared{}, Changes: []report.DeclaredChange{}}
	for _, kind := range feature.Kinds {
		for _, name := range k.catalogue.Names(kind) {
			shown := k.catalogue.Shown(kind, name)
			if shown == nil {
				continue
			}
			d, err := k.declared(ctx, shown, "")
			if err != nil {
				return c, err
			}
			for _, v := range k.catalogue.Versions(kind, name) {
				if v.Version == shown.Version || v.Stage != feature.Staged {
					continue
				}
				staged, err := k.declared(ctx, v, "")
				if err != nil {
					return c, err
				}
				d.Staged = append(d.Staged, staged)
			}
			c.Declared = append(c.Declared, d)
		}
	}
	for _, r := range slices.Backward(k.rows) {
		c.Changes = append(c.Changes, changed(r))
	}
	return c, nil
}

func changed(r feature.Registered) report.DeclaredChange {
	return report.DeclaredChange{At: r.At, Kind: r.Kind, Name: r.Name, Version: r.Version, Stage: r.Stage, Actor: r.Actor, What: r.What}
}
