package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/transform"
)

func TestEvaluationShowsMetricsPlotsAndCoefficients(t *testing.T) {
	var y, p []float64
	for i := range 400 {
		y = append(y, float64(i%4/3))
		p = append(p, 0.5+0.4*math.Sin(float64(i))*math.Abs(math.Cos(float64(i%4))))
	}
	e, err := evaluate.Evaluate(y, p)
	require.NoError(t, err)
	m := &model.Model{
		Name:      "loans",
		Encoder:   transform.Encoder{Fields: []transform.Field{{Name: "debt", Type: pipeline.Number}}, Scales: []transform.Scale{{Mean: 1, SD: 2}}},
		Intercept: -1, Coefficients: []float64{0.75}, Background: []float64{0},
	}
	page, err := report.EvaluationHTML(e, m, nil)
	require.NoError(t, err)
	requireSelfContained(t, page)
	for _, want := range []string{"AUC", "Brier", "debt", "0.7500"} {
		require.Contains(t, string(page), want)
	}
	require.GreaterOrEqual(t, strings.Count(string(page), "<svg"), 2)
	again, err := report.EvaluationHTML(e, m, nil)
	require.NoError(t, err)
	require.Equal(t, page, again)
}

// requireSelfContained checks that a page loads nothing and that its plots are well-formed.
func requireSelfContained(t *testing.T, page []byte) {
	t.Helper()
	require.NotRegexp(t, regexp.MustCompile(`(?i)(src|href)="?(https?:|//)|@import|url\(http`), string(page))
	for _, plot := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAll(page, -1) {
		decoder := xml.NewDecoder(bytes.NewReader(plot))
		for {
			_, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
		}
	}
}

func TestEvaluationOnNewDataSaysOfWhich(t *testing.T) {
	e, err := evaluate.Evaluate([]float64{0, 1, 0, 1}, []float64{0.1, 0.9, 0.6, 0.4})
	require.NoError(t, err)
	m := &model.Model{
		Name: "loans", Encoder: transform.Encoder{Fields: []transform.Field{{Name: "debt", Type: pipeline.Number}}, Scales: []transform.Scale{{Mean: 1, SD: 2}}},
		Coefficients: []float64{0.75}, Background: []float64{0},
	}
	page, err := report.OnDataHTML(evaluate.OnData{
		Model: "loans", Version: 3, Source: "june.csv", KnownAt: "2026-06-30", LeftOut: evaluate.LeftOut{Immature: 12}, Evaluation: e,
	}, m)
	require.NoError(t, err)
	requireSelfContained(t, page)
	for _, want := range []string{"Evaluation of loans version 3 on new data", "june.csv", "2026-06-30", "4 rows, 2 with label 1", "12 rows have an outcome that is not mature"} {
		require.Contains(t, string(page), want)
	}
}
