package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/sha256hex"
	"github.com/loanops/loanops/internal/store/featuredb"
	"github.com/loanops/loanops/internal/store/postgrestest"
)

// asProgram makes this test program be loanops.
const asProgram = "LOANOPS_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(Run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// featureServer is a process that serves features, always at its address although it is killed.
type featureServer struct {
	t        *testing.T
	database string
	dir      string
	address  string
	mu       sync.Mutex
	command  *exec.Cmd
}

func (s *featureServer) start() {
	self, err := os.Executable()
	require.NoError(s.t, err)
	file := filepath.Join(s.dir, "address")
	require.NoError(s.t, os.RemoveAll(file))
	c := exec.Command(self, "features", "serve", "--keys-file", filepath.Join(s.dir, "keys.json"), "--address", s.address, "--address-file", file)
	c.Env = []string{asProgram + "=1", "LOANOPS_FEATURES_DATABASE=" + s.database}
	c.Stderr = os.Stderr
	require.NoError(s.t, c.Start())
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case <-ended:
			s.t.Error("the server ended")
			return
		case <-poll.C:
		}
		if url, err := os.ReadFile(file); err == nil && len(url) > 0 {
			if strings.HasSuffix(s.address, ":0") { // from now on it is this one
				s.address = strings.TrimPrefix(strings.TrimSpace(string(url)), "http://")
			}
			s.mu.Lock()
			s.command = c
			s.mu.Unlock()
			return
		}
	}
}

func (s *featureServer) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.command.Process.Kill()
}

// writer posts batches, each until it is acknowledged.
type writer struct {
	t            *testing.T
	servers      []*featureServer
	acknowledged func(id, values, created string)
}

func (w *writer) post(n int, batch []map[string]any) {
	body, err := json.Marshal(map[string]any{"events": batch})
	if err != nil {
		w.t.Error(err)
		return
	}
	for try := 0; ; try++ {
		if try > 10_000 {
			w.t.Error("no server takes a batch")
			return
		}
		request, err := http.NewRequest(http.MethodPost, "http://"+w.servers[(n+try)%len(w.servers)].address+"/v1/features/payments", bytes.NewReader(body))
		if err != nil {
			w.t.Error(err)
			return
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer key")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			continue // killed
		}
		data, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			continue
		}
		if response.StatusCode != http.StatusOK {
			w.t.Errorf("%d: %s", response.StatusCode, data)
			return
		}
		var answer struct {
			Events []struct {
				ID      string `json:"event_id"`
				Created string `json:"created_timestamp"`
			}
		}
		if err := json.Unmarshal(data, &answer); err != nil || len(answer.Events) != len(batch) {
			w.t.Errorf("%v: %s", err, data)
			return
		}
		for i, e := range answer.Events {
			values, _ := json.Marshal(batch[i]["values"])
			w.acknowledged(e.ID, string(values), e.Created)
		}
		return
	}
}

// Servers are killed again and again while writers post, correct and repeat: whatever was acknowledged is in the log and in what is served once, as it was acknowledged, and
// nothing else is.
func TestAcknowledgedEventsSurviveKills(t *testing.T) {
	postgres, err := postgrestest.Start()
	require.NoError(t, err)
	defer postgres.Stop()
	for name, database := range map[string]string{"SQLite": "sqlite://" + filepath.Join(t.TempDir(), "features.db"), "PostgreSQL": postgres.Database(t)} {
		t.Run(name, func(t *testing.T) { survive(t, database) })
	}
}

