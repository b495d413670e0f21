package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/sha256hex"
	"github.com/loanops/loanops/internal/store/featuredb"
)

// key is what callers of LoanOps' server have.
const key = "peers"

// held is what both systems hold: each view's features, and their values of each applicant in this order.
type held struct {
	Views      []view   `json:"views"`
	Applicants []string `json:"applicants"`
	// Values are those of an applicant in the order of the views and their features.
	Values [][]float64 `json:"values"`
	// At is when all of them were true.
	At time.Time `json:"at"`
}

type view struct {
	Name     string   `json:"name"`
	Features []string `json:"features"`
}

// twenty are three views with twenty features.
func twenty() (views []view) {
	for i, name := range []string{"bureau", "payments", "accounts"} {
		v := view{Name: name}
		for j := range []int{7, 7, 6}[i] {
			v.Features = append(v.Features, fmt.Sprintf("%s_%d", name, j))
		}
		views = append(views, v)
	}
	return views
}

// generate makes a folder with LoanOps' feature database, the keys of its server, and held.json for the others.
func generate(ctx context.Context, folder string, applicants int) error {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a benchmark's data
	h := held{Views: twenty(), At: time.Now().UTC().Add(-24 * time.Hour).Truncate(time.Second)}
	for i := range applicants {
		h.Applicants = append(h.Applicants, fmt.Sprintf("A-%d", i))
		values := make([]float64, 20)
		for j := range values {
			values[j] = float64(r.IntN(1_000_000)) / 1000
		}
		h.Values = append(h.Values, values)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := hold(ctx, folder, h); err != nil {
		return err
	}
	keys, err := json.Marshal(map[string]any{"peers": map[string]any{"sha256": sha256hex.Of([]byte(key)), "rights": []string{"read", "write"}}})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "keys.json"), keys, 0o600); err != nil {
		return err
	}
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "held.json"), data, 0o600)
}

func readHeld(folder string) (h held, err error) {
	data, err := os.ReadFile(filepath.Join(folder, "held.json"))
	if err == nil {
		err = json.Unmarshal(data, &h)
	}
	return h, err
}

// hold makes the feature database, of which every row was posted.
func hold(ctx context.Context, folder string, h held) error {
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	s, err := featuredb.Open(ctx, "sqlite://"+filepath.Join(absolute, "features.db"))
	if err != nil {
		return err
	}
	defer s.Close()
	rows := []feature.Registered{{Kind: feature.KindEntity, Name: "applicant", Version: 1, Meaning: "applicant", Document: []byte(`{"name":"applicant","keys":["applicant_id"]}`), Stage: feature.Active, Actor: "peers"}}
	readers := map[string]*feature.Reader{}
	for _, v := range h.Views {
		definition := feature.View{Name: v.Name, Entity: "applicant", Keys: []string{"applicant_id"}, Events: true, TTL: feature.Span(90 * 24 * time.Hour)}
		for _, f := range v.Features {
			definition.Features = append(definition.Features, feature.Feature{Name: f, Type: pipeline.Number})
		}
		document, err := json.Marshal(definition)
		if err != nil {
			return err
		}
		rows = append(rows, feature.Registered{Kind: feature.KindView, Name: v.Name, Version: 1, Meaning: v.Name, Document: document, Stage: feature.Active, Actor: "peers"})
		readers[v.Name] = definition.Reader()
	}
	if _, err := s.Register(ctx, 0, rows); err != nil {
		return err
	}
	now := func() feature.Instant { return feature.InstantOf(h.At.Add(time.Hour)) }
	fold := func(version feature.Registered, _ feature.Key, state []byte, rows []feature.Logged, of feature.Extent) ([]byte, error) {
		return readers[version.Name].Fold(state, rows, of, now())
	}
	first := 0
	for _, v := range h.Views {
		posted := make([]feature.Posted, len(h.Applicants))
		for i, id := range h.Applicants {
			values := map[string]float64{}
			for j, f := range v.Features {
				values[f] = h.Values[i][first+j]
			}
			data, err := json.Marshal(values)
			if err != nil {
				return err
			}
			posted[i] = feature.Posted{ID: id, Key: feature.KeyOf(id), Names: feature.KeyOf("applicant_id"), Event: feature.InstantOf(h.At), Values: data}
		}
		for some := range slices.Chunk(posted, 1000) {
			if _, err := s.Append(ctx, v.Name, some, now, fold); err != nil {
				return err
			}
		}
		first += len(v.Features)
	}
	return nil
}
