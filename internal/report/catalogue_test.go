package report_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/features"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/feature/snapshot"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/report"
)

// opened is when the catalogues of these tests are asked for.
var opened = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// registered are the rows that applying folders one after the other leaves, each a day after the one before.
func registered(t testing.TB, stage bool, folders ...[]feature.File) []feature.Registered {
	t.Helper()
	rows := []feature.Registered{}
	for i, files := range folders {
		catalogue, err := feature.NewCatalogue(rows)
		require.NoError(t, err)
		folder, err := feature.Read(files, catalogue)
		require.NoError(t, err)
		plan, err := catalogue.Plan(folder.Definitions, stage && i > 0)
		require.NoError(t, err)
		for _, row := range plan.Rows([]string{"ada", "grace"}[i%2]) {
			row.Nth, row.At = int64(len(rows)+1), opened.AddDate(0, 0, i-9)
			rows = append(rows, row)
		}
	}
	return rows
}

// shippedFeatures are the definitions that come with LoanOps, with some of their text replaced.
func shippedFeatures(t testing.TB, oldNew ...string) (files []feature.File) {
	t.Helper()
	names, err := fs.Glob(features.FS, "*.yaml")
	require.NoError(t, err)
	for _, name := range names {
		data, err := features.FS.ReadFile(name)
		require.NoError(t, err)
		files = append(files, feature.File{Name: name, Data: []byte(strings.NewReplacer(oldNew...).Replace(string(data)))})
	}
	return files
}

// statistics are those of a view as if it said something of every one of so many entities.
func statistics(v *feature.Version, entities int) *snapshot.Snapshot {
	s := &snapshot.Snapshot{View: v.Name, Version: v.Version, Rows: int64(3 * entities), Days: 900}
	s.Extent = snapshot.Extent{At: feature.InstantOf(opened.Add(-5 * time.Hour)), Newest: feature.InstantOf(opened.Add(-30 * time.Hour)), Entities: int64(entities)}
	for k := range v.View.Features {
		f := &v.View.Features[k]
		c := dataset.Column{Name: f.Name, Kind: dataset.Float}
		switch v.View.TypeOf(f) {
		case pipeline.Integer:
			c.Kind = dataset.Integer
		case pipeline.Decimal:
			c.Kind = dataset.Decimal
		case pipeline.Category:
			c.Kind = dataset.Text
		}
		for i := range entities {
			x := math.Sin(float64(i*(k+3))) + math.Sin(float64(i*7+k)) + math.Cos(float64(i*3))
			missing := (i*31+k)%17 < k%4
			switch {
			case c.Kind == dataset.Text:
				c.Texts, c.Valid = append(c.Texts, f.Domain[i%7%len(f.Domain)]), append(c.Valid, !missing)
				continue
			case missing:
				x = math.NaN()
			case f.Min != nil && *f.Min == 300:
				x = math.Round(650 + 60*x)
			case c.Kind == dataset.Decimal:
				x = math.Round(2500 * math.Exp(x/1.5))
			default:
				x = math.Round(max(0, 2*x))
			}
			c.Floats = append(c.Floats, x)
		}
		s.Features = append(s.Features, snapshot.Describe(c))
	}
	return s
}

// shippedCatalogue is the catalogue of what comes with LoanOps after a change that is staged: bureau is fresh, payments is late.
func shippedCatalogue(t testing.TB) report.Catalogue {
	t.Helper()
	rows := registered(t, true, shippedFeatures(t), shippedFeatures(t, "ttl: 180d", "ttl: 90d", "name: agency\n", "name: office\n"))
	catalogue, err := feature.NewCatalogue(rows)
	require.NoError(t, err)
	c := report.Catalogue{At: opened}
	for _, kind := range feature.Kinds {
		for _, name := range catalogue.Names(kind) {
			shown := catalogue.Shown(kind, name)
			d := declared(rows, catalogue, shown)
			for _, v := range catalogue.Versions(kind, name) {
				if v.Version != shown.Version && v.Stage == feature.Staged {
					d.Staged = append(d.Staged, declared(rows, catalogue, v))
				}
			}
			c.Declared = append(c.Declared, d)
		}
	}
	for _, r := range slices.Backward(rows) {
		c.Changes = append(c.Changes, changeOf(r))
	}
	return c
}

func changeOf(r feature.Registered) report.DeclaredChange {
	return report.DeclaredChange{At: r.At, Kind: r.Kind, Name: r.Name, Version: r.Version, Stage: r.Stage, Actor: r.Actor, What: r.What}
}

