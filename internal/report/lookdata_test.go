package report_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/scoring"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/transform"
)

// hostile is a name of a column, and a value, that would run where it is not escaped.
const hostile = `<script>alert("x")</script>&'`

// lender simulates applicants, and a champion that knows how they default.
type lender struct {
	champion *model.Model
	features []drift.Feature
	bins     drift.Bins
	counted  monitor.Counted
	sample   dataset.Table
}

var measuredLimits = pipeline.Monitor{MaxAUCDrop: 0.01, MinRows: 500}

const segment = "institution_type"

var institutions = []string{"bank", "credit union", "online " + hostile, "broker"}

func newLender(t testing.TB, numbers int) *lender {
	t.Helper()
	l := &lender{champion: &model.Model{Name: "loans", Intercept: -1.4}}
	for i := range numbers {
		name := []string{"annual_income", "debt_to_income", "credit_utilisation", "employment_years", hostile}[i%5]
		if i >= 5 {
			name = fmt.Sprintf("%s_%d", name, i)
		}
		l.features = append(l.features, drift.Feature{Name: name})
		l.champion.Encoder.Fields = append(l.champion.Encoder.Fields, transform.Field{Name: name, Type: pipeline.Number, Nullable: true})
		l.champion.Encoder.Scales = append(l.champion.Encoder.Scales, transform.Scale{Mean: 1, SD: 0.5})
		l.champion.Coefficients = append(l.champion.Coefficients, []float64{-0.9, 0.6, 0.35, -0.1, 0}[i%5]/math.Sqrt(math.Ceil(float64(i+1)/5)), 0.2)
		l.champion.Background = append(l.champion.Background, 0, 0)
	}
	l.features = append(l.features, drift.Feature{Name: segment, Category: true})
	l.champion.Encoder.Fields = append(l.champion.Encoder.Fields, transform.Field{Name: segment, Type: pipeline.Category, Levels: institutions, Open: true})
	l.champion.Encoder.Scales = append(l.champion.Encoder.Scales, transform.Scale{SD: 1})
	l.champion.Coefficients = append(l.champion.Coefficients, -0.2, -0.1, 0.2, 0.3)
	l.champion.Background = append(l.champion.Background, 0.25, 0.25, 0.25, 0.25)
	l.sample = l.applicants(t, 1, 4000, 0)
	var err error
	l.bins, err = drift.NewBins(append(l.features, monitor.Score), l.sample)
	require.NoError(t, err)
	l.counted = l.count(t, l.sample)
	return l
}

// applicants are rows with their scores. shift moves the first number, of online applicants by more, and grows the share of missing values of the fourth.
func (l *lender) applicants(t testing.TB, seed uint64, n int, shift float64) dataset.Table {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	where := dataset.Column{Name: segment, Kind: dataset.Text}
	table := dataset.Table{}
	for range n {
		from := r.Float64()
		if from < 0.02*shift {
			from = 0.8
		}
		where.Texts, where.Valid = append(where.Texts, institutions[int(4*from*from)]), append(where.Valid, true)
	}
	if n > 10 {
		where.Texts[3], where.Texts[4] = "Ann Smith", "Ann Smith"
	}
	for i, f := range l.features[:len(l.features)-1] {
		column := dataset.Column{Name: f.Name}
		for row := range n {
			x := 1 + 0.5*r.NormFloat64()
			switch i % 5 {
			case 0:
				if where.Texts[row] == institutions[2] {
					x -= 0.8 * shift
				}
				x = math.Round(1000*(x-0.15*shift)) / 1000
			case 1:
				x += 0.12 * shift
			case 3:
				if r.Float64() < 0.03+0.1*shift {
					x = math.NaN()
				}
			}
			column.Floats = append(column.Floats, x)
		}
		table.Columns = append(table.Columns, column)
	}
	table.Columns = append(table.Columns, where)
	scores, err := scoring.Table(l.champion, table)
	require.NoError(t, err)
	table.Columns = append(table.Columns, dataset.Column{Name: monitor.Score.Name, Floats: scores})
	return table
}

func (l *lender) count(t testing.TB, rows dataset.Table) monitor.Counted {
	t.Helper()
	counter := monitor.NewCounter(l.bins)
	require.NoError(t, counter.Add(rows, rows.Column(segment)))
	return counter.Counted()
}

func (l *lender) drift(t testing.TB, fresh dataset.Table) *monitor.Drift {
	t.Helper()
	d, err := monitor.HoldAgainst(monitor.Watched{
		Features: l.features, Bins: l.bins, Reference: l.counted, Fresh: l.count(t, fresh), ReferenceSample: l.sample, FreshSample: fresh, Segment: segment, Champion: l.champion,
	}, drift.Limits{})
	require.NoError(t, err)
	return &d
}

