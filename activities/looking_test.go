package activities

import (
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/schema"
	"github.com/loanops/loanops/internal/serving"
)

// watch is a champion that was made of what was known at the end of March, and is looked at at the end of June.
type watch struct {
	*bench
	made training
}

const (
	madeAt   = "2025-09-30"
	lookedAt = "2026-06-30"
)

func newWatch(t *testing.T, oldNew ...string) *watch {
	t.Helper()
	b := newBench(t)
	b.respec(t, append([]string{"rows: 3000", "rows: 12000", "to: 2026-06-30", "to: " + madeAt}, oldNew...)...)
	w := &watch{bench: b, made: b.train(t)}
	w.promote(t, 1)
	b.respec(t, "to: "+madeAt, "to: "+lookedAt)
	b.spec.Monitor.Segment = "institution_type"
	return w
}

// promote makes a version champion, under the current policy.
func (w *watch) promote(t *testing.T, version int) {
	t.Helper()
	track := w.registry.candidate(t, version).Track
	next, err := w.registry.newest(serving.Production).Canary(track, 5, "")
	if w.registry.newest(serving.Production).Champion == nil {
		next, err = w.registry.newest(serving.Production).Prepare(track, "")
	}
	w.registry.write(t, "delivery", next, err)
	next, err = w.registry.newest(serving.Production).Promote()
	w.registry.write(t, "delivery", next, err)
}

func (w *watch) reference(t *testing.T, asOf string) ReferenceOutput {
	t.Helper()
	out, err := w.stages.Looking.Reference(t.Context(), ReferenceInput{Pipeline: product, AsOf: asOf, Now: time.Now(), Monitor: w.spec.Monitor, Delivery: "delivery-" + product})
	require.NoError(t, err)
	return out
}

// read extracts the rows after a day, and changes them.
func (w *watch) read(t *testing.T, after string, change func(*dataset.Table)) ExtractOutput {
	t.Helper()
	out, err := w.stages.Extraction.Extract(t.Context(), ExtractInput{
		Schema: w.made.spec.Schema.Ref, Source: w.spec.Source, Limits: w.spec.Limits, AsOf: lookedAt, After: after, KnownAt: lookedAt,
	})
	require.NoError(t, err)
	table, err := ReadTable(t.Context(), w.objects, out.Dataset)
	require.NoError(t, err)
	change(&table)
	out.Dataset, err = putTable(t.Context(), w.objects, table)
	require.NoError(t, err)
	return out
}

func nothing(*dataset.Table) {}

// without has no such column.
func without(column string) func(*dataset.Table) {
	return func(t *dataset.Table) {
		t.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(c dataset.Column) bool { return c.Name == column })
	}
}

// times multiplies a number.
func times(column string, factor float64) func(*dataset.Table) {
	return func(t *dataset.Table) {
		c := t.Column(column)
		c.Floats = slices.Clone(c.Floats)
		for i := range c.Floats {
			c.Floats[i] = math.Round(c.Floats[i] * factor)
		}
	}
}

func (w *watch) drift(t *testing.T, change func(*dataset.Table)) DriftOutput {
	t.Helper()
	ref := w.reference(t, lookedAt)
	out, err := w.stages.Looking.Drift(t.Context(), DriftInput{
		Schema: w.made.spec.Schema.Ref, Reference: ref.Dataset, Fresh: w.read(t, ref.After, change).Dataset, Champion: ref.Contenders[0].Bundle, Monitor: w.spec.Monitor, Tested: ref.Tested,
	})
	require.NoError(t, err)
	return out
}

func (w *watch) performance(t *testing.T, knownAt string, change func(*dataset.Table)) PerformanceOutput {
	t.Helper()
	ref := w.reference(t, lookedAt)
	out, err := w.stages.Looking.Performance(t.Context(), PerformanceInput{
		Pipeline: product, Schema: w.made.spec.Schema.Ref, Test: ref.Test, Reference: ref.Dataset, Fresh: w.read(t, ref.After, change).Dataset,
		Outcomes: w.read(t, ref.JudgedUntil, change).Dataset, Contenders: ref.Contenders, KnownAt: knownAt, Monitor: w.spec.Monitor, Nth: ref.Nth,
	})
	require.NoError(t, err)
	return out
}

