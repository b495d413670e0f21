package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/feature/snapshot"
	"github.com/loanops/loanops/internal/sha256hex"
)

// ViewWarehouse makes what views hold of rows, see warehouse.Warehouse.
type ViewWarehouse interface {
	// Days counts the rows of each file by their days.
	Days(ctx context.Context, view *feature.View, files []string) ([]map[feature.Day]int64, error)
	// Partition writes what a view's rows of the periods say to files of a folder.
	Partition(ctx context.Context, view *feature.View, from feature.RowFiles, periods []feature.Period, folder string) ([]feature.DayFiles, error)
	// States gives what rows of files that are known until a moment say of entities: of those of whom anything is new since another moment, nil for all, in the order of
	// their keys, without so many of the first. Of an entity of which the view's days say nothing it is an empty part.
	States(ctx context.Context, view *feature.View, days []feature.DayFiles, since *feature.Since, skip int, until feature.Instant, each func(feature.Key, feature.Part) error) error
	// Sample returns so many entities of a view's rows: with another salt others.
	Sample(ctx context.Context, view *feature.View, days []feature.DayFiles, salt string, limit int) ([]feature.Key, error)
	// QueryView writes the rows that a view's query makes of those of other views to a file.
	QueryView(ctx context.Context, view *feature.View, from []feature.Table, to string) error
	// CheckQuery says what is wrong with a view's query, without any rows: fault.Invalid of a feature.QueryError.
	CheckQuery(ctx context.Context, view *feature.View, from []*feature.View) error
	// Snapshot writes what a view says of each of its entities at the moment at which its newest row was known to a file in a folder; none where there are no rows.
	Snapshot(ctx context.Context, view *feature.View, days []feature.DayFiles, folder string) (file string, extent snapshot.Extent, err error)
}

// ComputeViewInput is a view, and what is there of those that it is made of.
type ComputeViewInput struct {
	View FeatureView `json:"view"`
	// From are the manifests of View.From, in their order.
	From []artifact.Ref `json:"from,omitempty"`
	// Now is when this began, in microseconds since 1970; of a view that is made of others the moment until which they have what was known.
	Now feature.Instant `json:"now,omitempty"`
}

// ComputeViewOutput is what the offline store holds of the view.
type ComputeViewOutput struct {
	View     string       `json:"view"` // name@version
	Manifest artifact.Ref `json:"manifest"`
	Rows     int64        `json:"rows"`
	Days     int          `json:"days"`
	// Computed is how many of the days were computed now, those of a period together: the others are as they were.
	Computed int `json:"computed"`
	// Quarantined is how many rows break a rule and are left out.
	Quarantined int64 `json:"quarantined,omitempty"`
	// Refused says why the feed is not taken: more rows of a file break rules than the view accepts, or they contradict each other or the definition. Empty otherwise.
	// What was taken of it before stays, and what was posted is there as ever.
	Refused string `json:"refused,omitempty"`
	// Until is the moment until which it has what was known of the feed: that at which this was last taken.
	Until feature.Instant `json:"until,omitempty"`
	Reused
}

// Summary says how much there is.
func (o ComputeViewOutput) Summary() string {
	if o.Refused != "" {
		return o.View + ": " + o.Refused
	}
	text := fmt.Sprintf("%s: %d rows of %d days, %d of them computed now", o.View, o.Rows, o.Days, o.Computed)
	if o.Cached {
		text = fmt.Sprintf("%s: %d rows of %d days", o.View, o.Rows, o.Days)
	}
	if o.Quarantined > 0 {
		text += fmt.Sprintf("; %d rows in quarantine", o.Quarantined)
	}
	return text + o.mark()
}

// Artifacts is the manifest.
func (o ComputeViewOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{"view " + o.View: o.Manifest}
}

// viewInput is all that what a view holds is a function of.
type viewInput struct {
	Definition artifact.Ref   `json:"definition"`
	Files      []artifact.Ref `json:"files"`         // datasets of its source, or of what its query makes
	Log        []artifact.Ref `json:"log,omitempty"` // datasets of what was posted
}

// held is what was computed last of a view, and the feed that it was computed of: a feed that is not taken later does not change that one. The offline store keeps
// it, see feature.Offline, and with it all objects that it names.
type held struct {
	Manifest artifact.Ref `json:"manifest"`
	feed
}

// Compute brings what the offline store holds of a view up to its sources. What is there of them already is not computed again, whoever asks.
func (f *FeatureViews) Compute(ctx context.Context, in ComputeViewInput) (ComputeViewOutput, error) {
	of, err := computable(ctx, f.Reading.Cache.Objects, in.View.Definition)
	if err != nil {
		return ComputeViewOutput{}, err
	}
	before, err := f.last(ctx, of)
	if err != nil {
		return ComputeViewOutput{}, err
	}
	var out ComputeViewOutput
	taken, err := f.take(ctx, of, in)
	if err == nil {
		out, err = f.hold(ctx, of, in.View, taken)
	}
	switch {
	case err == nil:
		return out, nil
	case !wrongRows(err):
		return out, err
	case before != nil:
		return f.stays(ctx, of, in.View, *before, err.Error()+": nothing of the feed is taken")
	case fault.CodeOf(err) == fault.Refused:
		return out, fault.New(fault.Refused, "%s: %s: nothing of the feed is taken", in.View.ID(), err)
	}
	return out, err
}

