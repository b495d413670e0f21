package report_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/serving"
)

var (
	measuring sync.Once
	looked    report.Look
)

// measured is one look for all tests, since drift takes a while to be measured. None may change it.
func measured(t *testing.T) report.Look {
	t.Helper()
	measuring.Do(func() { looked = newLender(t, 5).look(t, 3) })
	require.NotNil(t, looked.Drift)
	return looked
}

// online is the PSI of the first feature among the rows of the online lenders, where it moves most.
func online(l report.Look) drift.Statistic {
	for _, s := range l.Drift.Segments {
		if s.Value == institutions[2] {
			psi, _ := s.Results[0].Statistic(drift.PSI)
			return psi
		}
	}
	return drift.Statistic{}
}

func lookPage(t *testing.T, l report.Look) string {
	t.Helper()
	page, err := report.LookHTML(l)
	require.NoError(t, err)
	requireSelfContained(t, page)
	text := string(page)
	for _, never := range []string{"<script>alert", "NaN", "+Inf", "-Inf", "%!", "ZgotmplZ", "<nil>"} {
		require.NotContains(t, text, never)
	}
	require.Equal(t, strings.Count(text, "<svg"), strings.Count(text, `role="img" aria-label="`), "every plot says what it is")
	for _, link := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(text, -1) {
		require.Contains(t, text, fmt.Sprintf(`id="%s"`, link[1]), "a link leads somewhere")
	}
	return text
}

// Wanted are the figures of the look, written by hand as the page writes them.
func TestLookShowsWhatWasMeasured(t *testing.T) {
	t.Parallel()
	l := measured(t)
	page := lookPage(t, l)
	again, err := report.LookHTML(l)
	require.NoError(t, err)
	require.Equal(t, page, string(again), "the same look, the same bytes")

	score := l.Drift.Overall[len(l.Drift.Overall)-1]
	psi, _ := score.Statistic(drift.PSI)
	ks, _ := score.Statistic(drift.KS)
	auc, judged := l.Performance.Realised.Overall.Metrics["auc"], l.Performance.Judged.Metrics["auc"]
	vintage := l.Performance.Realised.Vintages[0]
	for _, test := range []struct{ name, want string }{
		{"verdict", `<div class="word">retrain</div>`},
		{"as of", "loans as of 2026-04-28"},
		{"window", "after 2026-03-28, until 2026-04-28"},
		{"days of the window", "<b>31 days</b>"},
		{"rows", "<b>2,000</b>"},
		{"matured rows", "<b>4,501</b>"},
		{"champion", "<b>version 3</b><small>look 3 at it"},
		{"the first reason", `<span class="because">no older version is better`},
		{"further reasons", "<summary>2 more</summary>"},
		{"a finding of the score", `href="#f6">the champion&#39;s score</a>`},
		{"a finding of the model", `<a href="#performance">the model</a>`},
		{"a finding of an older version", `<a href="#versions">the model</a>`},
		{"a hostile name of a column", "new &lt;column&gt;"},
		{"PSI of the score", fmt.Sprintf(`<span class="chip major">%.3f</span><small>≥ %.3f</small>`, psi.Value, psi.Lower)},
		{"KS of the score", fmt.Sprintf(`<span class="num">%.3f</span>`, ks.Value)},
		{"missing values", "3.0 → 11.6 %"},
		{"a hostile feature", "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;&amp;&#39;"},
		{"a hostile segment", "online &lt;scr"},
		{"a verdict in the timeline", `<circle class="v calm"`},
		{"a cell of the map of looks", "the champion&#39;s score, 2026-04-28: " + fmt.Sprintf("%.3f", psi.Value)},
		{"a look without drift in the map", "<title>2026-02-28: not measured</title>"},
		{"a new champion", `<path class="change"`},
		{"the map of segments", `<h2>By institution_type</h2>`},
		{"since when a segment drifts", fmt.Sprintf(`<th class="wrap"><a href="#f0">annual_income</a></th><td><span class="chip major">%.3f</span></td>`, online(l).Value)},
		{"segments of few rows", "Not named: 1 value of fewer than 5 rows."},
		{"AUC on outcomes", fmt.Sprintf("%.3f (%.3f to %.3f)", auc.Estimate, auc.Lower, auc.Upper)},
		{"AUC when judged", fmt.Sprintf("%.3f (%.3f to %.3f)", judged.Estimate, judged.Lower, judged.Upper)},
		{"rows of a vintage", fmt.Sprintf("%s: %d with a label, 0 without; ", vintage.Name, vintage.Rows)},
		{"AUC of a vintage", fmt.Sprintf("; version 3: AUC %.3f (", vintage.Metrics["auc"].Estimate)},
		{"AUC of the version before", fmt.Sprintf("; version 2: AUC %.3f (", l.Performance.Previous.Vintages[0].Metrics["auc"].Estimate)},
		{"Brier score of a vintage", fmt.Sprintf("; version 3: Brier score %.3f (", vintage.Metrics["brier"].Estimate)},
		{"a vintage of few rows", "at least 100 are needed"},
		{"the estimate's caveat", "<b>The estimate knows no label</b>: not valid under concept change"},
		{"calibration", "<dt>slope (1 is right)</dt>"},
		{"predicted and observed", fmt.Sprintf("predicted %.1f %%, observed %.1f %%", 100*vintage.Calibration.MeanPredicted, 100*vintage.Calibration.Observed.Estimate)},
		{"an older version", "version 2</th><td class=\"l\">labels</td>"},
		{"a better version", `better</span>`},
		{"approval rates", `<h4>by institution_type</h4>`},
		{"the ratio", "below four fifths, the whole interval"},
		{"no statement about the law", "no statement about the law"},
		{"an attribute that is not at hand", "not measured: the attribute is not among the data"},
		{"the run", "<code>run-1</code>"},
	} {
		require.Contains(t, page, test.want, test.name)
	}
	require.NotContains(t, page, "Ann Smith", "two rows have this value")
}

