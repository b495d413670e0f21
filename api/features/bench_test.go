package features

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
)

// What a decision asks: twenty features of three views of one applicant of a thousand, by their references. And one event, until it is durable; with many callers they
// share transactions.
func BenchmarkServer(b *testing.B) {
	w := newWorld(b)
	var references []string
	for i, features := range []int{7, 7, 6} {
		view := feature.View{Name: fmt.Sprintf("view_%d", i), Entity: "applicant", Keys: []string{"applicant_id"}, Events: true, TTL: over(90)}
		for j := range features {
			view.Features = append(view.Features, feature.Feature{Name: fmt.Sprintf("f_%d_%d", i, j), Type: pipeline.Number})
			references = append(references, view.Name+":"+view.Features[j].Name)
		}
		document, err := json.Marshal(view)
		require.NoError(b, err)
		_, err = w.store.Register(b.Context(), int64(len(declared())+i), []feature.Registered{{Kind: feature.KindView, Name: view.Name, Version: 1, Meaning: view.Name, Document: document, Stage: feature.Active, Actor: "ada"}})
		require.NoError(b, err)
		var events []string
		for n := range 1000 {
			events = append(events, eventOf(&view, fmt.Sprint(n), n))
		}
		w.must(w.post(view.Name, eventsOf(events...)))
	}
	listed, err := json.Marshal(references)
	require.NoError(b, err)
	var n atomic.Int64
	get := func() {
		answer := w.get(fmt.Sprintf(`{"features":%s,"entities":{"applicant_id":["%d"]}}`, listed, n.Add(7919)%1000))
		if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "PRESENT") {
			b.Error(answer.Body)
		}
	}
	view := feature.View{Name: "view_0", Features: []feature.Feature{{Name: "f_0_0"}, {Name: "f_0_1"}}}
	post := func() {
		i := int(n.Add(7919))
		if answer := w.post("view_0", eventsOf(eventOf(&view, fmt.Sprint("new-", i), i%1000))); answer.Code != http.StatusOK {
			b.Error(answer.Body)
		}
	}
	for name, request := range map[string]func(){"get": get, "post": post} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				request()
			}
		})
		b.Run(name+"/64 callers", func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					request()
				}
			})
		})
	}
}

// eventOf is one of an applicant.
func eventOf(v *feature.View, id string, applicant int) string {
	values := map[string]float64{}
	for i, f := range v.Features {
		values[f.Name] = float64(applicant*i) / 8
	}
	data, _ := json.Marshal(values)
	return fmt.Sprintf(`{"event_id":"%s","entity":{"applicant_id":"%d"},"event_timestamp":"2026-03-30T10:00:00Z","values":%s}`, id, applicant, data)
}