// wrongRows says that rows break rules too often, or that nothing can be made of them. Whoever asks again is told the same until somebody mends the feed.
func wrongRows(err error) bool {
	code := fault.CodeOf(err)
	return code == fault.Refused || code == fault.Invalid
}

// hold computes what the offline store holds of a view, of a feed and of what was posted until now.
func (f *FeatureViews) hold(ctx context.Context, of feature.Computable, view FeatureView, taken feed) (ComputeViewOutput, error) {
	reading := viewInput{Definition: view.Definition, Files: taken.Files}
	var log exported
	if of.View.Events {
		var err error
		if log, err = f.export(ctx, of, view.Definition); err != nil {
			return ComputeViewOutput{}, err
		}
		reading.Log = log.blocks
	}
	out, err := cached(ctx, f.Reading.Cache, ComputeView, reading, func(ctx context.Context, in viewInput) (ComputeViewOutput, error) {
		return f.compute(ctx, of, in)
	})
	if err != nil {
		return ComputeViewOutput{}, err
	}
	out.View, out.Quarantined, out.Until = view.ID(), taken.Quarantined+log.quarantined, taken.Until
	if out.Cached {
		out.Computed = 0
	}
	last, err := json.Marshal(held{out.Manifest, taken})
	if err != nil {
		return out, fault.Wrap(fault.Internal, err, "encoding what was computed of a view")
	}
	return out, f.Offline.PutManifest(ctx, of.View.Name, of.Version, last)
}

// stays is what there is of a view whose feed is not taken: what was taken of it before, with what was posted since. Where nothing can be made of that, for objects of it are gone or
// the fault is in what was posted, it is what was computed before.
func (f *FeatureViews) stays(ctx context.Context, of feature.Computable, view FeatureView, before held, why string) (ComputeViewOutput, error) {
	out, err := f.hold(ctx, of, view, before.feed)
	if err != nil && (wrongRows(err) || fault.CodeOf(err) == fault.NotFound) {
		out = ComputeViewOutput{View: view.ID(), Manifest: before.Manifest, Quarantined: before.Quarantined, Until: before.Until}
		var m feature.Manifest
		if m, err = f.whole(ctx, before.Manifest); err != nil {
			return out, fault.Wrap(fault.Refused, err, "%s: %s", view.ID(), why)
		}
		out.Rows, out.Days = m.Rows(), m.Days()
	}
	out.Refused = why + ", what was computed before stays"
	return out, err
}

// whole is a manifest of which all objects are there; otherwise it is fault.Refused.
func (f *FeatureViews) whole(ctx context.Context, ref artifact.Ref) (m feature.Manifest, err error) {
	if m, err = viewManifest(ctx, f.Reading.Cache.Objects, ref); err != nil {
		return m, err
	}
	are, err := there(ctx, f.Reading.Cache.Objects, m.Partitions)
	if err == nil && slices.Contains(are, false) {
		err = fault.New(fault.Refused, "objects of what was computed before are gone")
	}
	return m, err
}

// compute makes the partitions of a view.
func (f *FeatureViews) compute(ctx context.Context, of feature.Computable, in viewInput) (ComputeViewOutput, error) {
	folder, remove, err := f.Reading.folder()
	if err != nil {
		return ComputeViewOutput{}, err
	}
	defer remove()
	files, err := f.files(ctx, in.Files, false)
	if err != nil {
		return ComputeViewOutput{}, err
	}
	log, err := f.files(ctx, in.Log, true)
	if err != nil {
		return ComputeViewOutput{}, err
	}
	files = append(files, log...)
	m := feature.Manifest{Computable: of}
	out := ComputeViewOutput{}
	wanted, err := f.periods(ctx, of, in.Definition, files)
	if err != nil {
		return out, err
	}
	if m.Partitions, out.Computed, err = f.partitions(ctx, of, files, wanted, folder); err != nil {
		return out, err
	}
	data, err := m.Encode()
	if err != nil {
		return out, err
	}
	out.Rows, out.Days = m.Rows(), m.Days()
	out.Manifest, err = f.Reading.Cache.Objects.Put(ctx, data, viewType, "json")
	return out, err
}

// rowFile is a file of a view's rows on this machine.
type rowFile struct {
	path, sha256 string
	log          bool // it has rows that were posted
	days         map[feature.Day]int64
}

// within says whether the file has rows of a period. A file that has rows of no day is looked at with each: what is wrong with it is said where it is read.
func (r *rowFile) within(p feature.Period) bool {
	for day := range r.days {
		if day >= p.First && day <= p.Last {
			return true
		}
	}
	return len(r.days) == 0
}