func declared(rows []feature.Registered, catalogue *feature.Catalogue, v *feature.Version) report.Declared {
	d := report.Declared{Kind: v.Kind, Name: v.Name, Version: v.Version, Active: catalogue.Active(v.Kind, v.Name), Stage: v.Stage, Meaning: v.Meaning, Document: v.Document, Of: v}
	for _, r := range slices.Backward(rows) {
		if r.Kind == v.Kind && r.Name == v.Name {
			d.History = append(d.History, changeOf(r))
			d.Versions = append(d.Versions, report.DeclaredVersion{Version: r.Version, Stage: r.Stage, Meaning: r.Meaning, Since: r.At, Actor: r.Actor, What: r.What})
		}
	}
	d.Used.Definitions = catalogue.Naming(v.Kind, v.Name, "")
	if v.Kind != feature.KindView {
		return d
	}
	progress := feature.Progress{Manifest: "{}", Until: feature.InstantOf(opened.Add(-5 * time.Hour)), At: opened}
	if v.Name == "payments" {
		progress.Until = feature.InstantOf(opened.Add(-50 * time.Hour))
	}
	d.Statistics = statistics(v, 20_000)
	d.Freshness = report.FreshnessOf(v.View.Freshness, progress, d.Statistics, opened)
	taken := []string{"bureau_score", "delinquent_accounts", "late_90d", "late_365d", "channels_365d"}
	for _, pipeline := range []string{"loan-eligibility", "card-limit"} {
		d.Used.Pipelines = append(d.Used.Pipelines, report.UsedPipeline{Pipeline: pipeline, Version: 1, Published: 3, Features: taken})
		for n := range 4 {
			m := report.UsedModel{Model: pipeline, Version: n + 1, Of: 1, Features: taken}
			if n == 2 {
				m.Aliases = []string{"champion"}
			}
			d.Used.Models = append(d.Used.Models, m)
		}
	}
	return d
}

func TestCatalogueTellsOfEverything(t *testing.T) {
	t.Parallel()
	c := shippedCatalogue(t)
	page, err := report.CatalogueHTML(c)
	require.NoError(t, err)
	requireSelfContained(t, page)
	text := string(page)
	for _, want := range []string{
		`id="d-bureau"`, `id="e-applicant"`, `id="f-payments-late_90d"`, `href="#f-bureau-bureau_score"`, "sum of late over 90d", "credit bureau score too low", "300 to 850", "north, central, south",
		"v2 staged", "version 2, staged", "<li>ttl 180d -&gt; 90d</li>", "<li>features[agency].description is gone: Which office of the bureau reports. For audits; no shipped s…</li>", "has no such feature", "meaning ", "takes v1, 5 features", "1 to 2, 3 (champion), 4", "loan-eligibility takes version 1",
		`class="age fresh"`, `class="age stale"`, `data-promised="86400"`, fmt.Sprintf(`data-until="%d"`, opened.Add(-5*time.Hour).Unix()), "2 d</span><small>promised 1 d", "1 stale, 0 not materialized",
		"loan_amount / term_months * 12 / annual_income", "the simulated feed payments, and posted events", "service loan_eligibility@1", "grace", "2026-06-22",
	} {
		require.Contains(t, text, want)
	}
	for _, never := range []string{"NaN", "Inf", "%!", "ZgotmplZ", "<no value>"} {
		require.NotContains(t, text, never)
	}
	require.Equal(t, 16, strings.Count(text, `<details class="feat"`), "6 of bureau and 10 of payments")
	require.Equal(t, strings.Count(text, "<svg"), strings.Count(text, `role="img" aria-label="`)+strings.Count(text, "aria-hidden=\"true\"><path"), "every plot says what it is")
	again, err := report.CatalogueHTML(shippedCatalogue(t))
	require.NoError(t, err)
	require.Equal(t, text, string(again))
	require.Less(t, len(page), 400<<10)
}

// Texts that people wrote are texts.
func TestCatalogueEscapesWhatPeopleWrote(t *testing.T) {
	t.Parallel()
	hostile := `</script><b onmouseover="alert(1)">`
	rows := registered(t, false, []feature.File{{Name: "a.yaml", Data: []byte(`entities: [{name: applicant, keys: [applicant_id], description: '` + hostile + `'}]
views:
  - {name: v, entity: applicant, events: true, description: '` + hostile + `', owner: '` + hostile + `', tags: ['<b>x'], features: [{name: f, type: number, unit: '<b>', reason: '` + hostile + `', tags: ['<b>y']}]}
`)}})
	catalogue, err := feature.NewCatalogue(rows)
	require.NoError(t, err)
	v, err := catalogue.View("v")
	require.NoError(t, err)
	d := declared(rows, catalogue, v)
	d.Used.Pipelines[0].Pipeline, d.History[0].What = hostile, hostile
	page, err := report.CatalogueHTML(report.Catalogue{At: opened, Declared: []report.Declared{d}, Changes: d.History, Unknown: hostile})
	require.NoError(t, err)
	require.NotContains(t, string(page), "<b onmouseover")
	require.NotContains(t, string(page), "<b>x")
	require.Equal(t, 1, strings.Count(string(page), "</script>"))
}