// about are what findings are about.
func about(findings []monitor.Finding) (texts []string) {
	for _, f := range findings {
		texts = append(texts, string(f.Kind)+" "+f.Feature+" "+string(f.Statistic))
	}
	return texts
}

func TestReferenceSaysWhatIsFresh(t *testing.T) {
	b := newBench(t)
	out, err := b.stages.Looking.Reference(t.Context(), ReferenceInput{Pipeline: product, AsOf: lookedAt})
	require.NoError(t, err)
	require.Zero(t, out.Champion(), "nothing serves")

	w := newWatch(t)
	ref := w.reference(t, lookedAt)
	require.Equal(t, 1, ref.Champion())
	require.Equal(t, madeAt, ref.After, "the last day of the data that it was made of")
	require.Less(t, ref.JudgedUntil, "2025-04-04", "180 days before that no label was mature")
	require.Greater(t, ref.JudgedUntil, "2025-03-01")
	require.Equal(t, 1, ref.Nth)
	require.Empty(t, ref.Held)
	require.Empty(t, ref.Changing)

	look := func(asOf string, champion int, enough bool, done monitor.Done, ago time.Duration) registry.Look {
		return registry.Look{
			RunID: asOf, AsOf: asOf, Until: asOf, Dataset: asOf, Champion: champion, Rows: 600, Enough: enough, Done: done, At: time.Now().Add(-ago), Tested: []byte(`"` + asOf + `"`),
		}
	}
	w.registry.looks = []registry.Look{
		look("2026-06-30", 1, true, "", 0), look("2026-05-31", 1, false, "", 0), look("2026-04-30", 1, true, monitor.Started, time.Hour), look("2026-05-15", 2, true, "", 0),
		{RunID: "own", AsOf: "2026-06-15", Data: "rows.csv", Champion: 1, Enough: true},
	}
	ref = w.reference(t, lookedAt)
	require.Equal(t, "2026-04-30", ref.After, "the last look at this champion, before that day, that had rows enough")
	require.JSONEq(t, `"2026-04-30"`, string(ref.Tested))
	require.Equal(t, 3, ref.Nth)
	require.Contains(t, ref.Held, "cooldown")

	w.registry.looks = []registry.Look{look("2026-04-30", 1, true, monitor.Started, time.Hour)}
	w.registry.looks[0].Findings = monitor.NewData(pipeline.Monitor{NewRows: 1}, 1)
	require.Contains(t, w.reference(t, lookedAt).Held, "cooldown", "a training for new data counts")
	none, err := w.stages.Looking.Reference(t.Context(), ReferenceInput{Pipeline: product, AsOf: lookedAt, Data: "rows.csv", Monitor: w.spec.Monitor, Delivery: "delivery-" + product})
	require.NoError(t, err)
	require.Empty(t, none.After+none.JudgedUntil, "rows of their own are all fresh")
	require.Contains(t, none.Held, "rows of their own")
	require.Contains(t, none.Changing, "rows of their own change nothing that serves")

	next, err := w.registry.newest(serving.Production).Canary(serving.Track{Version: 2, Policy: "p"}, 5, "")
	w.registry.write(t, "delivery", next, err)
	require.Contains(t, w.reference(t, lookedAt).Changing, "version 2 is on its way")
}

// back is a rollback by a person.
func (w *watch) back(t *testing.T, version int) {
	t.Helper()
	next, err := w.registry.newest(serving.Production).RollBack(w.registry.candidate(t, version).Track)
	w.registry.write(t, "grace", next, err)
}

func (w *watch) contenders(t *testing.T) (versions []int) {
	t.Helper()
	for _, c := range w.reference(t, lookedAt).Contenders {
		versions = append(versions, c.Version)
	}
	return versions
}

