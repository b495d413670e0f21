package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/source"
	"github.com/loanops/loanops/internal/store/featuredb"
	"github.com/loanops/loanops/internal/warehouse"
)

// What is acknowledged of posted events is in both stores once although the server of features is killed again and again; and what the online store says of 10,000 borrowers is what
// the point-in-time join says at the same moment, bit by bit, although the worker is killed in the middle of writing it.
func TestOnlineEqualsOfflineThroughKills(t *testing.T) {
	t.Parallel()
	p := newPlatform(filepath.Join(t.TempDir(), "state"))
	now := time.Now().UTC()
	definitions := filepath.Join(t.TempDir(), "features")
	require.NoError(t, os.MkdirAll(definitions, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(definitions, "borrowers.yaml"), []byte(strings.ReplaceAll(borrowersYAML, "ARRIVALS", p.arrivals())), 0o600))
	writeReports(t, p.arrivals(), now)
	require.NoError(t, p.Start("--no-run"))
	defer func() { require.NoError(t, p.Stop()) }()
	_, code := p.run(t, "features", "apply", definitions)
	require.Zero(t, code)
	f := openStores(t, p)

	posted := p.postThroughKills(t, f, postingsOf(now))
	p.materializeThroughAKill(t, f, "reports")
	for _, view := range []string{"reports", "transfers"} { // the first once more
		_, code := p.run(t, "features", "materialize", view)
		require.Zero(t, code)
	}

	known := f.compare(t, "reports", borrowers(0, 10_000))
	for _, name := range []string{"score", "grade", "amount_7d", "amount_30d", "low_7d", "high_30d", "last_30d", "grades_30d"} {
		require.Greater(t, known[name], 1000, "%s is known of too few to tell anything", name)
		require.Less(t, known[name], 10_000, name)
	}
	f.compare(t, "transfers", borrowers(0, 500))
	f.once(t, posted)
}

// stores are both of a platform, from outside.
type stores struct {
	features    string // base URL
	keys        map[string]string
	definitions feature.Store
	objects     *artifact.Store
	warehouse   *warehouse.Warehouse
}

func openStores(t *testing.T, p *platform) *stores {
	e := p.mustEndpoints(t)
	f := &stores{features: e.Features, keys: map[string]string{}}
	data, err := os.ReadFile(e.FeaturesKeys)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &f.keys))
	f.definitions, err = featuredb.Open(t.Context(), "sqlite://"+filepath.Join(p.State, "features.db"))
	require.NoError(t, err)
	t.Cleanup(func() { f.definitions.Close() })
	environment := map[string]string{}
	for _, name := range []string{"AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		environment[name], err = p.Environment(name)
		require.NoError(t, err)
	}
	f.objects, err = artifact.Open(t.Context(), artifact.Config{Bucket: e.Bucket, CacheDir: t.TempDir(), S3: artifact.S3Of(environment)})
	require.NoError(t, err)
	f.warehouse, err = warehouse.Open(t.TempDir())
	require.NoError(t, err)
	return f
}

// ask posts a document to the server of features, and says whether it was answered well.
func (f *stores) ask(path, key string, document any) ([]byte, error) {
	body, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(http.MethodPost, f.features+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+f.keys[key])
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d: %s", response.StatusCode, data)
	}
	return data, err
}