// The reference's least and greatest numbers are applicants' own: the bins end with what they are beside, not with them.
func TestLookShowsNoExtremeValue(t *testing.T) {
	t.Parallel()
	page := lookPage(t, measured(t))
	bins := measured(t).Drift.Distributions[0].Bins
	require.Equal(t, []monitor.Bin{{Kind: monitor.BelowAll}, {Kind: monitor.OfRange}}, []monitor.Bin{bins[0], bins[10]})
	require.Contains(t, page, "below the reference&#39;s")
}

func TestLookOfNothing(t *testing.T) {
	t.Parallel()
	l := newLender(t, 1)
	few := l.applicants(t, 5, 20, 0)
	alone := l.outcomes(few, 1, 0, false)
	alone.Scores = alone.Scores[:1]
	none, err := monitor.Measure(monitor.Observed{
		Versions: []monitor.Version{{Track: serving.Track{Version: 1}}}, Reference: alone, Applicants: alone, Outcomes: monitor.Scored{Scores: [][]float64{{}}}, Fresh: alone, Nth: 1,
	}, measuredLimits)
	require.NoError(t, err)
	for _, test := range []struct {
		name string
		look report.Look
		want []string
	}{
		{"nothing at all", report.Look{}, []string{"Not measured in this look.", "Nothing was found."}},
		{
			"no champion", report.Look{Look: registry.Look{Pipeline: "loans", AsOf: "2026-01-31", Verdict: monitor.Nothing, Reasons: []string{"there is no champion to look at"}}},
			[]string{"nothing to do", "there is no champion to look at", "no fresh rows", "there is none"},
		},
		{
			"few rows", report.Look{Look: registry.Look{Champion: 1, Rows: 20}, Drift: l.drift(t, few), Performance: &none},
			[]string{
				"not enough to look for drift", "<b>–</b><small>not enough data</small>", "not enough data: 20 rows of the window, 50 are needed", "On outcomes: not enough data: 0 matured rows",
				"Estimate: reference: not enough data", "There is no older version.", "not enough data to tell a change", "too few rows: at least 100 are needed",
			},
		},
		{"empty measures", report.Look{Drift: &monitor.Drift{}, Performance: &monitor.Performance{}}, []string{"no protected attribute is among the data"}},
	} {
		page := lookPage(t, test.look)
		for _, want := range test.want {
			require.Contains(t, page, want, test.name)
		}
		for _, never := range []string{`class="num up"`, `class="num down"`, "below 0.1 wherever"} {
			require.NotContains(t, page, never, "%s: what rests on too few rows is not shown", test.name)
		}
	}
}