// What a bake, or a person, has left is nothing that a look goes back to: on rows that it was trained on it looks better than it is.
func TestALookDoesNotGoBackToWhatWasLeft(t *testing.T) {
	w := newWatch(t)
	w.worse(t)
	w.back(t, 1)
	require.Equal(t, []int{1}, w.contenders(t))
	w.back(t, 2)
	require.Equal(t, []int{2}, w.contenders(t), "a person's rollback is not undone")
	require.Nil(t, w.performance(t, lookedAt, nothing).Better)
	w.promote(t, 1)
	require.Equal(t, []int{1, 2}, w.contenders(t), "what a delivery has replaced was not found wrong")
}

// A version that was made of rows by which the champion is judged would look better than it is.
func TestALookComparesOnRowsThatNobodyWasMadeOf(t *testing.T) {
	w := newWatch(t)
	w.worse(t)
	later := w.registry.versions[0]
	later.Digest, later.Artifacts = "later", maps.Clone(later.Artifacts)
	later.Artifacts[artifact.Test] = w.read(t, madeAt, nothing).Dataset // rows of after the first one's
	_, _, err := w.registry.RegisterVersion(t.Context(), later)
	require.NoError(t, err)
	w.promote(t, 3)
	require.Equal(t, []int{3, 2, 1}, w.contenders(t))
	w.promote(t, 1)
	require.Equal(t, []int{1, 2}, w.contenders(t))
}

// A delivery is under way from its start to the end of its bake, whatever the record says meanwhile.
func TestALookKnowsWhatIsUnderWay(t *testing.T) {
	w := newWatch(t)
	w.worse(t)
	ref := w.reference(t, lookedAt)
	require.Empty(t, ref.Changing)
	require.Equal(t, w.registry.newest(serving.Production).Generation, ref.Generation)
	w.deliveries.going = true
	require.Contains(t, w.reference(t, lookedAt).Changing, "a delivery is under way, see delivery-"+product)
}

// A training that was not started, and a delivery that was, are remembered as what they were.
func TestALookKnowsWhatEarlierOnesDid(t *testing.T) {
	w := newWatch(t)
	look := func(verdict monitor.Verdict, done monitor.Done, ago time.Duration) registry.Look {
		return registry.Look{Champion: 1, AsOf: "2026-05-31", Verdict: verdict, Done: done, BackTo: 7, At: time.Now().Add(-ago)}
	}
	for _, test := range []struct {
		look registry.Look
		held bool
	}{
		{look(monitor.Retrain, monitor.Started, time.Minute), true},
		{look(monitor.Retrain, monitor.Kept, time.Minute), true},
		{look(monitor.Alert, monitor.Failed, time.Minute), false},
		{look(monitor.Alert, monitor.HeldBack, time.Minute), false},
	} {
		w.registry.looks = []registry.Look{test.look}
		ref := w.reference(t, lookedAt)
		require.Equal(t, test.held, ref.Held != "", "%+v", test.look)
		require.Empty(t, ref.Delivered)
	}
	w.registry.looks = []registry.Look{look(monitor.Nothing, "", time.Minute)}
	w.registry.looks[0].AsOf, w.registry.looks[0].Until, w.registry.looks[0].Enough = "2026-06-01", "2026-05-31", true
	require.Equal(t, "2026-05-31", w.reference(t, "2026-06-02").After, "of the first of June nobody has seen a row")
	require.Equal(t, monitor.Days{Dated: 12_000}, w.reference(t, "2026-06-02").Days, "as many as the champion was made of")
	past := w.reference(t, "2026-05-31")
	require.Equal(t, "2026-06-01", past.Later)
	require.Contains(t, past.Held, "a later day, 2026-06-01")
	require.Contains(t, past.Changing, "a later day, 2026-06-01")
	w.registry.looks[0].Champion++
	require.Empty(t, w.reference(t, "2026-05-31").Later, "of another champion")
	w.registry.looks[0].Champion--
	cooldown := time.Duration(w.spec.Monitor.CooldownHours * float64(time.Hour))
	w.registry.looks = []registry.Look{look(monitor.RolledBack, monitor.Delivering, cooldown-time.Minute), look(monitor.RolledBack, monitor.WentBack, time.Minute)}
	require.Equal(t, []int{7}, w.reference(t, lookedAt).Delivered)
	w.registry.looks[0].At = time.Now().Add(-cooldown)
	require.Empty(t, w.reference(t, lookedAt).Delivered)
}