// postThroughKills posts events from 64 callers, each again until it is acknowledged, and kills the server while they do. It returns the newest values of each transfer.
func (p *platform) postThroughKills(t *testing.T, f *stores, events []posting) map[string]posting {
	t.Helper()
	const callers, kills = 64, 3
	acknowledged := make(chan struct{}, len(events))
	var all sync.WaitGroup
	shares := make([][]posting, callers) // a borrower's events in their order, by one caller
	for _, e := range events {
		shares[e.borrower%callers] = append(shares[e.borrower%callers], e)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for _, share := range shares {
		all.Go(func() {
			for _, e := range share {
				for {
					_, err := f.ask("/v1/features/"+e.view, "writer", map[string]any{"events": []any{e.document()}})
					if err == nil {
						break
					}
					if ctx.Err() != nil {
						t.Errorf("an event is never acknowledged: %v", err)
						return
					}
				}
				acknowledged <- struct{}{}
			}
		})
	}
	for range kills {
		for range len(events) / (kills + 1) {
			select {
			case <-acknowledged:
			case <-ctx.Done():
				t.Fatal("no event is acknowledged any more")
			}
		}
		before := p.mustEndpoints(t).PID["features"]
		require.NoError(t, syscall.Kill(before, syscall.SIGKILL))
		eventually(t, "another server of features", time.Minute, func() bool {
			e, err := p.Endpoints()
			return err == nil && e.PID["features"] != before && e.PID["features"] != 0
		})
	}
	all.Wait()
	newest := map[string]posting{}
	for _, e := range events {
		if e.view == "transfers" {
			newest[e.id] = e
		}
	}
	return newest
}

// materializeThroughAKill kills the worker when it has written a part of a view, and waits for the end of the run.
func (p *platform) materializeThroughAKill(t *testing.T, f *stores, view string) {
	t.Helper()
	ended := p.begin(t, "features", "materialize", view)
	var at feature.Progress
	eventually(t, "a part of the view", 2*time.Minute, func() bool {
		var err error
		at, err = f.definitions.Progress(t.Context(), view, 1)
		require.NoError(t, err)
		if at.Generation == at.Whole {
			return false
		}
		some, err := f.definitions.Held(t.Context(), view, 1, "", 2000)
		require.NoError(t, err)
		return slices.ContainsFunc(some, func(h feature.Held) bool { return h.Generation == at.Generation })
	})
	before := p.mustEndpoints(t).PID["worker"]
	require.NoError(t, syscall.Kill(before, syscall.SIGKILL))
	after, err := f.definitions.Progress(t.Context(), view, 1)
	require.NoError(t, err)
	require.NotEqual(t, after.Generation, after.Whole, "the worker was killed when all was written already")
	require.Empty(t, after.Manifest, "the watermark moves when all is written")
	require.Zero(t, ended(t).Code)
	whole, err := f.definitions.Progress(t.Context(), view, 1)
	require.NoError(t, err)
	require.Equal(t, whole.Generation, whole.Whole)
}

// reading is what a store says: no value, or a number or a text.
type reading map[string]any

// online is what the server says of borrowers, and when it has said so.
func (f *stores) online(t *testing.T, view string, ids []string) (all []reading, moments []float64) {
	t.Helper()
	for some := range slices.Chunk(ids, 1000) {
		data, err := f.ask("/get-online-features", "reader", map[string]any{"features": []string{view}, "entities": map[string]any{"borrower_id": some}})
		require.NoError(t, err)
		var answer struct {
			Metadata struct {
				Names []string `json:"feature_names"`
			}
			Results []struct{ Values []any }
		}
		require.NoError(t, json.Unmarshal(data, &answer))
		moment := float64(time.Now().UnixMicro())
		for i := range some {
			of := reading{}
			for k, name := range answer.Metadata.Names[1:] {
				of[name] = answer.Results[k+1].Values[i]
			}
			all, moments = append(all, of), append(moments, moment)
		}
	}
	return all, moments
}

// joined is what the point-in-time join says of borrowers at moments.
func (f *stores) joined(t *testing.T, view string, ids []string, moments []float64) []reading {
	t.Helper()
	data, err := f.definitions.Manifest(t.Context(), view, 1)
	require.NoError(t, err)
	var held struct {
		Manifest artifact.Ref `json:"manifest"`
	}
	require.NoError(t, json.Unmarshal(data, &held))
	content, err := f.objects.Get(t.Context(), held.Manifest)
	require.NoError(t, err)
	m, err := feature.DecodeManifest(content)
	require.NoError(t, err)
	join := feature.Join{Computable: m.Computable, On: []string{"borrower_id"}}
	here := func(o feature.Object) string {
		path, err := f.objects.Path(t.Context(), f.objects.At(o.SHA256, o.Bytes, "application/vnd.apache.parquet", "parquet"))
		require.NoError(t, err)
		return path
	}
	for _, part := range m.Partitions {
		day := feature.DayFiles{Period: part.Period, Days: part.Days, Count: part.Rows, Rows: here(part.Objects.Rows)}
		if part.Objects.Tiles != nil {
			day.Tiles = here(*part.Objects.Tiles)
		}
		join.Days = append(join.Days, day)
	}
	for _, of := range m.View.Features {
		join.Features = append(join.Features, feature.JoinedFeature{Name: of.Name, As: of.Name})
	}
	base := dataset.Table{Columns: []dataset.Column{
		{Name: dataset.RowColumn, Kind: dataset.Integer}, {Name: "borrower_id", Kind: dataset.Text}, {Name: "moment", Kind: dataset.Timestamp, Floats: moments},
	}}
	for i, id := range ids {
		base.Columns[0].Floats = append(base.Columns[0].Floats, float64(i+1))
		base.Columns[1].Texts, base.Columns[1].Valid = append(base.Columns[1].Texts, id), append(base.Columns[1].Valid, true)
	}
	path, to := filepath.Join(t.TempDir(), "base.parquet"), filepath.Join(t.TempDir(), "joined.parquet")
	out, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, dataset.WriteParquet(out, base))
	require.NoError(t, out.Close())
	require.NoError(t, f.warehouse.JoinFeatures(t.Context(), source.Staged{Name: "base", Paths: []string{path}}, "moment", []feature.Join{join}, to))
	content, err = os.ReadFile(to)
	require.NoError(t, err)
	table, err := dataset.ReadParquet(content)
	require.NoError(t, err)
	all := make([]reading, len(ids))
	for i := range ids {
		all[i] = reading{}
		for _, of := range m.View.Features {
			column := table.Column(of.Name)
			switch {
			case column.Missing(i):
				all[i][of.Name] = nil
			case column.Kind == dataset.Text:
				all[i][of.Name] = column.Texts[i]
			default:
				all[i][of.Name] = column.Floats[i]
			}
		}
	}
	return all
}