// A page says what became of a verdict, not what its word alone promises. Whether people are told depends on the alerts before, which no look knows.
// Wanted by hand, from what monitor.Done says.
func TestLookShowsWhatBecameOfItsVerdict(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		verdict    monitor.Verdict
		done       monitor.Done
		word, want string
	}{
		{monitor.Nothing, "", "nothing to do", "What serves goes on serving."},
		{monitor.Review, "", "review", "Nothing is done before a person has looked."},
		{monitor.Alert, "", "alert", "What serves is not changed."},
		{monitor.Alert, monitor.HeldBack, "alert", "What was to be done is held back."},
		{monitor.Alert, monitor.Overtaken, "alert", "Somebody else changes what serves"},
		{monitor.Alert, monitor.Failed, "alert", "What was to be done has failed."},
		{monitor.Retrain, monitor.Started, "retrain", "A training is started;"},
		{monitor.Retrain, monitor.Kept, "retrain", "A training runs; another one follows it"},
		{monitor.RolledBack, monitor.WentBack, "rolled back", "An older version serves again."},
		{monitor.RolledBack, monitor.Delivering, "rolled back", "An older version is being delivered; it does not serve yet."},
	} {
		page := lookPage(t, report.Look{Look: registry.Look{Verdict: test.verdict, Done: test.done}})
		require.Contains(t, page, `<div class="word">`+test.word+`</div><span>`+test.want, "%s, %s", test.verdict, test.done)
		require.NotContains(t, page, "eople are told")
	}
}

func TestFindingsAreShownWorstFirst(t *testing.T) {
	t.Parallel()
	find := func(kind monitor.Kind, feature string, value, limit float64) monitor.Finding {
		return monitor.Finding{Kind: kind, Feature: feature, Statistic: "psi", Value: value, Limit: limit}
	}
	meaning := find(monitor.OfSchema, "aa unit", 1, 0)
	meaning.Meaning = true
	page := lookPage(t, report.Look{Look: registry.Look{Findings: []monitor.Finding{
		find(monitor.OfSchema, "ff schema", 9, 0), find(monitor.OfData, "ee weak", 0.4, 0.3), find(monitor.OfData, "dd strong", 0.3, 0.1), meaning,
		find(monitor.OfPredictions, "cc scores", 0.11, 0.1), find(monitor.OfPerformance, "bb decay", -0.02, -0.01),
	}}})
	before := 0
	for _, name := range []string{"aa unit", "bb decay", "cc scores", "dd strong", "ee weak", "ff schema"} {
		place := strings.Index(page, name)
		require.Greater(t, place, before, name)
		before = place
	}
}

// drifting is what was measured of one feature. Below 0 it was not measured.
func drifting(name string, psi float64, beyond bool) drift.Result {
	r := drift.Result{Feature: drift.Feature{Name: name}, Reference: drift.Side{Rows: 900}, Window: drift.Side{Rows: 900}, Statistics: []drift.Statistic{}, P: 1}
	if psi >= 0 {
		r.Statistics = append(r.Statistics, drift.Statistic{Name: drift.PSI, Value: psi, Lower: psi / 2, Limit: 0.1, Beyond: beyond})
	}
	return r
}

// The window ends with the last day of its rows: of the look's own day more may come. Wanted by hand.
func TestLookSaysOfWhichDaysItsRowsAre(t *testing.T) {
	t.Parallel()
	for want, look := range map[string]registry.Look{
		"<b>30 days</b><small>after 2026-03-31, until 2026-04-30</small>": {After: "2026-03-31", AsOf: "2026-05-01", Until: "2026-04-30", Rows: 9},
		"<b>31 days</b><small>after 2026-03-31, until 2026-05-01</small>": {After: "2026-03-31", AsOf: "2026-05-01", Rows: 9},
		"<b>–</b><small>until 2026-04-30</small>":                         {AsOf: "2026-05-01", Until: "2026-04-30", Rows: 9},
		"<b>–</b><small>no fresh rows</small>":                            {After: "2026-04-30", AsOf: "2026-05-01"},
		"<b>–</b><small>rows of their own</small>":                        {AsOf: "2026-05-01", Until: "2026-04-30", Data: "s3://own", Rows: 9},
	} {
		require.Contains(t, lookPage(t, report.Look{Look: look}), "<span>Window</span>"+want)
	}
}