func TestDriftIsFoundWhereItIs(t *testing.T) {
	w := newWatch(t)
	same := w.drift(t, nothing)
	require.Empty(t, same.Findings, "%v", same.Findings)
	require.NotEmpty(t, same.Tested)
	again := w.drift(t, nothing)
	require.True(t, again.Cached)
	require.Equal(t, same.JSON, again.JSON)

	shock := w.drift(t, times("annual_income", 0.6))
	require.Contains(t, about(shock.Findings), "data_drift annual_income psi")
	require.NotContains(t, about(shock.Findings), "data_drift purpose psi")
	require.NotContains(t, about(shock.Findings), "schema annual_income unit", "a shock is no other unit")

	monthly := w.drift(t, times("annual_income", 1./12))
	require.Contains(t, about(monthly.Findings), "schema annual_income unit")
	require.Contains(t, about(monthly.Findings), "prediction_drift  psi")
	measured, err := getJSON[monitor.Drift](t.Context(), w.objects, monthly.JSON)
	require.NoError(t, err)
	require.Equal(t, "annual_income", measured.Effects[0].Feature, "what moves the score most comes first")
	require.Len(t, measured.Segments, 8)
	require.Len(t, measured.Distributions, len(measured.Overall))
}

// Where a fifth of the applicants have other values, all of them together have hardly any: it is found by looking at segments, and only there.
func TestDriftOfASegmentIsFoundWhereItIs(t *testing.T) {
	w := newWatch(t)
	shifted := func(t *dataset.Table) {
		kinds, used := t.Column("institution_type"), t.Column("utilisation")
		used.Floats = slices.Clone(used.Floats)
		for i := range used.Floats {
			if kinds.Texts[i] == "credit_union" {
				used.Floats[i] = math.Min(1, used.Floats[i]+0.2)
			}
		}
	}
	ofUtilisation := func(findings []monitor.Finding) (segments []string) {
		for _, f := range findings {
			if f.Feature == "utilisation" {
				segments = append(segments, f.Segment)
			}
		}
		return segments
	}
	require.Equal(t, []string{"institution_type=credit_union"}, ofUtilisation(w.drift(t, shifted).Findings))
	w.spec.Monitor.Segment = ""
	require.Empty(t, ofUtilisation(w.drift(t, shifted).Findings), "else segments need not be looked at")
}