// compare holds both stores against each other, and returns of how many borrowers each feature is known.
func (f *stores) compare(t *testing.T, view string, ids []string) map[string]int {
	t.Helper()
	online, moments := f.online(t, view, ids)
	if first, last := int64(moments[0]), time.Now().UnixMicro(); feature.Instant(first).Day() != feature.Instant(last).Day() { // windows begin with days
		online, moments = f.online(t, view, ids)
	}
	offline := f.joined(t, view, ids, moments)
	known := map[string]int{}
	for i, id := range ids {
		require.Len(t, online[i], len(offline[i]))
		for name, want := range offline[i] {
			got := online[i][name]
			if number, is := got.(float64); is && want != nil {
				require.Equal(t, math.Float64bits(want.(float64)), math.Float64bits(number), "%s of %s", name, id)
			}
			require.Equal(t, want, got, "%s of %s", name, id)
			if got != nil {
				known[name]++
			}
		}
	}
	return known
}

// once holds both stores against the transfers that were acknowledged: each counts once, with its newest amount.
func (f *stores) once(t *testing.T, transfers map[string]posting) {
	t.Helper()
	ids := borrowers(0, 500)
	want := map[string]reading{}
	for _, id := range ids {
		want[id] = reading{"transfers_30d": nil, "transferred_30d": nil}
	}
	for _, e := range transfers {
		of := want[borrowerID(e.borrower)]
		count, _ := of["transfers_30d"].(float64)
		sum, _ := of["transferred_30d"].(float64)
		of["transfers_30d"], of["transferred_30d"] = count+1, sum+float64(e.amount)
	}
	online, moments := f.online(t, "transfers", ids)
	offline := f.joined(t, "transfers", ids, moments)
	for i, id := range ids {
		require.Equal(t, want[id], online[i], id)
		require.Equal(t, want[id], offline[i], id)
	}
}
