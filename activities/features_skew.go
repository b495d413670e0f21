package activities

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/ingest"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/source"
	"github.com/loanops/loanops/internal/transform"
)

// SkewInput names views, of which both stores are asked.
type SkewInput struct {
	Views []string `json:"views"` // view@version
	// Now is when the look began, in microseconds since 1970. Other looks see other entities.
	Now feature.Instant `json:"now"`
}

// SkewOutput is what differs.
type SkewOutput struct {
	Findings []monitor.Finding `json:"findings"`
	JSON     artifact.Ref      `json:"json"` // monitor.Skew
	Compared int               `json:"compared"`
}

// Summary counts what was compared, and found.
func (o SkewOutput) Summary() string {
	return fmt.Sprintf("%d states of entities compared: %s", o.Compared, counted(o.Findings))
}

const (
	// sampleSize is how many entities of a view are compared.
	sampleSize = 1000
	// comparisons is how often a view is compared that is written meanwhile.
	comparisons = 3
)

// Skew holds what decisions read of views against what the point-in-time join says of the same entities at the same moment: that up to which the online store has what
// sources say. Entities of which rows were posted since are left out, for what is served of them is newer.
func (f *FeatureViews) Skew(ctx context.Context, in SkewInput) (out SkewOutput, err error) {
	catalogue, err := f.catalogue(ctx)
	if err != nil {
		return out, err
	}
	skew := monitor.Skew{Views: make([]monitor.ViewSkew, len(in.Views))}
	for i, name := range in.Views {
		version, err := catalogue.View(name)
		if err != nil {
			return out, err
		}
		say(ctx, "comparing "+name)
		compared := viewComparison{FeatureViews: f, now: in.Now, name: version.Name, version: version.Version}
		for range comparisons {
			if skew.Views[i], err = compared.view(ctx); err != nil {
				return out, err
			}
			if !skew.Views[i].Writing {
				break
			}
		}
		skew.Views[i].View, skew.Views[i].Promised = name, time.Duration(version.View.Freshness).Seconds()
		out.Compared += skew.Views[i].Entities
	}
	out.Findings = skew.Find()
	out.JSON, err = putJSON(ctx, f.Reading.Cache.Objects, skew)
	return out, err
}

// viewComparison is of a version of a view.
type viewComparison struct {
	*FeatureViews
	now     feature.Instant
	name    string
	version int
}

func (c *viewComparison) view(ctx context.Context) (v monitor.ViewSkew, err error) {
	progress, err := c.Online.Progress(ctx, c.name, c.version)
	if err != nil || progress.Manifest == "" {
		return v, err
	}
	until := progress.Until.Time()
	v.Until, v.Age = &until, max(0, c.now.Time().Sub(until).Seconds())
	if v.Writing = progress.Generation != progress.Whole; v.Writing { // be it of the same manifest
		return v, nil
	}
	ref, err := heldManifest(fmt.Sprintf("%s@%d", c.name, c.version), progress)
	if err != nil {
		return v, err
	}
	m, days, err := heldDays(ctx, c.Reading.Cache.Objects, ref)
	if err != nil {
		return v, err
	}
	keys, err := c.sample(ctx, m, days)
	if err != nil {
		return v, err
	}
	states, err := c.Online.Read(ctx, c.at(keys))
	if err != nil {
		return v, err
	}
	since, err := c.postedSince(ctx, progress.Until)
	if err != nil {
		return v, err
	}
	after, err := c.Online.Progress(ctx, c.name, c.version)
	if v.Writing = after != progress; err != nil || v.Writing {
		return v, err
	}
	var kept []feature.Key
	var held [][]byte
	for i, key := range keys {
		if since[key] {
			v.Changed++
			continue
		}
		kept, held = append(kept, key), append(held, states[i])
	}
	v.Entities = len(kept)
	v.Features, err = c.differ(ctx, m, days, kept, held, progress.Until)
	return v, err
}

// sample are entities that rows of the past are about, and neighbours of the first of them in the online store, which may know of others.
func (c *viewComparison) sample(ctx context.Context, m feature.Manifest, days []feature.DayFiles) ([]feature.Key, error) {
	keys, err := c.Warehouse.Sample(ctx, m.View, days, strconv.FormatInt(int64(c.now), 10), sampleSize)
	if err != nil || len(keys) == 0 {
		return keys, err
	}
	neighbours, err := c.Online.Held(ctx, c.name, c.version, keys[0], sampleSize/10)
	if err != nil {
		return nil, err
	}
	there := map[feature.Key]bool{}
	for _, key := range keys {
		there[key] = true
	}
	for _, h := range neighbours {
		if !there[h.Key] {
			keys = append(keys, h.Key)
		}
	}
	return keys, nil
}

func (c *viewComparison) at(keys []feature.Key) []feature.Address {
	at := make([]feature.Address, len(keys))
	for i, key := range keys {
		at[i] = feature.Address{View: c.name, Version: c.version, Key: key}
	}
	return at
}