// What the champion was made of is counted once: later looks read the fresh rows alone, and find the same, to the byte.
func TestTheReferenceIsCountedOnce(t *testing.T) {
	w := newWatch(t, ", domain: [debt_consolidation, home_improvement, car, business, education, medical]", "")
	w.drift(t, nothing)
	ref := w.reference(t, lookedAt)
	fresh := w.read(t, ref.After, times("annual_income", 0.9))
	in := DriftInput{Schema: w.made.spec.Schema.Ref, Reference: ref.Dataset, Fresh: fresh.Dataset, Champion: ref.Contenders[0].Bundle, Monitor: w.spec.Monitor}
	anew := w.stages.Looking
	anew.Cache.Registry = nil
	want, err := anew.Drift(t.Context(), in)
	require.NoError(t, err)
	_, refs, err := manifest(t.Context(), w.objects, ref.Dataset)
	require.NoError(t, err)
	require.NotEmpty(t, refs)
	for _, part := range refs {
		delete(w.objects.bytes, part.SHA256)
	}
	_, err = anew.Drift(t.Context(), in)
	require.Error(t, err, "nothing is kept without a registry")
	got, err := w.stages.Looking.Drift(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// Of a column without a domain the schema takes any text; what the champion never saw is found, and no value of it is told.
func TestUnseenValuesAreFound(t *testing.T) {
	w := newWatch(t, ", domain: [debt_consolidation, home_improvement, car, business, education, medical]", "")
	require.Empty(t, w.drift(t, nothing).Findings)
	boats := w.drift(t, func(t *dataset.Table) {
		purpose := t.Column("purpose")
		purpose.Texts = slices.Clone(purpose.Texts)
		for i := range purpose.Texts {
			if i%20 == 0 {
				purpose.Texts[i] = "boat"
			}
		}
	})
	require.Contains(t, about(boats.Findings), "schema purpose unseen")
	for _, f := range boats.Findings {
		require.NotContains(t, f.Message, "boat")
	}
	measured, err := getJSON[monitor.Drift](t.Context(), w.objects, boats.JSON)
	require.NoError(t, err)
	require.Len(t, measured.Unseen, 1, "the other categories have a domain")
	require.True(t, measured.Unseen[0].Read)
	require.InDelta(t, 0.05, measured.Unseen[0].Share, 0.001)
	require.Zero(t, w.performance(t, lookedAt, nothing).Better)
}

// worse registers a champion that takes the risk of every applicant for its opposite.
func (w *watch) worse(t *testing.T) {
	t.Helper()
	m, err := getModel(t.Context(), w.objects, w.made.trained.Bundle)
	require.NoError(t, err)
	bad := *m
	bad.Coefficients = slices.Clone(m.Coefficients)
	for i := range bad.Coefficients {
		bad.Coefficients[i] = -0.3 * m.Coefficients[i]
	}
	data, err := bad.Encode()
	require.NoError(t, err)
	v := w.registry.versions[0]
	v.Bundle, err = w.objects.Put(t.Context(), data, bundleType, "model")
	require.NoError(t, err)
	v.Digest = v.Bundle.SHA256
	_, _, err = w.registry.RegisterVersion(t.Context(), v)
	require.NoError(t, err)
	w.promote(t, 2)
}

func TestPerformance(t *testing.T) {
	w := newWatch(t)
	healthy := w.performance(t, lookedAt, nothing)
	require.Greater(t, healthy.Matured, int64(1000))
	require.Empty(t, healthy.Findings, "%v", healthy.Findings)
	require.Nil(t, healthy.Better)
	measured, err := getJSON[monitor.Performance](t.Context(), w.objects, healthy.JSON)
	require.NoError(t, err)
	require.Greater(t, len(measured.Realised.Vintages), 5)
	require.NotNil(t, measured.Estimated.Metrics)
	require.Contains(t, measured.Estimated.Caveat, performance.OfApproved, "the product knows outcomes of loans alone")
	require.Less(t, measured.Estimated.Rows, measured.Fresh)
	require.Len(t, measured.Impact, 2, "gender and age_band are at hand")
	require.NotNil(t, measured.Approvals.Overall.Change)

	// Rows with a final label are a finding from a number on, those that the champion would refuse among them.
	w.spec.Monitor.NewRows = int(healthy.Matured)
	enough := w.performance(t, lookedAt, nothing)
	require.Equal(t, []string{"new_data  rows"}, about(enough.Findings))
	require.Equal(t, healthy.Matured, enough.Findings[0].Rows)
	strange := w.performance(t, lookedAt, func(t *dataset.Table) {
		purpose := t.Column("purpose")
		purpose.Texts = slices.Clone(purpose.Texts)
		for i := range 200 {
			purpose.Texts[i] = "boat"
		}
	})
	require.Less(t, strange.Matured, healthy.Matured)
	require.Contains(t, about(strange.Findings), "new_data  rows", "the next model learns from what this one refuses")
	w.spec.Monitor.NewRows++
	require.Empty(t, w.performance(t, lookedAt, nothing).Findings, "one is missing")

	// Of a label that is not mature nobody hears, whatever it says.
	before := w.reference(t, lookedAt).JudgedUntil
	first, err := time.Parse(pipeline.DateLayout, before)
	require.NoError(t, err)
	immature := w.performance(t, first.AddDate(0, 0, w.spec.Label.MaturesAfterDays).Format(pipeline.DateLayout), nothing)
	require.Zero(t, immature.Matured)
	require.Empty(t, immature.Findings, "nor are they rows to learn from")
	require.Contains(t, immature.Words, "AUC is estimated at")

	gone := w.performance(t, lookedAt, func(t *dataset.Table) {
		purpose := t.Column("purpose")
		purpose.Texts = slices.Clone(purpose.Texts)
		for i := range 60 {
			purpose.Texts[i] = "boat"
		}
	})
	require.Contains(t, about(gone.Findings), "schema  refused_by_champion", "a champion that cannot score rows is a finding")
}

// A column that may be missing is gone: that is for the schema to say. The champion goes on scoring, as it would score requests without it.
func TestALookAtRowsWithoutAColumnThatMayBeMissing(t *testing.T) {
	w := newWatch(t)
	w.worse(t)
	drift := w.drift(t, without("utilisation"))
	measured, err := getJSON[monitor.Drift](t.Context(), w.objects, drift.JSON)
	require.NoError(t, err)
	score := measured.Overall[len(measured.Overall)-1]
	require.Equal(t, monitor.Score.Name, score.Name)
	require.Equal(t, measured.Fresh, score.Window.Rows)
	require.Zero(t, score.Window.Missing)
	require.Len(t, measured.Effects, len(w.spec.Columns), "what the missing column does to the score is told as well")
	out := w.performance(t, lookedAt, without("utilisation"))
	performed, err := getJSON[monitor.Performance](t.Context(), w.objects, out.JSON)
	require.NoError(t, err)
	require.Zero(t, performed.Refused)
	require.Greater(t, out.Matured, int64(1000))
	require.Len(t, performed.Standings, 1)
	require.Equal(t, w.performance(t, lookedAt, nothing).Matured, out.Matured)

	// Of one that must be there no row is taken, and that is a finding.
	none := w.performance(t, lookedAt, without("purpose"))
	performed, err = getJSON[monitor.Performance](t.Context(), w.objects, none.JSON)
	require.NoError(t, err)
	require.Equal(t, performed.Fresh, performed.Refused)
	require.Contains(t, about(none.Findings), "schema  refused_by_champion")
}

// Rows of their own need no column of labels, nor do rows of which nothing is known yet: what has become of them is not known, and that is said.
func TestALookAtRowsWithoutTheLabelColumn(t *testing.T) {
	w := newWatch(t)
	w.worse(t)
	w.spec.Monitor.NewRows = 1
	out := w.performance(t, lookedAt, without("defaulted"))
	require.Zero(t, out.Matured)
	require.Contains(t, out.Words, `the rows have no label column "defaulted"`)
	require.NotNil(t, out.Better, "on an estimate")
	require.EqualValues(t, "estimate", out.Better.Basis)
	require.NotContains(t, about(out.Findings), "new_data  rows")
	measured, err := getJSON[monitor.Performance](t.Context(), w.objects, out.JSON)
	require.NoError(t, err)
	require.NotNil(t, measured.Judged.Metrics, "its own test part has labels")
	require.Positive(t, measured.Estimated.Rows)
}

func TestABetterVersionIsFound(t *testing.T) {
	w := newWatch(t)
	w.worse(t)
	ref := w.reference(t, lookedAt)
	require.Equal(t, []int{2, 1}, []int{ref.Contenders[0].Version, ref.Contenders[1].Version})
	onLabels := w.performance(t, lookedAt, nothing)
	require.NotNil(t, onLabels.Better)
	require.Equal(t, []any{1, "labels"}, []any{onLabels.Better.Version, onLabels.Better.Basis})
	require.Contains(t, about(onLabels.Findings), "performance  auc_difference")

	unlabelled := func(t *dataset.Table) {
		label := t.Column("defaulted")
		label.Valid, label.Texts = make([]bool, t.Rows()), make([]string, t.Rows())
	}
	onEstimate := w.performance(t, lookedAt, unlabelled)
	require.Zero(t, onEstimate.Matured)
	require.NotNil(t, onEstimate.Better, onEstimate.Words)
	require.Equal(t, []any{1, "estimate"}, []any{onEstimate.Better.Version, onEstimate.Better.Basis})
	require.Contains(t, onEstimate.Better.Message, "not valid under concept change")
}

// relabel has the spec take the other value of the label for a default, which a person accepts. Nothing is trained under it yet.
func (w *watch) relabel(t *testing.T) {
	t.Helper()
	spec := w.spec
	spec.Label.Positive, spec.Label.Negative = spec.Label.Negative, spec.Label.Positive
	ref, err := putJSON(t.Context(), w.objects, schema.Of(spec))
	require.NoError(t, err)
	w.made.spec.Schema.Ref = ref
}

// A label that says the opposite since a change of the spec makes the best version the worst one, were it read.
func TestOutcomesOfAnotherLabelAreNotRead(t *testing.T) {
	w := newWatch(t)
	w.worse(t)
	w.relabel(t)
	out := w.performance(t, lookedAt, nothing)
	require.Zero(t, out.Matured)
	require.Contains(t, out.Words, "the champion's scores are of the label "+w.spec.Label.Words())
	measured, err := getJSON[monitor.Performance](t.Context(), w.objects, out.JSON)
	require.NoError(t, err)
	require.NotNil(t, measured.Judged.Metrics, "its own test part is read as it was when it was trained")
	require.Less(t, measured.Judged.Metrics["auc"].Estimate, 0.5)

	// Nor is a version of the other label held against it, whatever it is estimated to be.
	first := slices.IndexFunc(w.registry.versions, func(v registry.ModelVersion) bool { return v.Version == 1 })
	w.registry.versions[first].Artifacts = maps.Clone(w.registry.versions[first].Artifacts)
	w.registry.versions[first].Artifacts[artifact.Schema] = w.made.spec.Schema.Ref
	apart := w.performance(t, "2025-10-01", nothing)
	require.Nil(t, apart.Better)
	measured, err = getJSON[monitor.Performance](t.Context(), w.objects, apart.JSON)
	require.NoError(t, err)
	require.Len(t, measured.Standings, 1)
	require.Equal(t, performance.OnNothing, measured.Standings[0].Basis)
	require.Contains(t, measured.Standings[0].Note, "the champion's of the label")
}

func TestSchemaFindings(t *testing.T) {
	w := newWatch(t)
	put := func(findings ...dataset.Finding) artifact.Ref {
		ref, err := putJSON(t.Context(), w.objects, dataset.Report{Rows: 700, Findings: findings})
		require.NoError(t, err)
		return ref
	}
	added := dataset.Finding{Column: "purpose", Rule: dataset.RuleSchema, Severity: dataset.Warning, Share: 0.1, Message: "new"}
	missing := dataset.Finding{Column: "utilisation", Rule: dataset.RuleMissingRate, Severity: dataset.Error, Share: 0.5, Message: "missing"}
	doubled := dataset.Finding{Rule: dataset.RuleDuplicates, Severity: dataset.Warning, Message: "doubled"}
	find := func(change *SchemaChange, findings ...dataset.Finding) []monitor.Finding {
		out, err := w.stages.Looking.Schema(t.Context(), SchemaLookInput{Report: put(findings...), Change: change})
		require.NoError(t, err)
		return out.Findings
	}
	require.Empty(t, find(nil, doubled))
	require.Equal(t, []monitor.Finding{{Kind: monitor.OfSchema, Feature: "purpose", Statistic: "schema", Value: 0.1, Rows: 700, Message: "new"}}, find(&SchemaChange{}, added, doubled))
	require.Equal(t, []monitor.Finding{{Kind: monitor.OfSchema, Feature: "utilisation", Statistic: "missing_rate", Value: 0.5, Rows: 700, Message: "missing", Meaning: true}},
		find(&SchemaChange{Breaking: true}, added, missing), "what would refuse a training is for a person, and nothing else is said then")
}

func TestALookIsRecordedOnce(t *testing.T) {
	w := newWatch(t)
	drift := w.drift(t, times("annual_income", 0.6))
	measured := w.performance(t, lookedAt, nothing)
	in := LookInput{
		Look:  registry.Look{RunID: "run-9", Pipeline: product, AsOf: lookedAt, Champion: 1, Verdict: monitor.Retrain, Findings: drift.Findings, Reasons: []string{"why"}},
		Drift: &drift.JSON, Performance: &measured.JSON,
	}
	out, err := w.stages.Looking.Record(t.Context(), in)
	require.NoError(t, err)
	page, err := w.objects.Get(t.Context(), out.HTML)
	require.NoError(t, err)
	require.Contains(t, string(page), "retrain")
	require.Equal(t, in.Look, w.registry.looks[0])
	_, err = w.stages.Looking.Record(t.Context(), LookInput{Look: in.Look, Drift: &artifact.Ref{URI: "s3://none", SHA256: "none"}})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}

// A look at rows of its own says nothing of what is new in a source, and that says nothing of it: neither is before the other on a page. Where rows have no day
// there are only such looks, one after the other.
func TestALookAtRowsOfItsOwnStandsAlone(t *testing.T) {
	w := newWatch(t)
	look := func(day, data, until string) registry.Look {
		return registry.Look{RunID: "run-" + day + data, Pipeline: product, AsOf: day, Champion: 1, Data: data, Until: until}
	}
	for _, test := range []struct {
		name   string
		looks  []registry.Look // newest first
		now    registry.Look
		before []string
	}{
		{"of the source", []registry.Look{look("2026-05-31", "s3://own", "2026-05-01"), look("2026-04-30", "", "2026-04-29")}, look("2026-06-30", "", "2026-06-29"), []string{"2026-04-30"}},
		{"of the source, whose rows alone have days", []registry.Look{look("2026-05-31", "s3://own", ""), look("2026-04-30", "", "2026-04-29")}, look("2026-06-30", "", ""), []string{"2026-04-30"}},
		{"of its own", []registry.Look{look("2026-05-31", "s3://own", "2026-05-01"), look("2026-04-30", "", "2026-04-29")}, look("2026-06-30", "s3://own", "2026-05-01"), nil},
		{"of its own, the first", []registry.Look{look("2026-05-31", "s3://own", "")}, look("2026-06-30", "s3://own", "2026-05-01"), nil},
		{"without days", []registry.Look{look("2026-05-31", "s3://b", ""), look("2026-04-30", "s3://a", "")}, look("2026-06-30", "s3://c", ""), []string{"2026-04-30", "2026-05-31"}},
	} {
		w.registry.looks = test.looks
		var before []string
		w.stages.Looking.Page = func(l report.Look) ([]byte, error) {
			for _, earlier := range l.Earlier {
				before = append(before, earlier.AsOf)
			}
			return nil, nil
		}
		_, err := w.stages.Looking.Record(t.Context(), LookInput{Look: test.now})
		require.NoError(t, err)
		require.Equal(t, test.before, before, test.name)
	}
}

// A page has what earlier looks measured, as far as it is kept.
func TestALookKnowsTheOnesBefore(t *testing.T) {
	w := newWatch(t)
	measured := w.performance(t, lookedAt, nothing)
	w.registry.made = measured.Artifacts()
	w.registry.looks = []registry.Look{
		{RunID: "run-8", Pipeline: product, AsOf: "2026-05-31", Champion: 1}, {RunID: "run-7", Pipeline: product, AsOf: "2026-04-30", Champion: 1},
		{RunID: "later", Pipeline: product, AsOf: "2026-07-31", Champion: 1},
	}
	var shown report.Look
	w.stages.Looking.Page = func(l report.Look) ([]byte, error) {
		shown = l
		return report.LookHTML(l)
	}
	record := func() {
		_, err := w.stages.Looking.Record(t.Context(), LookInput{Look: registry.Look{RunID: "run-9", Pipeline: product, AsOf: lookedAt, Champion: 1}, Performance: &measured.JSON})
		require.NoError(t, err)
		require.Equal(t, []string{"2026-04-30", "2026-05-31"}, []string{shown.Earlier[0].AsOf, shown.Earlier[1].AsOf})
		require.Nil(t, shown.Earlier[0].Drift, "it was not measured")
	}
	record()
	require.Equal(t, shown.Performance, shown.Earlier[1].Performance)
	require.NotEmpty(t, shown.Performance.Reliability.Realised.Bins)
	require.NotEmpty(t, shown.Performance.Reliability.Judged.Bins)
	kept := w.objects.bytes[measured.JSON.SHA256]
	delete(w.objects.bytes, measured.JSON.SHA256)
	other, err := w.objects.Put(t.Context(), append(kept, '\n'), jsonType, "json")
	require.NoError(t, err)
	measured.JSON = other
	record()
	require.Nil(t, shown.Earlier[1].Performance, "it was pruned")
}