// A feature may be beyond its limit by chance: what drifts is what was found, once, among all rows. Scores are none.
func TestLookCountsTheFeaturesThatWereFound(t *testing.T) {
	t.Parallel()
	d := monitor.Drift{Overall: []drift.Result{drifting("income", 0.4, true), drifting("age", 0.4, true), drifting("purpose", 0.01, false), drifting(monitor.Score.Name, 0.4, true)}}
	look := registry.Look{AsOf: "2026-05-01"}
	page := func() string { return lookPage(t, report.Look{Look: look, Drift: &d}) }
	require.Contains(t, page(), "<span>Features that drift</span><b>0</b><small>of 3, beyond chance and limit</small>")
	look.Findings = []monitor.Finding{
		{Kind: monitor.OfData, Feature: "income"}, {Kind: monitor.OfData, Feature: "income", Segment: "kind=bank"}, {Kind: monitor.OfData, Feature: "age", Segment: "kind=bank"},
		{Kind: monitor.OfSchema, Feature: "income"}, {Kind: monitor.OfPredictions}, {Kind: monitor.OfData},
	}
	require.Contains(t, page(), "<span>Features that drift</span><b>1</b>")
	look.Findings = append(look.Findings, monitor.Finding{Kind: monitor.OfData, Feature: "purpose"})
	require.Contains(t, page(), "<span>Features that drift</span><b>2</b>")
}

// Wanted by hand.
func TestLookSaysSinceWhen(t *testing.T) {
	t.Parallel()
	const not, yes, unknown = 0.01, 0.4, -1.0
	for _, test := range []struct {
		name     string
		psi      []float64 // over looks of January, February, ...
		champion []int
		want     string
	}{
		{"new", []float64{not, not, yes}, []int{1, 1, 1}, "new in this look"},
		{"for two looks", []float64{not, yes, yes}, []int{1, 1, 1}, "since 2026-02, 2 looks"},
		{"again", []float64{yes, not, yes, yes}, []int{1, 1, 1, 1}, "since 2026-03, 2 looks"},
		{"a look that measured nothing breaks nothing", []float64{yes, unknown, yes}, []int{1, 1, 1}, "since 2026-01, 2 looks"},
		{"another champion has another reference", []float64{yes, yes, yes}, []int{1, 1, 2}, "new in this look"},
	} {
		var looks []report.EarlierLook
		for i, psi := range test.psi {
			d := monitor.Drift{Overall: []drift.Result{drifting("income", psi, psi == yes)}, Distributions: []monitor.Distribution{}}
			looks = append(looks, report.EarlierLook{Look: registry.Look{AsOf: fmt.Sprintf("2026-%02d", i+1), Champion: test.champion[i]}, Drift: &d})
		}
		last := looks[len(looks)-1]
		page := lookPage(t, report.Look{Look: last.Look, Drift: last.Drift, Earlier: looks[:len(looks)-1]})
		require.Contains(t, page, "<small>"+test.want+"</small>", test.name)
	}
}

// The bands are those that people know: below 0.1, to 0.25, and from there on.
func TestLookShowsBands(t *testing.T) {
	t.Parallel()
	for psi, band := range map[float64]string{0.02: "still", 0.05: "slight", 0.0999: "slight", 0.1: "moderate", 0.2499: "moderate", 0.25: "major", 3: "major"} {
		d := monitor.Drift{Overall: []drift.Result{drifting("income", psi, false)}}
		require.Contains(t, lookPage(t, report.Look{Drift: &d}), fmt.Sprintf(`<span class="chip %s">%.3f</span>`, band, psi))
	}
}

// What a feature does to the score comes before its PSI.
func TestFeaturesAreOrderedByTheirEffect(t *testing.T) {
	t.Parallel()
	d := monitor.Drift{
		Overall: []drift.Result{drifting("dd", 0.1, false), drifting("cc", 0.2, false), drifting("bb", 0.1, false), drifting("aa", 0.9, false), drifting(monitor.Score.Name, 0, false)},
		Effects: []drift.Effect{{Feature: "dd", Change: -0.5}, {Feature: "cc", Change: 0.2}, {Feature: "bb", Change: 0.2}},
	}
	page := lookPage(t, report.Look{Drift: &d})
	before := 0
	for _, name := range []string{"the champion&#39;s score", "dd", "cc", "bb", "aa"} {
		place := strings.Index(page, `data-name="`+name+`"`)
		require.Greater(t, place, before, name)
		before = place
	}
	require.Contains(t, page, `<span class="num down">−0.100</span>`, "of the score: the sum")
}