func survive(t *testing.T, database string) {
	view := feature.View{
		Name: "payments", Entity: "applicant", Keys: []string{"applicant_id"}, ID: "payment_id", Events: true, Columns: []pipeline.Column{{Name: "amount", Type: pipeline.Decimal}},
		Features: []feature.Feature{
			{Name: "amount_90d", Aggregate: feature.Sum, Of: "amount", Over: feature.Span(90 * 24 * time.Hour)}, {Name: "payments_90d", Aggregate: feature.Count, Over: feature.Span(90 * 24 * time.Hour)},
			{Name: "newest", Type: pipeline.Decimal, Of: "amount"},
		},
	}
	register(t, database, view)
	var servers []*featureServer
	for range 2 { // two processes share the database
		s := &featureServer{t: t, database: database, dir: t.TempDir(), address: "127.0.0.1:0"}
		keys := fmt.Sprintf(`{"writer":{"sha256":%q,"rights":["write"]}}`, sha256hex.Of([]byte("key")))
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, "keys.json"), []byte(keys), 0o600))
		s.start()
		servers = append(servers, s)
		defer s.kill()
	}
	const writers, batches, kills = 32, 8, 6 // many at once: they share transactions
	var mu sync.Mutex
	created := map[string]string{} // of what was acknowledged, by ID and values
	count := make(chan struct{}, writers*batches)
	acknowledged := func(id, values, at string) {
		mu.Lock()
		defer mu.Unlock()
		if was, is := created[id+values]; is && was != at {
			t.Errorf("%s is known at %s and at %s", id, was, at)
		}
		created[id+values] = at
	}
	var wg sync.WaitGroup
	now := time.Now().UTC()
	for n := range writers {
		wg.Go(func() {
			w := writer{t: t, servers: servers, acknowledged: acknowledged}
			for b := range batches {
				var batch []map[string]any
				for i := range 3 {
					batch = append(batch, map[string]any{
						"event_id": fmt.Sprintf("%d-%d-%d", n, b, i), "entity": map[string]any{"applicant_id": fmt.Sprint("a-", (b+i)%7)},
						"event_timestamp": now.Add(-time.Duration(b*i) * 7 * time.Hour).Format(time.RFC3339Nano), "values": map[string]any{"amount": 1 + i},
					})
				}
				w.post(n, batch)
				batch[0]["values"] = map[string]any{"amount": 100 + b} // a correction, and what is there already
				w.post(n+1, batch)
				count <- struct{}{}
			}
		})
	}
	for k := range kills {
		for range writers * batches / (kills + 1) {
			<-count
		}
		s := servers[k%len(servers)]
		s.kill()
		s.start()
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	compare(t, database, &view, created)
}

// register declares the view, in one version.
func register(t *testing.T, database string, view feature.View) {
	store, err := featuredb.Open(t.Context(), database)
	require.NoError(t, err)
	defer store.Close()
	row := func(kind feature.Kind, name string, of any) feature.Registered {
		document, err := json.Marshal(of)
		require.NoError(t, err)
		return feature.Registered{Kind: kind, Name: name, Version: 1, Meaning: name, Document: document, Stage: feature.Active, Actor: "ada"}
	}
	_, err = store.Register(t.Context(), 0, []feature.Registered{
		row(feature.KindEntity, "applicant", feature.Entity{Name: "applicant", Keys: []string{"applicant_id"}}), row(feature.KindView, view.Name, view),
	})
	require.NoError(t, err)
}

// compare holds the log, and what is held online, against what was acknowledged.
func compare(t *testing.T, database string, view *feature.View, created map[string]string) {
	store, err := featuredb.Open(t.Context(), database)
	require.NoError(t, err)
	defer store.Close()
	log, err := store.Events(t.Context(), view.Name, 0, 1_000_000)
	require.NoError(t, err)
	of := map[feature.Key][]feature.Row{}
	reader := view.Reader()
	inLog := map[string]string{}
	for i, l := range log {
		require.Equal(t, int64(i+1), l.Seq)
		require.NotContains(t, inLog, l.ID+string(l.Values), "once")
		inLog[l.ID+string(l.Values)] = l.Created.Time().Format(time.RFC3339Nano)
		row, err := reader.Row(l)
		require.NoError(t, err)
		of[l.Key] = append(of[l.Key], row)
	}
	require.Equal(t, slices.Sorted(maps.Keys(created)), slices.Sorted(maps.Keys(inLog)))
	require.Equal(t, created, inLog)

	held, err := store.Held(t.Context(), view.Name, 1, "", 1000)
	require.NoError(t, err)
	require.Len(t, held, len(of))
	moment := feature.InstantOf(time.Now())
	for _, h := range held {
		got, err := reader.Reading(h.State, moment)
		require.NoError(t, err)
		require.Equal(t, said(of[h.Key]), [3]float64{got.Values[0].Number, got.Values[1].Number, got.Values[2].Number}, h.Key)
	}
}

// said is what rows of the last 90 days say: sum and count of the newest of each ID, and the amount of the newest row.
func said(rows []feature.Row) (of [3]float64) {
	newest := map[string]feature.Row{}
	for _, r := range rows {
		if r.Created > newest[r.ID].Created {
			newest[r.ID] = r
		}
	}
	var last feature.Row
	for _, r := range newest {
		of[0] += r.Values[0].Number
		of[1]++
		if last.Event == 0 || r.Position().Compare(last.Position()) > 0 {
			last, of[2] = r, r.Values[0].Number
		}
	}
	return of
}
