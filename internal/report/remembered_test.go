package report_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/serving"
)

// dayOf is a day of July 2026 at noon.
func dayOf(day int) time.Time { return time.Date(2026, 7, day, 12, 0, 0, 0, time.UTC) }

// production is a history: version 1 is the first champion, 2 takes its place after a canary, 3 is aborted, a person goes back to 1, and 3 is in a canary again.
func production(t *testing.T) (history []serving.Record) {
	t.Helper()
	r := serving.Record{Pipeline: "cards", Environment: serving.Production}
	take := func(next serving.Record, err error) {
		require.NoError(t, err)
		n := len(history) + 1
		r = next.By(serving.Author{Writer: "delivery-cards/run", Actor: "ada", Reason: fmt.Sprintf("reason %d", n), Operation: fmt.Sprint("op-", n)})
		r.At, r.Hash = dayOf(n), strings.Repeat(fmt.Sprint(n%10), 64)
		history = append(history, r)
	}
	track := func(version int) serving.Track {
		return serving.Track{Version: version, Policy: strings.Repeat("9", 64)}
	}
	take(r.Prepare(track(1), ""))
	take(r.Promote())
	take(r.Canary(track(2), 0, ""))
	take(r.Canary(track(2), 5, ""))
	take(r.Canary(track(2), 40, ""))
	take(r.Promote())
	take(r.Canary(track(3), 5, "delay=1s"))
	take(r.Abort(), nil)
	take(r.RollBack(track(1)))
	take(r.Restore(), nil)
	take(r.Canary(track(3), 20, ""))
	return history
}

// remembered is a model of three versions, newest first.
func remembered(t *testing.T) report.Remembered {
	t.Helper()
	r := report.Remembered{Model: "cards", Of: 3, History: production(t)}
	for version := 3; version >= 1; version-- {
		d := ancestry()
		d.Version, d.CreatedAt = version, dayOf(version)
		d.Hyperparameters = json.RawMessage(fmt.Sprintf(`{"l2":%g,"iterations":7,"solver":"newton","trials":[{"l2":1}]}`, 0.1*float64(min(version, 2))))
		near := func(x, half float64) evaluate.Metric {
			return evaluate.Metric{Estimate: x, Lower: x - half, Upper: x + half}
		}
		d.Metrics = map[string]evaluate.Metric{"auc": near(0.76+0.01*float64(version%3), 0.012), "brier": near(0.14, 0.004)}
		d.Artifacts = map[string]artifact.Ref{"test": {URI: "s3://loanops/test.json", SHA256: strings.Repeat(fmt.Sprint(version/2), 64), Bytes: 1200}}
		d.Run = &registry.Run{
			ID: fmt.Sprint("run-", version), WorkflowID: "training-cards", Trigger: registry.BySchedule, Status: registry.RunCompleted, StartedAt: dayOf(version), EndedAt: dayOf(version).Add(90 * time.Second),
			Steps: []registry.RunStep{{Name: "ExtractData", Attempts: 1, Duration: 4 * time.Second, Cached: true}, {Name: "TrainModel", Attempts: 3, Duration: time.Second, LastFailed: "worker lost"}},
		}
		d.Records, d.Deliveries[0].Reasons = nil, []string{"every step of the canary passed"}
		r.Versions = append(r.Versions, report.RememberedVersion{Document: d, Aliases: []string{}})
	}
	r.Versions[0].Aliases, r.Versions[2].Aliases = []string{"challenger"}, []string{"champion"}
	r.Versions[0].Run.Trigger, r.Versions[0].Run.Cause = registry.ByMonitor, "look-1"
	r.Versions[0].Asked = &registry.Look{AsOf: "2026-06-30", Verdict: monitor.Retrain, Reasons: []string{"the AUC fell"}}
	return r
}

func rememberedPage(t *testing.T, r report.Remembered) string {
	t.Helper()
	page, err := report.RememberedHTML(r)
	require.NoError(t, err)
	requireSelfContained(t, page)
	again, err := report.RememberedHTML(r)
	require.NoError(t, err)
	require.Equal(t, page, again)
	return string(page)
}

