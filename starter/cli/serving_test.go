package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// recorded is a registry in which two versions of loans were delivered and a third is in its canary, and the history of that. The
// commands of this test find it by the environment.
func recorded(t *testing.T) (registry.Registry, []serving.Record) {
	t.Helper()
	p := newFakePlatform(t)
	t.Setenv("LOANOPS_STATE", p.dir)
	reg := p.registry(t)
	for i := range 4 {
		_, _, err := reg.RegisterVersion(t.Context(), registry.ModelVersion{Name: "loans", Digest: strings.Repeat(fmt.Sprint(i), 64), Meaning: "default", Lineage: registry.Lineage{
			Dataset: strings.Repeat("d", 64),
		}})
		require.NoError(t, err)
	}
	_, _, err := reg.RegisterVersion(t.Context(), registry.ModelVersion{Name: "cards", Digest: strings.Repeat("c", 64), Meaning: "default"})
	require.NoError(t, err)

	track := func(version int) serving.Track {
		return serving.Track{Version: version, Policy: strings.Repeat("p", 64)}
	}
	var history []serving.Record
	r := serving.Record{Pipeline: "loans", Environment: serving.Production}
	take := func(next serving.Record, err error) {
		require.NoError(t, err)
		author := serving.Author{Writer: "delivery-loans/run", Actor: "ada", Reason: "it passed", Operation: fmt.Sprint("op-", next.Generation)}
		r, err = reg.TakeGeneration(t.Context(), next.By(author))
		require.NoError(t, err)
		history = append(history, r)
	}
	take(r.Prepare(track(1), ""))
	take(r.Promote())
	take(r.Canary(track(2), 5, ""))
	take(r.Promote())
	take(r.Canary(track(3), 20, "delay=1s"))
	return reg, history
}

// object runs a command and reads its JSON.
func object[T any](t *testing.T, args ...string) T {
	t.Helper()
	stdout, stderr, code := run(t, append(args, "--output", "json")...)
	require.Equal(t, 0, code, stderr)
	var value T
	require.NoError(t, json.Unmarshal([]byte(stdout), &value))
	return value
}

func trackJSON(version int) map[string]any {
	return map[string]any{"version": float64(version), "policy": strings.Repeat("p", 64)}
}

// wantJSON is the record as the command must show it; given is what differs from row to row.
func wantJSON(r serving.Record, given map[string]any) map[string]any {
	want := map[string]any{
		"generation": float64(r.Generation), "writer": "delivery-loans/run", "actor": "ada", "reason": "it passed",
		"operation": fmt.Sprint("op-", r.Generation), "at": r.At.Format("2006-01-02T15:04:05.999999Z07:00"), "hash": r.Hash,
	}
	for key, value := range given {
		want[key] = value
	}
	return want
}

func TestServingShowForPrograms(t *testing.T) {
	_, history := recorded(t)
	require.Equal(t, wantJSON(history[4], map[string]any{
		"change": "canary", "champion": trackJSON(2), "challenger": trackJSON(3), "weight": 20.0, "previous": trackJSON(1), "drill": "delay=1s",
		"prev_hash": history[3].Hash,
	}), object[map[string]any](t, "serving", "show", "loans"))
}

// Every key is there in every row, null where there is nothing.
func TestServingHistoryForPrograms(t *testing.T) {
	_, history := recorded(t)
	rows := object[[]map[string]any](t, "serving", "history", "loans", "--environment", "production")
	require.Equal(t, []map[string]any{
		wantJSON(history[0], map[string]any{
			"change": "prepare", "champion": nil, "challenger": trackJSON(1), "weight": 0.0, "previous": nil, "drill": nil, "prev_hash": nil,
		}),
		wantJSON(history[1], map[string]any{
			"change": "promote", "champion": trackJSON(1), "challenger": nil, "weight": nil, "previous": nil, "drill": nil, "prev_hash": history[0].Hash,
		}),
		wantJSON(history[2], map[string]any{
			"change": "canary", "champion": trackJSON(1), "challenger": trackJSON(2), "weight": 5.0, "previous": nil, "drill": nil, "prev_hash": history[1].Hash,
		}),
		wantJSON(history[3], map[string]any{
			"change": "promote", "champion": trackJSON(2), "challenger": nil, "weight": nil, "previous": trackJSON(1), "drill": nil, "prev_hash": history[2].Hash,
		}),
		wantJSON(history[4], map[string]any{
			"change": "canary", "champion": trackJSON(2), "challenger": trackJSON(3), "weight": 20.0, "previous": trackJSON(1), "drill": "delay=1s",
			"prev_hash": history[3].Hash,
		}),
	}, rows)
}

func TestServingForPeople(t *testing.T) {
	reg, history := recorded(t)
	at := history[4].At.Format(timeLayout)
	stdout, stderr, code := run(t, "serving", "show", "loans")
	require.Equal(t, 0, code, stderr)
	require.Equal(t, `loans in production: generation 5 since `+at+`
canary by delivery-loans/run (ada): it passed
the challenger runs under the drill delay=1s

            VERSION  POLICY        TRAFFIC
champion    2        pppppppppppp  80 %
challenger  3        pppppppppppp  20 %
previous    1        pppppppppppp  0 %
hash `+history[4].Hash+"\n", stdout)

	stdout, stderr, code = run(t, "serving", "history", "loans")
	require.Equal(t, 0, code, stderr)
	lines := strings.Split(stdout, "\n")
	require.Len(t, lines, 8)
	require.Equal(t, strings.Fields("GENERATION AT CHANGE CHAMPION CHALLENGER PREVIOUS ACTOR WRITER REASON"), strings.Fields(lines[0]))
	require.Contains(t, lines[1], "prepare  -                 1 (pppppppppppp) 0 %   -                 ada    delivery-loans/run  it passed")
	require.Contains(t, lines[5], "canary   2 (pppppppppppp)  3 (pppppppppppp) 20 %  1 (pppppppppppp)  ada")
	require.Equal(t, "chain of 5 records verified, newest hash "+history[4].Hash, lines[6])

	staging := serving.Record{Pipeline: "loans", Environment: serving.Staging}.Stage(serving.Track{Version: 4, Policy: "short"})
	_, err := reg.TakeGeneration(t.Context(), staging.By(history[0].Author))
	require.NoError(t, err)
	stdout, _, code = run(t, "serving", "show", "loans", "--environment", "staging")
	require.Equal(t, 0, code)
	require.Contains(t, stdout, "loans in staging: generation 1")
	require.Contains(t, stdout, "champion  4        short   100 %")
}

func TestServingOfNothing(t *testing.T) {
	recorded(t)
	for _, args := range [][]string{{"show", "cards"}, {"history", "cards"}, {"show", "boats"}, {"show", "loans", "--environment", "staging"}} {
		_, stderr, code := run(t, append([]string{"serving"}, args...)...)
		require.Equal(t, 5, code, stderr)
		require.Contains(t, stderr, "there is no serving record of model")
	}
	_, stderr, code := run(t, "serving", "show")
	require.Equal(t, 2, code, stderr)
	_, stderr, code = run(t, "serving", "undo")
	require.Equal(t, 2, code, stderr)
}