// postedSince are the entities of which rows of the log became known after a moment. The log's rows became known in their order.
func (c *viewComparison) postedSince(ctx context.Context, moment feature.Instant) (map[feature.Key]bool, error) {
	var failed error
	known := func(seq int64) bool { // whether the row after that one is there, and not later than the moment
		rows, err := c.Log.Events(ctx, c.name, seq, 1)
		if err != nil {
			failed = err
		}
		return len(rows) == 1 && rows[0].Created <= moment
	}
	last := 1
	for known(int64(last)) {
		last *= 2
	}
	after := int64(sort.Search(last+1, func(seq int) bool { return !known(int64(seq)) }))
	if failed != nil {
		return nil, failed
	}
	since := map[feature.Key]bool{}
	for {
		rows, err := c.Log.Events(ctx, c.name, after, logBlock)
		if err != nil || len(rows) == 0 {
			return since, err
		}
		for i := range rows {
			since[rows[i].Key] = true
		}
		after = rows[len(rows)-1].Seq
	}
}

// differ counts by feature, and by event time, of how many entities the online store's state says something else at the moment than the join.
func (c *viewComparison) differ(ctx context.Context, m feature.Manifest, days []feature.DayFiles, keys []feature.Key, states [][]byte, moment feature.Instant) ([]monitor.FeatureSkew, error) {
	features := make([]monitor.FeatureSkew, 0, len(m.View.Features)+1)
	for _, f := range m.View.Features {
		features = append(features, monitor.FeatureSkew{Name: f.Name})
	}
	features = append(features, monitor.FeatureSkew{Name: feature.EventColumn})
	if len(keys) == 0 {
		return features, nil
	}
	joined, err := c.joined(ctx, m, days, keys, moment)
	if err != nil {
		return nil, err
	}
	reader := m.View.Reader()
	for row := range keys {
		served, err := reader.Reading(states[row], moment)
		if err != nil {
			return nil, err
		}
		event := transform.Value{Number: float64(served.Event), Missing: slices.Contains(served.Statuses, feature.NotFound)}
		for i, value := range append(served.Values, event) {
			if !identical(value, cell(joined.Column(joinedAs(i)), row)) {
				features[i].Differ++
			}
		}
	}
	return features, nil
}

// identical says that two values are the same to the last bit.
func identical(a, b transform.Value) bool {
	return a.Missing == b.Missing && (a.Missing || a.Text == b.Text && math.Float64bits(a.Number) == math.Float64bits(b.Number))
}

// joinedAs is the column of a feature, or of the event time as the one after the last, beside the keys, whose names a feature might have.
func joinedAs(feature int) string { return "loanops_feature" + strconv.Itoa(feature) }

// joined is what trains of entities at a moment, a row for each.
func (c *viewComparison) joined(ctx context.Context, m feature.Manifest, days []feature.DayFiles, keys []feature.Key, moment feature.Instant) (dataset.Table, error) {
	join := feature.Join{Computable: m.Computable, Days: days, Event: joinedAs(len(m.View.Features))}
	for i, f := range m.View.Features {
		join.Features = append(join.Features, feature.JoinedFeature{Name: f.Name, As: joinedAs(i)})
	}
	base := dataset.Table{Columns: []dataset.Column{{Name: dataset.RowColumn, Kind: dataset.Integer}, {Name: ingest.MomentColumn, Kind: dataset.Timestamp}}}
	for k := range m.View.Keys {
		join.On = append(join.On, "loanops_key"+strconv.Itoa(k))
		base.Columns = append(base.Columns, dataset.Column{Name: join.On[k], Kind: dataset.Text})
	}
	for row, key := range keys {
		texts, err := key.Texts()
		if err != nil {
			return base, err
		}
		base.Columns[0].Floats = append(base.Columns[0].Floats, float64(row))
		base.Columns[1].Floats = append(base.Columns[1].Floats, float64(moment))
		for k := range m.View.Keys {
			of := &base.Columns[2+k]
			of.Texts, of.Valid = append(of.Texts, texts[k]), append(of.Valid, true)
		}
	}
	if err := os.MkdirAll(c.Reading.Folder, 0o700); err != nil {
		return base, fault.Wrap(fault.Unavailable, err, "making a folder for rows")
	}
	folder, err := os.MkdirTemp(c.Reading.Folder, "skew-")
	if err != nil {
		return base, fault.Wrap(fault.Unavailable, err, "making a folder for rows")
	}
	defer os.RemoveAll(folder)
	from, to := filepath.Join(folder, "entities.parquet"), filepath.Join(folder, "joined.parquet")
	if err := writeFile(from, base); err != nil {
		return base, err
	}
	err = c.Reading.Warehouse.JoinFeatures(ctx, source.Staged{Name: "a sample of entities", Paths: []string{from}}, ingest.MomentColumn, []feature.Join{join}, to)
	if err != nil {
		return base, err
	}
	data, err := os.ReadFile(to)
	if err != nil {
		return base, fault.Wrap(fault.Unavailable, err, "reading joined rows")
	}
	return dataset.ReadParquet(data)
}