// files are those of datasets.
func (f *FeatureViews) files(ctx context.Context, datasets []artifact.Ref, log bool) (files []rowFile, err error) {
	for _, ref := range datasets {
		m, paths, err := parts(ctx, f.Reading.Cache.Objects, ref)
		if err != nil {
			return nil, err
		}
		for i, path := range paths {
			files = append(files, rowFile{path: path, sha256: m.Parts[i].SHA256, log: log})
		}
	}
	return files, nil
}

// periods are those that a view's rows are of, ascending, as partitions that are not made: each says what it is computed of. It finds which days files have rows of.
func (f *FeatureViews) periods(ctx context.Context, of feature.Computable, definition artifact.Ref, files []rowFile) ([]feature.Partition, error) {
	paths, rows := make([]string, len(files)), map[feature.Day]int64{}
	for i := range files {
		paths[i] = files[i].path
	}
	days, err := f.Warehouse.Days(ctx, of.View, paths)
	if err != nil {
		return nil, err
	}
	for i := range files {
		files[i].days = days[i]
		for day, n := range days[i] {
			rows[day] += n
		}
	}
	var wanted []feature.Partition
	for _, p := range feature.Periods(rows) {
		of := []string{}
		for i := range files {
			if files[i].within(p) {
				of = append(of, fmt.Sprintf("%t %s", files[i].log, files[i].sha256))
			}
		}
		slices.Sort(of)
		wanted = append(wanted, feature.Partition{Period: p, From: sha256hex.Of(fmt.Appendf(nil, "%s\n%s\n%d %d\n%s", ComputeView.Version, definition.SHA256, p.First, p.Last, strings.Join(of, "\n")))})
	}
	return wanted, nil
}

// partitions are those that are wanted: what was computed of the same files before is taken as it is. Computed is of how many days others were made.
func (f *FeatureViews) partitions(ctx context.Context, of feature.Computable, files []rowFile, wanted []feature.Partition, folder string) (all []feature.Partition, computed int, err error) {
	known, err := f.known(ctx, of)
	if err != nil {
		return nil, 0, err
	}
	var missing []feature.Period
	place := map[feature.Period]int{}
	for i, p := range wanted {
		if was, ok := known[p.From]; ok {
			wanted[i] = was
		} else {
			missing, place[p.Period] = append(missing, p.Period), i
		}
	}
	if len(missing) == 0 {
		return wanted, 0, nil
	}
	var from feature.RowFiles
	for i := range files {
		switch {
		case !slices.ContainsFunc(missing, files[i].within):
		case files[i].log:
			from.Log = append(from.Log, files[i].path)
		default:
			from.Files = append(from.Files, files[i].path)
		}
	}
	say(ctx, fmt.Sprintf("computing %d of %d partitions of %s", len(missing), len(wanted), of.View.Name))
	made, err := f.Warehouse.Partition(ctx, of.View, from, missing, folder)
	if err != nil {
		return nil, 0, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, days := range made {
		computed += days.Days
		group.Go(func() error { return f.keep(ctx, days, &wanted[place[days.Period]]) })
	}
	return wanted, computed, group.Wait()
}

// keep stores a period's files.
func (f *FeatureViews) keep(ctx context.Context, days feature.DayFiles, p *feature.Partition) error {
	rows, err := f.Reading.Cache.Objects.PutFile(ctx, days.Rows, parquetType, "parquet")
	if err != nil {
		return err
	}
	p.Rows, p.Days, p.Objects.Rows = days.Count, days.Days, feature.Object{SHA256: rows.SHA256, Bytes: rows.Bytes}
	if days.Tiles == "" {
		return nil
	}
	tiles, err := f.Reading.Cache.Objects.PutFile(ctx, days.Tiles, parquetType, "parquet")
	p.Objects.Tiles = &feature.Object{SHA256: tiles.SHA256, Bytes: tiles.Bytes}
	return err
}

// last is what was computed last of the view; nil where nothing was, or its manifest is gone.
func (f *FeatureViews) last(ctx context.Context, of feature.Computable) (*held, error) {
	data, err := f.Offline.Manifest(ctx, of.View.Name, of.Version)
	if err != nil || data == nil {
		return nil, err
	}
	var last held
	if err := json.Unmarshal(data, &last); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "what was computed of view %s", of.View.Name)
	}
	if there, err := f.Reading.Cache.Objects.Exists(ctx, last.Manifest); err != nil || !there {
		return nil, err
	}
	return &last, nil
}

// known are the partitions that were computed last of the view, by what they were computed of.
func (f *FeatureViews) known(ctx context.Context, of feature.Computable) (map[string]feature.Partition, error) {
	known := map[string]feature.Partition{}
	last, err := f.last(ctx, of)
	if err != nil || last == nil {
		return known, err
	}
	m, err := viewManifest(ctx, f.Reading.Cache.Objects, last.Manifest)
	if err != nil {
		return known, err
	}
	are, err := there(ctx, f.Reading.Cache.Objects, m.Partitions)
	for i, p := range m.Partitions {
		if are[i] {
			known[p.From] = p
		}
	}
	return known, err
}