// Nor does the JSON of a look say what fewer than five rows have, before or now.
func TestDriftNamesNoSmallSegment(t *testing.T) {
	t.Parallel()
	l := newLender(t, 5)
	before, now := l.sample, l.applicants(t, 2, 1000, 0)
	for row := range 4 {
		before.Column(segment).Texts[row], now.Column(segment).Texts[row] = "Jane Doe", "Jane Doe"
	}
	l.counted = l.count(t, before)
	names := func() (all []string) {
		for _, of := range l.drift(t, now).Segments {
			all = append(all, of.Value)
		}
		return all
	}
	require.NotContains(t, names(), "Jane Doe")
	require.Contains(t, names(), "", "that there is one is told")
	for row := range 9 {
		now.Column(segment).Texts[row] = "Jane Doe" // five and more now, and four before
	}
	require.NotContains(t, names(), "Jane Doe")
	before.Column(segment).Texts[900] = "Jane Doe"
	l.counted = l.count(t, before)
	require.Contains(t, names(), "Jane Doe")
}

// Groups of fewer than five rows have no name: it may be a person's.
func TestLookNamesNoSmallGroup(t *testing.T) {
	t.Parallel()
	few, enough := drifting("income", -1, false), drifting("income", 0.2, false)
	few.Window.Rows, few.Short = 4, &drift.Shortage{Of: "rows of the window", Rows: 4, Needed: 50}
	short := few
	short.Window.Rows = 5
	d := monitor.Drift{
		Overall: []drift.Result{enough}, Segment: "lender",
		Segments: []monitor.SegmentDrift{{Value: "big", Results: []drift.Result{enough}}, {Value: "small", Results: []drift.Result{short}}, {Value: "tiny", Results: []drift.Result{few}}},
	}
	rate := &evaluate.Metric{Estimate: 0.777, Lower: 0.6, Upper: 0.9}
	p := monitor.Performance{
		Impact: []performance.Impact{{Attribute: "religion", Groups: []performance.ImpactGroup{{Name: "many", Rows: 5}, {Name: "alone", Rows: 4}}}},
		Approvals: performance.Approvals{Segments: []performance.ApprovalSegment{{
			Column: "lender", Groups: []performance.ApprovalRate{{Merged: 2, Rows: 4, Rate: rate, Note: "not enough data to tell a change"}},
		}}},
	}
	page := lookPage(t, report.Look{Drift: &d, Performance: &p})
	for _, want := range []string{"big", "small: not enough data", "many", "2 rarer values", "Not named: 1 value of fewer than 5 rows.", "Not named: 1 group of fewer than 5 rows."} {
		require.Contains(t, page, want)
	}
	for _, never := range []string{"tiny", "alone", "77.7"} {
		require.NotContains(t, page, never)
	}
}

// A page of a hundred features over sixty looks opens at once.
func TestLookOfManyFeaturesIsSmall(t *testing.T) {
	t.Parallel()
	var wide report.Look
	data, err := json.Marshal(measured(t))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &wide))
	d := wide.Drift
	one, shares, segments := d.Overall[0], d.Distributions[0], d.Segments[:1]
	for i := range 94 {
		one.Name = fmt.Sprintf("another_feature_of_applicants_%d", i)
		shares.Feature = one.Name
		d.Overall, d.Distributions = append(d.Overall, one), append(d.Distributions, shares)
	}
	d.Segments = nil
	for i := range 20 {
		d.Segments = append(d.Segments, monitor.SegmentDrift{Value: fmt.Sprintf("%s %d", segments[0].Value, i), Results: d.Overall})
	}
	for i := range 60 {
		wide.Earlier = append(wide.Earlier, report.EarlierLook{Look: registry.Look{AsOf: fmt.Sprintf("2025-%02d-%02d", i/28+1, i%28+1), Champion: 3}, Drift: d})
	}
	require.Less(t, len(lookPage(t, wide)), 3_000_000)
}