// Wanted by hand.
func TestRememberedPage(t *testing.T) {
	t.Parallel()
	page := rememberedPage(t, remembered(t))
	if path := os.Getenv("LOANOPS_PAGE"); path != "" { // to look at it
		require.NoError(t, os.WriteFile(path, []byte(page), 0o600))
	}
	for _, test := range []struct{ name, want string }{
		{"the champion", `<div class="word">version 1 is champion</div>`},
		{"since when, by whom and why", "Since 2026-07-09 12:00:00 UTC, gone back to by ada: reason 9"},
		{"the canary that goes on", "Version 3 is its challenger now, with 20 % of the traffic."},
		{"which versions", "All 3 versions, newest first."},
		{"the best", `<span>Best AUC</span><b>0.7800</b><small>version 2, 0.7680 to 0.7920</small>`},
		{"the champion's", `<span>AUC of the champion</span><b>0.7700</b><small>0.7580 to 0.7820</small>`},
		{"the times that one became champion", `<span>Champions so far</span><b>3</b>`},
		{"rollbacks", `<span>Rollbacks</span><b>1</b>`},
		{"an interval as a plot", `aria-label="0.7800, 95 % interval 0.7680 to 0.7920"`},
		{"the champion's line and band", `<rect class="band"`},
		{"the champion marked, and its place", `version 1</a> <span class="pill role-champion">champion</span> <small class="nth">no. 2</small>`},
		{"the challenger marked", `version 3</a> <span class="pill role-challenger">challenger</span>`},
		{"a metric of which less is better", "Brier score, better ← → worse"},
		{"a metric of which more is better", "AUC, worse ← → better"},
		{"test parts apart", "There are 2 test parts"},
		{"a canary in its steps", `<b class="title">canary of version 2 beside version 1</b><span class="shares">copies only → 5 % → 40 %</span>`},
		{"its generations", "generation 3 to 5, written by delivery-cards/run"},
		{"a promotion", "version 2 becomes champion in place of version 1"},
		{"the first one, which has no shares", "<b class=\"title\">version 1 becomes champion</b>\n<p>by <b>ada</b>: reason 2"},
		{"an abort", "version 3 is taken away, version 2 goes on"},
		{"a drill", "canary of version 3 beside version 2, under the drill delay=1s"},
		{"a rollback", "back to version 1 in place of version 2"},
		{"who served when, as a plot", "<title>version 2, champion from 2026-07-06 12:00:00 until 2026-07-09 12:00:00: promote by ada, reason 6</title>"},
		{"who serves now", "<title>version 1, champion from 2026-07-09 12:00:00 until now: rollback by ada, reason 9</title>"},
		{"of a version, when it was champion", "<b>Champion</b> from 2026-07-06 12:00:00 until 2026-07-09 12:00:00: promoted by <b>ada</b>: reason 6"},
		{"hyperparameters", `<th scope="row">solver</th><td>newton</td>`},
		{"what was tried", "&#34;trials&#34;"},
		{"the views that its rows were joined from", `<tr><th scope="row">payments</th><td>1</td><td class="wide"><code>` + strings.Repeat("8", 64)},
		{"what changed", "<b>Changed since version 1</b></p><ul><li>l2: 0.1 → 0.2</li></ul>"},
		{"nothing that changed", "Made of the same as version 2."},
		{"attempts", `<td class="again">3</td><td>1s</td>`},
		{"why they were needed", "worker lost"},
		{"a step's share of the longest", `style="width:25%"`},
		{"durations", "it took 1m30s, of which its steps ran 5s"},
		{"the trigger", "The schedule started it."},
		{"what a look asked for", "A look at production found a reason. The look as of 2026-06-30 came to: retrain."},
		{"why it did", "<li>the AUC fell</li>"},
		{"its cause", "Cause: <code>look-1</code>"},
		{"the delivery", "<b>promoted</b>, every step of the canary passed"},
		{"a raw file", strings.Repeat("1", 64)},
		{"a dataset's digest", "<code>" + strings.Repeat("d", 64)},
		{"the code", "commit <code>0c622a7e2b44</code>, go1.26.8"},
		{"who accepted the schema", "accepted by data: within limits"},
		{"an artifact's path", "<code>s3://loanops/test.json</code>"},
		{"the chain", "11 serving records of production, their chain verified, the newest hash <code>" + strings.Repeat("1", 64)},
	} {
		require.Contains(t, page, test.want, test.name)
	}
	require.Less(t, strings.Index(page, "back to version 1"), strings.Index(page, "version 2 becomes champion"), "newest first")
	require.Equal(t, 1, strings.Count(page, ` open><summary><span class="name">`), "the champion alone is unfolded")
	require.NotContains(t, page, "ZgotmplZ")
}