func TestCatalogueOfNothing(t *testing.T) {
	t.Parallel()
	page, err := report.CatalogueHTML(report.Catalogue{At: opened, Unknown: "no platform runs"})
	require.NoError(t, err)
	requireSelfContained(t, page)
	require.Contains(t, string(page), "None is declared.")
	require.Contains(t, string(page), "Nothing was declared yet.")
	require.Contains(t, string(page), "no platform runs")

	c := shippedCatalogue(t)
	for i := range c.Declared {
		c.Declared[i].Statistics, c.Declared[i].Staged = nil, nil
		if c.Declared[i].Freshness != nil {
			c.Declared[i].Freshness = report.FreshnessOf(0, feature.Progress{}, nil, opened)
		}
	}
	page, err = report.CatalogueHTML(c)
	require.NoError(t, err)
	require.Contains(t, string(page), "loanops features materialize bureau")
	require.Contains(t, string(page), `class="age absent"`)
	require.Contains(t, string(page), "0 stale, 2 not materialized")
}

// The age that counts is that of what is served; what is promised is kept up to the very second.
func TestFreshness(t *testing.T) {
	t.Parallel()
	progress := func(age time.Duration) feature.Progress {
		return feature.Progress{Manifest: "{}", Until: feature.InstantOf(opened.Add(-age)), At: opened.Add(-age + time.Minute)}
	}
	day := feature.Span(24 * time.Hour)
	for name, test := range map[string]struct {
		promised feature.Span
		progress feature.Progress
		want     report.FreshnessState
	}{
		"within":             {day, progress(time.Hour), report.Fresh},
		"to the second":      {day, progress(24 * time.Hour), report.Fresh},
		"a second more":      {day, progress(24*time.Hour + time.Second), report.Stale},
		"no promise":         {0, progress(1000 * time.Hour), report.Unpromised},
		"nothing is there":   {day, feature.Progress{Until: 5}, report.Absent},
		"begun and not done": {day, feature.Progress{Begun: "{}", Generation: 1}, report.Absent},
	} {
		f := report.FreshnessOf(test.promised, test.progress, nil, opened)
		require.Equal(t, test.want, f.State, name)
		require.Nil(t, f.Newest, name)
	}
	f := report.FreshnessOf(day, progress(2*time.Hour), &snapshot.Snapshot{Rows: 1, Extent: snapshot.Extent{Newest: feature.InstantOf(opened.AddDate(0, -1, 0))}}, opened)
	require.InDelta(t, 7200, f.Age, 0)
	require.Equal(t, opened.AddDate(0, -1, 0), *f.Newest, "an old event does not make what is served stale")
	require.Equal(t, report.Fresh, f.State)
	text, err := json.Marshal(f)
	require.NoError(t, err)
	require.JSONEq(t, `{"promised_seconds": 86400, "until": "2026-07-01T10:00:00Z", "written": "2026-07-01T10:01:00Z", "newest": "2026-06-01T12:00:00Z", "age_seconds": 7200, "state": "fresh"}`, string(text))
}

func TestCatalogueWords(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[float64]string{0: "0 s", 59.9: "59 s", 60: "1 min", 119: "119 s", 120: "2 min", 3600: "1 h", 7199: "119 min", 7200: "2 h", 86400: "1 d", 90000: "25 h", 172800: "2 d", -7200: "-2 h"} {
		require.Equal(t, want, report.Age(seconds), "%v", seconds)
	}
	together := report.ModelsTogether([]report.UsedModel{
		{Model: "a", Version: 4, Of: 1}, {Model: "a", Version: 3, Of: 1, Aliases: []string{"champion", "previous"}}, {Model: "a", Version: 1, Of: 1}, {Model: "a", Version: 2, Of: 1}, {Model: "b", Version: 1, Of: 1}, {Model: "a", Version: 5, Of: 2}, {Model: "a", Version: 7, Of: 2},
	})
	words := []string{}
	for _, m := range together {
		words = append(words, fmt.Sprintf("%s %s of %d", m.Model, m.Versions, m.Of))
	}
	require.Equal(t, []string{"a 1 to 2, 3 (champion, previous), 4 of 1", "b 1 of 1", "a 5, 7 of 2"}, words)
}