// outcomes have the scores of the champion and of two older versions, one that is blurred and one that knows what changed, for labels that change makes other than the
// champion thinks; of the newest quarter none is known.
func (l *lender) outcomes(rows dataset.Table, seed uint64, change float64, known bool) monitor.Scored {
	r := rand.New(rand.NewPCG(seed, 9))
	champion := rows.Column(monitor.Score.Name).Floats
	s := monitor.Scored{Scores: [][]float64{champion, nil, nil}, Segments: []performance.Segment{{Column: segment, Values: rows.Column(segment).Texts}}}
	group := performance.Segment{Column: "age_group"}
	probability := func(logit float64) float64 { return 1 / (1 + math.Exp(-logit)) }
	for i, p := range champion {
		logit := math.Log(p / (1 - p))
		truth := (1-0.5*change)*logit + 0.8*change*r.NormFloat64() + 0.4*change
		label := 0.0
		if r.Float64() < probability(truth) {
			label = 1
		}
		if !known || i > 3*len(champion)/4 {
			label = math.NaN()
		}
		s.Scores[1] = append(s.Scores[1], probability(0.6*logit+0.9*r.NormFloat64()-0.5))
		s.Scores[2] = append(s.Scores[2], probability(truth+0.3*r.NormFloat64()))
		s.Labels, s.Days, s.Approved = append(s.Labels, label), append(s.Days, float64(20_000+365*i/len(champion))), append(s.Approved, p < 0.25)
		age := []string{"under 25", "25 to 62", "over 62"}[min(int(4*r.Float64()), 2)]
		if p > 0.3 && r.Float64() < 0.3 {
			age = "under 25"
		}
		group.Values = append(group.Values, age)
	}
	s.Protected = []performance.Segment{group, {Column: "sex"}}
	return s
}

// performance is that of a champion at an earlier look. That of version 2 is judged half a year before version 3 is.
func (l *lender) performance(t testing.TB, version, look, looks int, fresh dataset.Table) *monitor.Performance {
	t.Helper()
	of := monitor.Observed{Nth: look + 1}
	for v := version; v > 0; v-- {
		of.Versions = append(of.Versions, monitor.Version{Track: serving.Track{Version: v}})
	}
	grown := float64(look+1) / float64(looks+1)
	since := l.applicants(t, uint64(40+look), 2000+int(2000*grown), 0.5*grown)
	known := func(s monitor.Scored, from float64) monitor.Scored {
		s.Scores = s.Scores[:len(of.Versions)]
		for i := range s.Days {
			s.Days[i] += from
		}
		return s
	}
	from := 0.0
	if version == 2 {
		from = -180
	}
	of.Reference, of.Applicants = known(l.outcomes(l.applicants(t, uint64(60+version), 3000, 0), 1, 0.1, true), 0), known(l.outcomes(l.sample, 2, 0, true), 0)
	of.Outcomes, of.Fresh = known(l.outcomes(since, 3, 0.4*grown, true), from), known(l.outcomes(fresh, 4, 0.4*grown, false), 0)
	done, err := monitor.Measure(of, measuredLimits)
	require.NoError(t, err)
	return &done
}

// look is one after others, with everything measured.
func (l *lender) look(t testing.TB, earlier int) report.Look {
	t.Helper()
	var looks []report.EarlierLook
	asOf := func(i int) string { return fmt.Sprintf("2026-%02d-28", i+1) }
	after := func(i int) string {
		if i == 0 {
			return "2025-12-28"
		}
		return asOf(i - 1)
	}
	for i := range earlier {
		shift := max(0, float64(i-earlier/3)) / float64(earlier)
		version, verdict := 2, monitor.Nothing
		if i >= earlier/3 {
			version = 3
		}
		if shift > 0.3 {
			verdict = monitor.Alert
		}
		before := report.EarlierLook{Look: registry.Look{After: after(i), AsOf: asOf(i), Rows: 1500, Champion: version, Verdict: verdict}}
		if i != 1 { // a look that had too few rows
			fresh := l.applicants(t, uint64(10+i), 1500, shift)
			before.Drift, before.Performance = l.drift(t, fresh), l.performance(t, version, i, earlier, fresh)
		}
		looks = append(looks, before)
	}
	fresh := l.applicants(t, 99, 2000, 1)
	held := l.applicants(t, 98, 3000, 0)
	since := l.applicants(t, 97, 6000, 0.6)
	done, err := monitor.Measure(monitor.Observed{
		Versions: []monitor.Version{{Track: serving.Track{Version: 3}}, {Track: serving.Track{Version: 2}}, {Track: serving.Track{Version: 1}}}, Reference: l.outcomes(held, 1, 0, true), Applicants: l.outcomes(l.sample, 2, 0, true),
		Outcomes: l.outcomes(since, 3, 0.7, true), Fresh: l.outcomes(fresh, 4, 0.7, false), Nth: earlier - earlier/3 + 1,
	}, measuredLimits)
	require.NoError(t, err)
	shown := report.Look{
		Look: registry.Look{
			RunID: "run-1", Pipeline: "loans", After: asOf(earlier - 1), AsOf: asOf(earlier), Rows: 2000, Matured: int64(done.Realised.Overall.Rows), Champion: 3, Enough: true,
			Verdict: monitor.Retrain, Reasons: []string{"no older version is better, so that a new one is trained"},
		},
		Drift: l.drift(t, fresh), Performance: &done, Earlier: looks,
	}
	shown.Findings = done.Findings(measuredLimits)
	for _, r := range shown.Drift.Overall {
		psi, _ := r.Statistic(drift.PSI)
		if r.Beyond() {
			kind := monitor.OfData
			if r.Name == monitor.Score.Name {
				kind = monitor.OfPredictions
			}
			p := r.P
			shown.Findings = append(shown.Findings, monitor.Finding{Kind: kind, Feature: r.Name, Statistic: "psi", Value: psi.Value, Limit: psi.Limit, P: &p, Rows: 2000, Message: r.Name + " is distributed otherwise"})
		}
	}
	shown.Findings = append(shown.Findings, monitor.Finding{Kind: monitor.OfSchema, Feature: "new <column>", Statistic: "unexpected_column", Value: 1, Rows: 2000, Message: "there is a new column"})
	for _, f := range shown.Findings {
		shown.Reasons = append(shown.Reasons, f.Message)
	}
	return shown
}