// The metric that ranks stands first, and the page says that it is of some versions alone.
func TestRememberedPageOfTheBest(t *testing.T) {
	t.Parallel()
	r := remembered(t)
	r.RankedBy, r.Of = "brier", 7
	page := rememberedPage(t, r)
	require.Contains(t, page, "The best 3 of 7 versions by Brier score.")
	require.Contains(t, page, `id="m-brier" checked`)
	require.NotContains(t, page, `id="m-auc" checked`)
	require.Contains(t, page, `<span>Best Brier score</span>`)
}

// A rollback that was written anew, to break the lock of a dead writer, is one.
func TestRememberedPageOfARenewal(t *testing.T) {
	t.Parallel()
	r := remembered(t)
	last := r.History[8]
	again := last.Renew("lock")
	again.At, again.Hash = dayOf(20), last.Hash
	r.History = append(r.History[:9:9], again)
	page := rememberedPage(t, r)
	require.Contains(t, page, `<span>Rollbacks</span><b>1</b>`)
	require.Equal(t, 1, strings.Count(page, "back to version 1 in place of version 2"))
	require.Contains(t, page, "generation 9 to 10, written by")
	require.Contains(t, page, "Since 2026-07-09 12:00:00 UTC")
}

// What is not there is said in words.
func TestRememberedPageOfLittle(t *testing.T) {
	t.Parallel()
	bare := func(version int) report.RememberedVersion {
		v := report.RememberedVersion{}
		v.Version = version
		return v
	}
	first := production(t)[:1]
	left := first[0].Abort().By(serving.Author{Actor: "ada", Reason: "no", Operation: "x"})
	left.At = dayOf(2)
	for _, test := range []struct {
		name string
		of   report.Remembered
		want []string
	}{
		{"no version", report.Remembered{Model: "cards"}, []string{"no version yet", "Nothing was registered under this name.", "There is no version to rank: none was registered.", "Nothing of it ever served in production. None was ever champion.", "None was registered."}},
		{"never a champion", report.Remembered{Model: "cards", Of: 1, Versions: []report.RememberedVersion{bare(1)}}, []string{
			"None of its versions was ever champion.", "None of them has a metric.", "It was never champion.", "It was never delivered.", "The run that registered it was not recorded.", "Digests of raw files were not kept.",
			"No part of a split was kept.", "built without version control", "None was kept.", "its digest was not kept",
		}},
		{"brought up", report.Remembered{Model: "cards", Of: 1, Versions: []report.RememberedVersion{bare(1)}, History: first}, []string{"None of its versions was ever champion.", "Version 1 is brought up, without traffic."}},
		{"taken away", report.Remembered{Model: "cards", Of: 1, History: append(first[:1:1], left)}, []string{"version 1 is taken away, nothing serves", "None of its versions was ever champion."}},
	} {
		page := rememberedPage(t, test.of)
		for _, want := range test.want {
			require.Contains(t, page, want, test.name)
		}
	}
}

// Whatever people and programs wrote is text on the page.
func TestRememberedPageEscapes(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	r := remembered(t)
	for i := range r.History {
		r.History[i].Actor, r.History[i].Reason, r.History[i].Writer, r.History[i].Drill = evil, evil, evil, evil
	}
	v := &r.Versions[0]
	r.Model, v.Algorithm, v.Source, v.AsOf, v.Run.Trigger, v.Run.Cause, v.Run.WorkflowID = evil, evil, evil, evil, evil, evil, evil
	v.Run.Steps[0].Name, v.Run.Steps[0].LastFailed, v.Asked.Reasons, v.Deliveries[0].Reasons, v.Schema.Changes = evil, evil, []string{evil}, []string{evil}, []string{evil}
	hyper, err := json.Marshal(map[string]any{evil: evil, "nested": []string{evil}})
	require.NoError(t, err)
	v.Hyperparameters = hyper
	v.Artifacts = map[string]artifact.Ref{evil: {URI: evil, SHA256: evil}}
	v.Sources.Relations[0].Files[0].URI = "/" + evil
	page := rememberedPage(t, r)
	require.NotContains(t, page, "<script>alert")
	require.NotContains(t, page, "<img")
	require.Equal(t, 1, strings.Count(page, "<script"))
}
